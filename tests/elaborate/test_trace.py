"""The calls that led to an error: the same whether compiling stops at it or checking goes on."""

from __future__ import annotations

import pytest

from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.errors import NetspecError
from tests.elaborate.conftest import HEAD, compiled

BLOCKS = """\
defaults: {act: outer}
blocks:
  outer: {body: [{middle: {depth: 0}}]}
  middle: {params: {depth: int}, body: [{repeat: {times: 1, body: [{inner: {depth: depth}}]}}]}
"""
CALLS = ["block `inner`, called", "block `middle`, called", "block `outer`, called"]


@pytest.mark.parametrize(
    "inner",
    [
        "{params: {depth: int}, body: [{conv: {out: 4 / depth, kernel: 1}}]}",
        "{params: {depth: int}, let: {half: 4 / depth}, body: [{conv: {out: half, kernel: 1}}]}",
        "{params: {depth: int}, body: [{residual: {body: [{conv: {out: 4, kernel: 1}}]}}]}",
        "{params: {depth: int}, inline: true, body: [{conv: {out: 4 / depth, kernel: 1}}]}",
    ],
    ids=["a step", "a value", "a merge", "inline"],
)
def test_every_call_is_told_once_innermost_first(inner: str) -> None:
    text = f"{BLOCKS}  inner: {inner}\nstem: [act]\n"
    with pytest.raises(NetspecError) as caught:
        compiled(text)
    (stopped,) = caught.value.diagnostics
    whole = f"{HEAD}input: {{channels: 3, size: [8, 12]}}\n{text}".encode()
    result = check_content(whole, "f.yaml", None, Options(lints=frozenset()))
    assert result is not None
    (told,) = result.diagnostics
    assert [what for what, _ in stopped.trace] == [*CALLS, "role `act`, called"]
    assert stopped == told


def test_a_long_way_is_cut_at_its_outer_end() -> None:
    blocks = "".join(f"  b{n}: {{body: [b{n + 1}]}}\n" for n in range(20))
    text = f"blocks:\n{blocks}  b20: {{body: [{{conv: {{out: 0, kernel: 1}}}}]}}\nstem: [b0]\n"
    with pytest.raises(NetspecError) as caught:
        compiled(text)
    (found,) = caught.value.diagnostics
    assert [what for what, _ in found.trace] == [f"block `b{20 - n}`, called" for n in range(8)]
