"""Merges: which inputs fit each other, and what becomes of them."""

from __future__ import annotations

import pytest

from netspec.ops.base import OpError
from netspec.ops.merge import Add, Concat, Mul
from netspec.ops.types import TensorType

MAP = TensorType(4, (8, 6), non_negative=True)


@pytest.mark.parametrize(
    "other",
    [
        TensorType(4, (4, 6)),
        TensorType(4, (1, 6)),
        TensorType(4, ()),
        TensorType(4, (1,)),
        TensorType(3, (8, 6)),
        TensorType(1, (1, 1)),
    ],
    ids=str,
)
def test_a_product_is_of_one_shape_or_of_one_value_a_channel(other: TensorType) -> None:
    with pytest.raises(OpError):
        Mul().types(MAP, other)


def test_one_value_a_channel_is_spread_over_the_first_alone() -> None:
    gate = TensorType(4, (1, 1))
    assert Mul().types(MAP, gate)[0].shape == (4, 8, 6)
    with pytest.raises(OpError):
        Mul().types(gate, MAP)
    with pytest.raises(OpError):
        Add().types(MAP, gate)


@pytest.mark.parametrize("op", [Add(), Mul(), Concat()])
@pytest.mark.parametrize("sign", [True, False])
def test_nothing_is_negative_where_no_input_is(op: Add | Mul | Concat, sign: bool) -> None:
    (found,) = op.types(MAP, TensorType(4, (8, 6), non_negative=sign))
    assert found.non_negative is sign


def test_channels_stand_behind_one_another() -> None:
    assert Concat().types(MAP, TensorType(3, (8, 6)), MAP)[0].shape == (11, 8, 6)
    with pytest.raises(OpError):
        Concat().types(MAP, TensorType(4, (8, 5)))
