"""What every model gets: the same weights and the same input, drawn from fixed seeds.

Weights are neither zero nor one, where a scale or a shift would go unseen, and keep the size of what
passes. The input reaches every branch of an activation.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy

from netspec.ir import Layer, Program
from netspec.ir.analysis import for_inputs
from netspec.ir.parameters import parameters_of
from netspec.ops.convolution import Linear
from netspec.ops.normalization import BatchNorm, Normalization
from netspec.ops.types import Parameter

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays

BATCH = 3
"""Examples of an input: enough for statistics, and unlike any size."""
RATE = 0.01
"""How far the step of gradient descent goes."""


@dataclass(frozen=True)
class Seeds:
    """The seeds of what is drawn at random."""

    weights: int = 0
    inputs: int = 1
    factors: int = 2


def random_weights(network: Program, seed: int) -> dict[str, Array]:
    """Weights of a network, in canonical layout and float64."""
    random = numpy.random.default_rng(seed)
    return {
        name: _values(layer, parameter, random)
        for name, layer, parameter in parameters_of(network.layers)
    }


def _values(layer: Layer, parameter: Parameter, random: numpy.random.Generator) -> Array:
    shape = parameter.shape
    values: Array = random.normal(size=shape) * 0.5
    if parameter.name == "running_var":
        values = random.uniform(0.5, 1.5, shape)
    elif len(shape) > 1:
        values = random.normal(size=shape) * math.sqrt(1 / parameter.fans[0])
    elif parameter.name == "weight" and isinstance(layer.op, Normalization):
        values = random.uniform(0.5, 2.0, shape) * random.choice([-1.0, 1.0], shape)
    elif parameter.name == "bias" and not isinstance(layer.op, Linear):
        # Spread so that in some channel values lie beyond either end that an activation clips at.
        values = random.permutation(numpy.linspace(7.5, -4.5, parameter.count))
    return values


def fit_statistics(network: Program, weights: Arrays, after: Arrays, seed: int) -> dict[str, Array]:
    """``weights`` with running statistics near those of a batch.

    With others, values grow from block to block, and a deep network's softmax says one class whatever
    its input. ``after`` holds the running statistics after one step in training mode on ``weights``,
    from which those of the batch follow.
    """
    random = numpy.random.default_rng(seed)
    fitted = dict(weights)
    for layer in network.layers:
        if not isinstance(layer.op, BatchNorm) or layer.op.is_fixed or layer.op.momentum == 0:
            continue
        share = layer.op.momentum
        mean_name, variance_name = (f"{layer.path}.running_{what}" for what in ("mean", "var"))
        mean, variance = (
            (after[name] - (1 - share) * weights[name]) / share  # type: ignore[operator]
            for name in (mean_name, variance_name)
        )
        spread = variance.mean() + 1e-6
        noise = random.normal(size=mean.shape)
        fitted[mean_name] = mean + noise * 0.1 * spread**0.5
        # The least is for channels that are zero throughout: they would be blown up.
        floor = 0.05 * spread
        fitted[variance_name] = variance * random.uniform(0.7, 1.4, variance.shape) + floor
    return fitted


def random_input(network: Program, seed: int, dtype: str = "float64") -> Any:
    """An input of shape (batch, channels, *size); where inputs have names, one for each, by name."""
    random = numpy.random.default_rng(seed)
    return for_inputs(
        network, lambda shape: (random.normal(size=(BATCH, *shape)) * 3).astype(dtype, copy=False)
    )


def random_factors(outputs: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Array]:
    """What outputs of these shapes are multiplied with ahead of the sum that is differentiated."""
    return {
        name: numpy.random.default_rng([seed, zlib.crc32(name.encode())]).normal(size=shape)
        for name, shape in outputs.items()
    }
