"""What a backend cannot do is told at its place in the spec, whatever the way to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.backends.keras import rows as keras_rows
from netspec.backends.rows import Unsupported
from netspec.backends.torch import rows as torch_rows
from netspec.errors import NetspecError

SPEC = """\
netspec: 1
name: small
input: {channels: 3, size: [8, 8]}
stem:
  - conv: {out: 4, kernel: 3}
  - relu
"""

TABLES = {"torch": torch_rows.ROWS, "keras": keras_rows.ROWS}


def refuses(layer: Any) -> Any:
    raise Unsupported("there is too little of it")


@pytest.mark.parametrize("backend", ["torch", "keras"])
@pytest.mark.parametrize(
    ("row", "said"),
    [
        (None, "error[NS701]: the {} backend has no row for `relu` (at relu)"),
        (
            Unsupported("there is too little of it"),
            "error[NS702]: the {} backend cannot do this `relu`: there is too little of it (at relu)",
        ),
        (
            refuses,
            "error[NS702]: the {} backend cannot do this `relu`: there is too little of it (at relu)",
        ),
    ],
)
@pytest.mark.parametrize("way", [CompiledNetwork.build, CompiledNetwork.generate])
def test_an_op_without_a_row(
    backend: str,
    row: Any,
    said: str,
    way: Callable[[CompiledNetwork, str], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TABLES[backend], "relu", row)  # type: ignore[arg-type]
    with pytest.raises(NetspecError) as caught:
        way(netspec.loads(SPEC, file="small.yaml"), backend)
    assert str(caught.value) == (
        f"small.yaml:6:5: {said.format(backend)}\n  6 |   - relu\n    |     ^^^^"
    )
