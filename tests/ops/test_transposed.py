"""`conv_transpose`: type, what is cut, parameters, fans and MACs."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.ops.base import GroupsError, OpError, RangeError, WindowError
from netspec.ops.geometry import Padding
from netspec.ops.transposed import ConvTranspose
from netspec.ops.types import TensorType
from tests.ops.conftest import MAP, VECTOR, make, refusal, shapes

SAME, VALID = Padding("same"), Padding("valid")


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ({"kernel": 3}, (8, 9, 12)),
        ({"kernel": 2, "stride": 2}, (8, 18, 24)),
        ({"kernel": 4, "stride": 2}, (8, 18, 24)),
        ({"kernel": 3, "stride": 2}, (8, 17, 23)),
        ({"kernel": 3, "stride": 2, "output_padding": (1, 0)}, (8, 18, 23)),
        ({"kernel": 3, "stride": 2, "padding": SAME}, (8, 18, 24)),
        ({"kernel": 2, "stride": 3, "padding": SAME}, (8, 27, 36)),
        ({"kernel": 2, "stride": 3, "padding": VALID}, (8, 26, 35)),
        ({"kernel": 3, "stride": 2, "dilation": (1, 2), "padding": VALID}, (8, 19, 27)),
        ({"kernel": 3, "padding": Padding("explicit", ((0, 2), (1, 0)))}, (8, 9, 13)),
    ],
)
def test_type(attributes: dict[str, Any], shape: tuple[int, ...]) -> None:
    target = make("conv_transpose", out=8, **attributes).infer(MAP)
    assert target.shape == shape
    assert not target.non_negative


@pytest.mark.parametrize("padding", [SAME, VALID, Padding("symmetric")])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 2), (4, 3), (2, 3)])
def test_it_gives_a_size_that_conv_makes_the_input_of(
    kernel: int, stride: int, padding: Padding
) -> None:
    same = {"out": 8, "kernel": kernel, "stride": stride, "padding": padding}
    larger = make("conv_transpose", **same).infer(MAP)
    assert make("conv", larger, **same).infer(larger).size == MAP.size


@pytest.mark.parametrize(
    ("attributes", "cuts"),
    [
        ({"kernel": 3, "stride": 2}, ((1, 1), (1, 1))),
        ({"kernel": 3, "stride": 2, "output_padding": (1, 0)}, ((1, 0), (1, 1))),
        ({"kernel": 3, "stride": 2, "padding": SAME}, ((0, 1), (0, 1))),
        ({"kernel": 2, "stride": 3, "padding": SAME}, ((0, -1), (0, -1))),
    ],
)
def test_cuts(attributes: dict[str, Any], cuts: tuple[tuple[int, int], ...]) -> None:
    op = make("conv_transpose", out=8, **attributes)
    assert isinstance(op, ConvTranspose)
    assert op.cuts == cuts


def test_parameters_and_macs() -> None:
    op = make("conv_transpose", out=4, kernel=(3, 1), stride=2, groups=2)
    assert shapes(op) == {"weight": (6, 2, 3, 1), "bias": (4,)}
    assert [p.fans for p in op.parameters(MAP)] == [(2 * 3, 6 * 3)] * 2
    assert op.macs(MAP, op.infer(MAP)) == 6 * 2 * 3 * 9 * 12
    bare = make("conv_transpose", out=4, kernel=3, bias=False)
    assert shapes(bare) == {"weight": (6, 4, 3, 3)}


@pytest.mark.parametrize(
    ("attributes", "error", "attribute"),
    [
        ({"groups": 4}, GroupsError, "groups"),
        ({"out": 4, "groups": 3}, GroupsError, "out"),
        ({"stride": 0}, RangeError, "stride"),
        ({"output_padding": 1}, RangeError, "output_padding"),
        ({"output_padding": -1}, RangeError, "output_padding"),
        ({"stride": 2, "output_padding": 1, "padding": SAME}, OpError, "output_padding"),
        ({"padding": Padding("explicit", ((-1, 0), (0, 0)))}, RangeError, "padding"),
        ({"padding": Padding("explicit", ((6, 6), (0, 0)))}, WindowError, "padding"),
    ],
)
def test_refuses(attributes: dict[str, Any], error: type[OpError], attribute: str) -> None:
    found = refusal("conv_transpose", **{"out": 8, "kernel": 3, **attributes})
    assert type(found) is error
    assert found.attribute == attribute


def test_needs_a_map() -> None:
    with pytest.raises(OpError, match="needs a map"):
        make("conv_transpose", TensorType(6, (9,)), out=8, kernel=3).infer(VECTOR)
