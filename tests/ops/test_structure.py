"""Ops that rearrange, drop or scale."""

from __future__ import annotations

import pytest

from netspec.ops.types import FlatLayout, TensorType
from tests.ops.conftest import MAP, VECTOR, make, refusal, shapes


@pytest.mark.parametrize("order", ["channels_first", "channels_last"])
def test_flatten_remembers_the_map(order: str) -> None:
    target = make("flatten", order=order).infer(MAP)
    assert target.shape == (6 * 9 * 12,)
    assert target.non_negative
    assert isinstance(target.flat, FlatLayout)
    assert (target.flat.order, target.flat.channels, target.flat.size) == (order, 6, (9, 12))
    assert "needs a map" in refusal("flatten", VECTOR).message


def test_a_flatten_keeps_its_order_until_a_pass_says_otherwise() -> None:
    assert not make("flatten").absorbed  # type: ignore[attr-defined]


def test_pad_channels() -> None:
    target = make("pad_channels", before=1, after=3).infer(MAP)
    assert target.shape == (10, 9, 12)
    assert target.non_negative
    assert refusal("pad_channels", after=-1).attribute == "after"
    assert refusal("pad_channels", before=-1).attribute == "before"
    assert "needs a map" in refusal("pad_channels", VECTOR).message


@pytest.mark.parametrize(
    ("stride", "size"), [(1, (9, 12)), (2, (5, 6)), ((4, 5), (3, 3)), (20, (1, 1))]
)
def test_subsample(stride: int | tuple[int, ...], size: tuple[int, ...]) -> None:
    assert make("subsample", stride=stride).infer(MAP).size == size


def test_subsample_refuses() -> None:
    assert refusal("subsample", stride=0).attribute == "stride"
    assert "needs a map" in refusal("subsample", VECTOR, stride=()).message


@pytest.mark.parametrize("source", [MAP, VECTOR])
def test_scale_holds_a_factor_per_channel(source: TensorType) -> None:
    op = make("scale", source)
    assert shapes(op, source) == {"weight": (source.channels,)}
    assert op.infer(source).shape == source.shape
    assert not op.infer(source).non_negative


@pytest.mark.parametrize("kind", ["dropout", "drop_path"])
@pytest.mark.parametrize("source", [MAP, VECTOR])
def test_dropping_keeps_type_and_sign(kind: str, source: TensorType) -> None:
    target = make(kind, source, rate=0.2).infer(source)
    assert target.shape == source.shape
    assert target.non_negative


@pytest.mark.parametrize("kind", ["dropout", "drop_path"])
@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_rates(kind: str, rate: float) -> None:
    assert refusal(kind, rate=rate).attribute == "rate"


def test_dropping_keeps_a_flattened_map() -> None:
    layout = FlatLayout("channels_first", 2, (5,))
    source = TensorType(10, (), flat=layout)
    assert make("dropout", source).infer(source).flat is layout
    assert make("scale", source).infer(source).flat is None
