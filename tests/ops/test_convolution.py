"""`conv` and `linear`: type, parameters, fans and MACs."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.ops.convolution import Conv
from netspec.ops.geometry import Padding
from netspec.ops.types import TensorType
from tests.ops.conftest import MAP, VECTOR, make, refusal, shapes


def pads(*pairs: tuple[int, int]) -> Padding:
    return Padding("explicit", pairs)


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ({"out": 8, "kernel": 3}, (8, 9, 12)),
        ({"out": 8, "kernel": 3, "stride": 2}, (8, 5, 6)),
        ({"out": 8, "kernel": 3, "padding": Padding("valid")}, (8, 7, 10)),
        ({"out": 8, "kernel": 4, "stride": 2, "padding": Padding("same")}, (8, 5, 6)),
        ({"out": 8, "kernel": (3, 5), "stride": (2, 1), "dilation": (1, 2)}, (8, 5, 12)),
        ({"out": 8, "kernel": 3, "padding": pads((0, 2), (1, 0))}, (8, 9, 11)),
        ({"kernel": 3, "depthwise": True}, (6, 9, 12)),
        ({"out": 12, "kernel": 3, "depthwise": True}, (12, 9, 12)),
    ],
)
def test_type(attributes: dict[str, Any], shape: tuple[int, ...]) -> None:
    target = make("conv", **attributes).infer(MAP)
    assert target.shape == shape
    assert not target.non_negative


@pytest.mark.parametrize("size", [(9,), (9, 12), (5, 6, 7)])
def test_any_number_of_axes(size: tuple[int, ...]) -> None:
    source = TensorType(6, size)
    op = make("conv", source, out=8, kernel=3)
    assert op.infer(source).shape == (8, *size)
    assert shapes(op, source)["weight"] == (8, 6, *(3 for _ in size))


@pytest.mark.parametrize(
    ("attributes", "weight", "bias", "fans", "macs"),
    [
        ({"out": 8, "kernel": 3}, (8, 6, 3, 3), (8,), (54, 72), 8 * 6 * 9 * 108),
        (
            {"out": 8, "kernel": (3, 1), "bias": False},
            (8, 6, 3, 1),
            None,
            (18, 24),
            8 * 6 * 3 * 108,
        ),
        ({"out": 9, "kernel": 3, "groups": 3}, (9, 2, 3, 3), (9,), (18, 81), 9 * 2 * 9 * 108),
        ({"kernel": 3, "depthwise": True}, (6, 1, 3, 3), (6,), (9, 54), 6 * 9 * 108),
        ({"out": 12, "kernel": 3, "depthwise": True}, (12, 1, 3, 3), (12,), (9, 108), 12 * 9 * 108),
    ],
)
def test_parameters_and_macs(
    attributes: dict[str, Any],
    weight: tuple[int, ...],
    bias: tuple[int, ...] | None,
    fans: tuple[int, int],
    macs: int,
) -> None:
    op = make("conv", **attributes)
    expected = {"weight": weight} | ({"bias": bias} if bias else {})
    assert shapes(op) == expected
    assert all(p.fans == fans and p.trainable for p in op.parameters(MAP))
    assert op.macs(MAP, op.infer(MAP)) == macs


def test_depthwise_becomes_groups() -> None:
    op = make("conv", kernel=3, depthwise=True)
    assert isinstance(op, Conv)
    assert (op.groups, op.out, op.depthwise) == (6, 6, False)


@pytest.mark.parametrize(
    ("attributes", "blamed", "message"),
    [
        ({"kernel": 3}, "out", "needs `out`"),
        ({"out": 0, "kernel": 3}, "out", "at least 1"),
        ({"out": 8, "kernel": 0}, "kernel", "at least 1"),
        ({"out": 8, "kernel": 3, "stride": (1, 0)}, "stride", "at least 1"),
        ({"out": 8, "kernel": 3, "dilation": 0}, "dilation", "at least 1"),
        ({"out": 8, "kernel": 3, "groups": 0}, "groups", "at least 1"),
        ({"out": 8, "kernel": 3, "groups": 4}, "groups", "divide the 6 input channels"),
        ({"out": 8, "kernel": 3, "groups": 3}, "out", "divide the 8 output channels"),
        ({"out": 8, "kernel": 3, "groups": 2, "depthwise": True}, "groups", "exclude"),
        ({"out": 8, "kernel": 3, "depthwise": True}, "out", "divide the 8 output channels"),
        ({"out": 8, "kernel": 10, "padding": Padding("valid")}, "kernel", "larger than its padded"),
        ({"out": 8, "kernel": 3, "padding": pads((0, 0), (0, -1))}, "padding", "negative"),
    ],
)
def test_refusals(attributes: dict[str, Any], blamed: str, message: str) -> None:
    error = refusal("conv", **attributes)
    assert message in error.message
    assert error.attribute == blamed


def test_a_vector_is_no_map() -> None:
    assert "needs a map" in refusal("conv", VECTOR, out=4, kernel=()).message


def test_linear() -> None:
    op = make("linear", VECTOR, out=4)
    assert op.infer(VECTOR).shape == (4,)
    assert shapes(op, VECTOR) == {"weight": (4, 10), "bias": (4,)}
    assert shapes(make("linear", VECTOR, out=4, bias=False), VECTOR) == {"weight": (4, 10)}
    assert op.macs(VECTOR, op.infer(VECTOR)) == 40
    assert {p.fans for p in op.parameters(VECTOR)} == {(10, 4)}
    assert refusal("linear", VECTOR, out=0).attribute == "out"
    error = refusal("linear", MAP, out=4)
    assert "got a map of 6×9×12" in error.message
    assert error.help is not None
    assert "global_avg_pool" in error.help
