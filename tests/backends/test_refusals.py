"""What a backend cannot do is told at its place in the spec, whatever the way to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.backends.base import build, check_network, get_backend
from netspec.backends.keras import rows as keras_rows
from netspec.backends.rows import Unsupported
from netspec.backends.torch import rows as torch_rows
from netspec.errors import NetspecError
from netspec.ir import Node, Value
from netspec.ir.check import check_program
from netspec.ir.interpret import interpret
from netspec.ir.rewrite import rewrite
from tests.support.networks import input_of, network_of

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


OF_TORCH_ALONE = [
    "max_pool: {kernel: 3, stride: 3, padding: 1, ceil: true}",
    "max_pool: {kernel: 2, stride: 3, ceil: true}",
    "avg_pool: {kernel: 3, stride: 2, ceil: true}",
    "avg_pool: {kernel: 2, stride: 3, ceil: true}",
    "avg_pool: {kernel: [2, 3], ceil: true}",
]
"""What PyTorch does at every size of the input, and Keras at none that is left open."""


@pytest.mark.parametrize("step", OF_TORCH_ALONE)
def test_a_ceiling_that_keras_has_not(step: str) -> None:
    network = netspec.loads(SPEC.replace("- relu", f"- {step}"), file="small.yaml")
    with pytest.raises(NetspecError) as caught:
        network.generate("keras")
    assert str(caught.value).startswith("small.yaml:6:5: error[NS702]: the keras backend cannot do")
    assert "`ceil`" in str(caught.value)
    network.generate("torch")


@pytest.mark.parametrize("size", [(7, 8), (9, 13), (10, 11), (12, 14)])
@pytest.mark.parametrize("step", OF_TORCH_ALONE)
def test_pytorch_and_numpy_agree_on_it(step: str, size: tuple[int, int]) -> None:
    network = network_of(step, size)
    x = input_of(network).astype("float32")
    found = get_backend("torch").run(build(get_backend("torch"), network), x)["output"]
    numpy.testing.assert_allclose(found, interpret(network, x, {})["output"], rtol=1e-5, atol=1e-6)


def test_names_that_one_spelling_makes_alike_are_of_keras_alone() -> None:
    """Also where a pass made them, and no spec says so."""
    network = network_of("{relu: {}, name: a.b}\n{tanh: {}, name: c}", (4, 5))

    def renamed(node: Node, inputs: tuple[Value, ...]) -> Node:
        path = "a_b" if node.path == "c" else node.path
        return dataclasses.replace(node, path=path, inputs=inputs)

    other = rewrite(network, renamed)
    check_program(other)
    check_network(get_backend("torch"), other)
    with pytest.raises(NetspecError, match=r"NS227.*`a_b`.*`a.b`"):
        check_network(get_backend("keras"), other)


def test_every_place_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("conv", "relu"):
        monkeypatch.setitem(TABLES["keras"], kind, Unsupported("it is Friday"))  # type: ignore[arg-type]
    text = SPEC + "  - repeat: {times: 3, body: [relu]}\n"
    with pytest.raises(NetspecError) as caught:
        netspec.loads(text).generate("keras")
    assert [d.span.line for d in caught.value.diagnostics if d.span] == [5, 6, 7]
