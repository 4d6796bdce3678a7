"""What activations compute in NumPy; tensors are (batch, channels, *size) or (batch, features)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy

from netspec.ir.running import Array, Held, per_channel, run
from netspec.ops import activation

_erf = numpy.vectorize(math.erf, otypes=["float64"])


def _sigmoid(x: Array) -> Array:
    return numpy.asarray(0.5 * (1 + numpy.tanh(x / 2)))


@run.register
def _(op: activation.Relu, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(numpy.maximum(inputs[0], 0))


@run.register
def _(op: activation.Relu6, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(numpy.clip(inputs[0], 0, 6))


@run.register
def _(op: activation.LeakyRelu, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.where(inputs[0] > 0, inputs[0], op.slope * inputs[0])


@run.register
def _(op: activation.Prelu, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return numpy.where(x > 0, x, per_channel(held["weight"], x) * x)


@run.register
def _(op: activation.Elu, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return numpy.where(x > 0, x, op.alpha * numpy.expm1(numpy.minimum(x, 0)))


@run.register
def _(op: activation.Selu, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    alpha, scale = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., 2017
    return numpy.asarray(scale * numpy.where(x > 0, x, alpha * numpy.expm1(numpy.minimum(x, 0))))


@run.register
def _(op: activation.Gelu, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    if op.approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return numpy.asarray(0.5 * x * (1 + numpy.tanh(inner)))
    return numpy.asarray(0.5 * x * (1 + _erf(x / math.sqrt(2))))


@run.register
def _(op: activation.Silu, inputs: Sequence[Array], held: Held) -> Array:
    return inputs[0] * _sigmoid(inputs[0])


@run.register
def _(op: activation.Mish, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return numpy.asarray(x * numpy.tanh(numpy.logaddexp(0, x)))


@run.register
def _(op: activation.HardSigmoid, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(numpy.clip(inputs[0] / 6 + 0.5, 0, 1))


@run.register
def _(op: activation.HardSwish, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(inputs[0] * numpy.clip(inputs[0] / 6 + 0.5, 0, 1))


@run.register
def _(op: activation.Sigmoid, inputs: Sequence[Array], held: Held) -> Array:
    return _sigmoid(inputs[0])


@run.register
def _(op: activation.Tanh, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(numpy.tanh(inputs[0]))


@run.register
def _(op: activation.Softmax, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    raised = numpy.exp(x - x.max(axis=1, keepdims=True))
    return numpy.asarray(raised / raised.sum(axis=1, keepdims=True))
