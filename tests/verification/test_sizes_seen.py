"""Mistakes that one size of the input hides are found at another."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from netspec import loads
from netspec.backends.torch import live, same
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from netspec.verification.sizes import choose_size, extra_sizes

HEAD = (
    "netspec: 1\nname: net\ndefaults: {conv: {bias: false}}\ninput: {channels: 3, size: [48, 48]}\n"
)
SAME = (
    HEAD
    + "stem: [{conv: {out: 4, kernel: 3, stride: 2, padding: same}}]\nhead: [global_avg_pool]\n"
)
GATE = (
    HEAD
    + "stem: [{conv: {out: 4, kernel: 3}}, {gate: {body: [{conv: {out: 4, kernel: 1}}, sigmoid]}}]\n"
)
DILATED = (
    HEAD + "stem:\n  - conv: {out: 4, kernel: 3}\n  - conv: {out: 4, kernel: 3, dilation: 6}\n"
    "head: [global_avg_pool]\n"
)


def run(text: str, **options: Any) -> NetworkResult:
    program = loads(text).compilation
    return verify(program, Options(**options), Origin("net.yaml"))


def failures(result: NetworkResult) -> list[tuple[str, str, str]]:
    return [(w.name, level.level, failure.message) for w, level, failure in result.failures()]


def test_sizes_are_odd_even_square_and_told() -> None:
    network = loads(SAME).network
    first = choose_size(network)
    sizes = [first, *extra_sizes(network, first)]
    assert any(len(set(size)) == 1 for size in sizes)
    assert any(len(set(size)) > 1 for size in sizes)
    for axis in (0, 1):
        assert {size[axis] % 2 for size in sizes} == {0, 1}
    result = run(SAME, level="forward")
    told = ", ".join("×".join(map(str, size)) for size in sizes[1:])
    assert result.passed
    assert f"results of a forward pass were compared at {told} too" in result.notes


def test_every_remainder_of_a_stride_is_met() -> None:
    network = loads(SAME.replace("stride: 2", "stride: 4")).network
    first = choose_size(network)
    sizes = [first, *extra_sizes(network, first)]
    assert {size[0] % 4 for size in sizes} == {0, 1, 2, 3}


@pytest.mark.parametrize("wrong_at", [1, 0])
def test_same_on_the_other_side_at_one_size_alone(
    wrong_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pad on the other side, at one odd or even length."""
    network = loads(SAME).network
    sizes = extra_sizes(network, choose_size(network))
    length = next(
        size[0] for size in sizes if size[0] % 2 == wrong_at and size[0] != choose_size(network)[0]
    )
    original = same.SameConv2d.forward

    def other_side(layer: Any, x: Any) -> Any:
        moved = torch.roll(x, 1, 2) if x.shape[2] == length else x
        return original(layer, moved)

    monkeypatch.setattr(same.SameConv2d, "forward", other_side)
    found = failures(run(SAME, level="forward"))
    assert found
    assert all(
        level == "forward" and f"with an input of {length}×" in said for _, level, said in found
    )


def test_a_gate_of_square_maps_transposed(monkeypatch: pytest.MonkeyPatch) -> None:
    def transposed(one: Any, other: Any) -> Any:
        return one * (other.transpose(2, 3) if one.shape[2] == one.shape[3] else other)

    assert run(GATE, level="forward").passed
    monkeypatch.setitem(live.MERGES, "mul", transposed)
    found = failures(run(GATE, level="forward"))
    assert found
    assert all("with an input of" in said for _, _, said in found)


def test_a_wide_kernel_meets_a_map_as_wide() -> None:
    network = loads(DILATED).network
    sizes = [choose_size(network), *extra_sizes(network, choose_size(network))]
    assert any(min(size) >= 13 for size in sizes)
