"""Poolings: type, and the cases that no backend-independent padding reproduces."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.ops.geometry import Padding
from netspec.ops.pooling import Pool
from netspec.ops.types import TensorType
from tests.ops.conftest import MAP, VECTOR, make, refusal


def pads(*pairs: tuple[int, int]) -> Padding:
    return Padding("explicit", pairs)


BOTH = pytest.mark.parametrize("kind", ["max_pool", "avg_pool"])


@BOTH
@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"kernel": 3}, (3, 4)),
        ({"kernel": 2}, (4, 6)),
        ({"kernel": 2, "ceil": True}, (5, 6)),
        ({"kernel": 3, "stride": 2, "padding": Padding("symmetric")}, (5, 6)),
        ({"kernel": 3, "stride": 2, "padding": Padding("same")}, (5, 6)),
        ({"kernel": (1, 4), "stride": (3, 2), "padding": pads((0, 0), (2, 1))}, (3, 6)),
    ],
)
def test_type(kind: str, attributes: dict[str, Any], size: tuple[int, ...]) -> None:
    op = make(kind, **attributes)
    target = op.infer(MAP)
    assert target.shape == (6, *size)
    assert target.non_negative
    assert not op.infer(TensorType(6, (9, 12))).non_negative
    assert op.parameters(MAP) == ()
    assert op.macs(MAP, target) == 0


def test_the_stride_is_the_kernel_unless_given() -> None:
    op = make("max_pool", kernel=(2, 3))
    assert isinstance(op, Pool)
    assert op.step == (2, 3)


@BOTH
@pytest.mark.parametrize(
    ("attributes", "blamed"),
    [
        ({"kernel": 0}, "kernel"),
        ({"kernel": 2, "stride": 0}, "stride"),
        ({"kernel": 2, "padding": pads((1, 1), (1, 2))}, "padding"),
        ({"kernel": 3, "padding": pads((0, -1), (0, 0))}, "padding"),
        ({"kernel": 13}, "kernel"),
        ({"kernel": 3, "stride": 2, "padding": Padding("same"), "ceil": True}, "ceil"),
        ({"kernel": 3, "padding": pads((1, 0), (1, 0)), "ceil": True}, "ceil"),
    ],
)
def test_refusals(kind: str, attributes: dict[str, Any], blamed: str) -> None:
    assert refusal(kind, **attributes).attribute == blamed


@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [(3, 2, 1), (3, 2, 0), (5, 3, 2), (2, 2, 0), (2, 1, 1), (3, 3, 1)]
)
def test_ceil_of_a_maximum_where_padding_and_stride_fit(kernel: int, stride: int, pad: int) -> None:
    padding = pads((pad, pad), (pad, pad))
    make("max_pool", kernel=kernel, stride=stride, padding=padding, ceil=True).infer(MAP)


def test_ceil_of_a_maximum_elsewhere() -> None:
    uneven = {"kernel": 3, "stride": 2, "padding": pads((1, 0), (1, 0)), "ceil": True}
    assert refusal("max_pool", **uneven).attribute == "ceil"
    zero = {"kernel": 3, "stride": 2, "ceil": True, "pad_value": "zero"}
    assert refusal("max_pool", **zero).attribute == "ceil"


def test_ceil_of_an_average_knows_no_padding() -> None:
    assert (
        refusal("avg_pool", kernel=3, padding=Padding("symmetric"), ceil=True).attribute == "ceil"
    )


def test_an_average_without_its_padding_is_even() -> None:
    uneven = {"kernel": 3, "padding": pads((1, 0), (0, 0)), "count_include_pad": False}
    assert refusal("avg_pool", **uneven).attribute == "padding"
    even = {"kernel": 3, "padding": pads((1, 1), (0, 0)), "count_include_pad": False}
    make("avg_pool", **even).infer(MAP)


@pytest.mark.parametrize("kind", ["global_avg_pool", "global_max_pool"])
def test_global_pools(kind: str) -> None:
    vector = make(kind).infer(MAP)
    assert vector.shape == (6,)
    assert vector.non_negative
    assert make(kind, keep_dims=True).infer(MAP).shape == (6, 1, 1)
    assert "needs a map" in refusal(kind, VECTOR).message


@BOTH
def test_a_vector_is_no_map(kind: str) -> None:
    assert "needs a map" in refusal(kind, VECTOR, kernel=()).message
