"""Normalisations: they keep the shape and hold a scale, a bias, and statistics where there are any."""

from __future__ import annotations

import pytest

from netspec.ops.types import TensorType
from tests.ops.conftest import MAP, VECTOR, make, refusal, shapes

ALL = ["batch_norm", "layer_norm", "group_norm", "instance_norm"]


def options(kind: str) -> dict[str, int]:
    return {"groups": 2} if kind == "group_norm" else {}


@pytest.mark.parametrize("kind", ALL)
def test_keeps_the_shape_and_not_the_sign(kind: str) -> None:
    target = make(kind, **options(kind)).infer(MAP)
    assert target.shape == MAP.shape
    assert not target.non_negative


@pytest.mark.parametrize("kind", ALL[1:])
def test_scale_and_bias(kind: str) -> None:
    assert shapes(make(kind, **options(kind))) == {"weight": (6,), "bias": (6,)}
    assert shapes(make(kind, affine=False, **options(kind))) == {}


def test_batch_norm_has_statistics() -> None:
    op = make("batch_norm", VECTOR)
    assert shapes(op, VECTOR) == dict.fromkeys(
        ("weight", "bias", "running_mean", "running_var"), (10,)
    )
    assert [p.trainable for p in op.parameters(VECTOR)] == [True, True, False, False]
    assert list(shapes(make("batch_norm", affine=False))) == ["running_mean", "running_var"]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("eps", [0, -1e-5])
def test_eps_is_positive(kind: str, eps: float) -> None:
    assert refusal(kind, eps=eps, **options(kind)).attribute == "eps"


@pytest.mark.parametrize("momentum", [-0.1, 1.1])
def test_momentum_is_a_share(momentum: float) -> None:
    assert refusal("batch_norm", momentum=momentum).attribute == "momentum"


@pytest.mark.parametrize("momentum", [0, 0.5, 1])
def test_momentum_at_its_bounds(momentum: float) -> None:
    make("batch_norm", momentum=momentum).infer(MAP)


@pytest.mark.parametrize("groups", [0, 4, 12])
def test_groups_divide_the_channels(groups: int) -> None:
    assert refusal("group_norm", groups=groups).attribute == "groups"


def test_instance_norm_needs_positions() -> None:
    assert "needs a map" in refusal("instance_norm", VECTOR).message
    assert "single position" in refusal("instance_norm", TensorType(6, (1, 1))).message
    make("instance_norm").infer(TensorType(6, (1, 2)))
