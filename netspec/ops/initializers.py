"""Initial values as distributions, defined by netspec and meant alike in every backend.

``kind`` is the name of a distribution wherever it is written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

TRUNCATED_STD = 0.87962566103423978
"""The standard deviation of a unit normal cut at two standard deviations."""

FanMode = Literal["fan_in", "fan_out", "fan_avg"]
Distribution = Literal["normal", "truncated_normal", "uniform"]


@dataclass(frozen=True)
class VarianceScaling:
    """Zero-mean values of variance ``scale / fan``.

    ``normal`` is untruncated; ``truncated_normal`` cuts at two standard deviations and is rescaled so
    that the variance still holds (as Keras does); ``uniform`` lies within ±sqrt(3 · scale / fan).
    """

    kind: ClassVar[str] = "variance_scaling"

    scale: float
    mode: FanMode
    distribution: Distribution


@dataclass(frozen=True)
class Normal:
    """Normal values of the given standard deviation, around zero."""

    kind: ClassVar[str] = "normal"

    std: float


@dataclass(frozen=True)
class TruncatedNormal:
    """Normal values of ``std`` around zero, redrawn beyond ±2 · std and not rescaled."""

    kind: ClassVar[str] = "truncated_normal"

    std: float


@dataclass(frozen=True)
class Uniform:
    """Uniform values in [-limit, limit]."""

    kind: ClassVar[str] = "uniform"

    limit: float


@dataclass(frozen=True)
class UniformFanIn:
    """Uniform values within ±1 / sqrt(fan_in) of the layer's weight: PyTorch's default for a bias."""

    kind: ClassVar[str] = "uniform_fan_in"


@dataclass(frozen=True)
class Constant:
    """One value everywhere."""

    kind: ClassVar[str] = "constant"

    value: float


Plain = Normal | TruncatedNormal | Uniform | Constant
"""What needs no fans to be drawn."""

Initializer = VarianceScaling | Normal | TruncatedNormal | Uniform | UniformFanIn | Constant


def plain(init: Initializer, fans: tuple[Any, Any]) -> Plain:
    """``init`` with its numbers worked out for a weight of these fans, which may be varying.

    Args:
        init: any initialiser.
        fans: how many values a unit of the weight takes in, and how many units each value goes to.
    """
    match init:
        case UniformFanIn():
            return Uniform(fans[0] ** -0.5)
        case VarianceScaling(scale=scale, mode=mode, distribution=distribution):
            fan_in, fan_out = fans
            fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
            if distribution == "uniform":
                return Uniform((3 * scale / fan) ** 0.5)
            std = (scale / fan) ** 0.5
            return Normal(std) if distribution == "normal" else TruncatedNormal(std / TRUNCATED_STD)
        case _:
            return init


ZEROS = Constant(0.0)
ONES = Constant(1.0)
GLOROT_UNIFORM = VarianceScaling(1.0, "fan_avg", "uniform")
