"""A program run in NumPy, in float64: small, slow, and independent of every framework.

What tests hold models against, and a party of the verifier that needs nothing installed. Tensors are
(batch, channels, *size), weights are in the canonical layout, and everything is as in evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from netspec.ir import activations  # noqa: F401  registers its functions
from netspec.ir.program import Node, Program, Value
from netspec.ir.running import Array, Held, per_channel, run
from netspec.ops.constants import Normalize, Rescale
from netspec.ops.convolution import ChannelConv, Conv, Linear
from netspec.ops.geometry import effective_kernel, pads_at
from netspec.ops.merge import Add, Concat, Mul
from netspec.ops.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Normalization
from netspec.ops.pooling import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool, Pool
from netspec.ops.structure import (
    Flatten,
    PadChannels,
    RandomDrop,
    Resize,
    ResizeLike,
    Scale,
    Split,
    Subsample,
)
from netspec.ops.transposed import ConvTranspose
from netspec.ops.types import TensorType


def run_node(node: Node, operands: Sequence[Array], held: Held) -> tuple[Array, ...]:
    """The results of one op on its operands, with the tensors that it holds."""
    made = run(node.op, operands, held)
    return made if isinstance(made, tuple) else (made,)


def interpret(
    program: Program,
    inputs: Array | Mapping[str, Array],
    weights: Mapping[str, Array],
    step: Callable[[Node, Sequence[Array], Held], tuple[Array, ...]] = run_node,
) -> dict[str, Array]:
    """Every output of ``program`` by name, but for those that are for training alone.

    Args:
        program: the network.
        inputs: (batch, channels, *size), of any size that the network takes; by name where inputs have one.
        weights: every parameter and statistic by canonical name, in canonical layout.
        step: runs one op, for whoever wants to see, or to change, what passes.
    """
    held: dict[str, dict[str, Array]] = {}
    for name, array in weights.items():
        path, _, own = name.rpartition(".")
        held.setdefault(path, {})[own] = numpy.asarray(array, "float64")
    outputs = program.evaluation_outputs
    kept = {value.id for value in outputs.values()}
    left = {id: len(users) for id, users in program.uses.items()}
    given = (
        [inputs] if not isinstance(inputs, Mapping) else [inputs[n] for n in program.input_names]
    )
    known: dict[int, Array] = {
        value.id: numpy.asarray(array, "float64")
        for value, array in zip(program.inputs, given, strict=True)
    }
    for node in program.nodes:
        operands = [known[value.id] for value in node.inputs]
        results = step(node, operands, held.get(node.path, {}))
        known.update((v.id, array) for v, array in zip(node.outputs, results, strict=True))
        _forget(node.inputs, left, kept, known)
    return {name: known[value.id] for name, value in outputs.items()}


def _forget(
    values: Sequence[Value], left: dict[int, int], kept: set[int], known: dict[int, Array]
) -> None:
    """Drop the tensors that nothing takes any more."""
    for value in dict.fromkeys(values):
        left[value.id] -= 1
        if not left[value.id] and value.id not in kept:
            del known[value.id]


def _size(x: Array) -> tuple[int, ...]:
    return x.shape[2:]


# Windows


def _taps(
    x: Array,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    pads: Sequence[tuple[int, int]],
    target: Sequence[int],
    fill: float,
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For each tap of a kernel, what it meets at every position of the result, (batch, channels, *target)."""
    room = [
        (before, max(after, (count - 1) * step + (k - 1) * d + 1 - length - before))
        for (before, after), count, step, k, d, length in zip(
            pads, target, stride, kernel, dilation, _size(x), strict=True
        )
    ]
    padded = numpy.pad(x, [(0, 0), (0, 0), *room], constant_values=fill)
    for tap in numpy.ndindex(*kernel):
        at = (
            slice(t * d, t * d + (count - 1) * step + 1, step)
            for t, d, count, step in zip(tap, dilation, target, stride, strict=True)
        )
        yield tap, padded[(slice(None), slice(None), *at)]


@run.register
def _(op: Conv, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    pads = pads_at(op.padding, _size(x), op.kernel, op.stride, op.dilation)
    target = [
        (length + before + after - effective_kernel(k, d)) // step + 1
        for length, (before, after), k, d, step in zip(
            _size(x), pads, op.kernel, op.dilation, op.stride, strict=True
        )
    ]
    weight = held["weight"].reshape(op.groups, op.filters // op.groups, -1, *op.kernel)
    total = numpy.zeros((len(x), op.groups, op.filters // op.groups, math.prod(target)))
    for tap, met in _taps(x, op.kernel, op.stride, op.dilation, pads, target, 0.0):
        grouped = met.reshape(len(x), op.groups, -1, math.prod(target))
        at: tuple[Any, ...] = (..., *tap)
        total += weight[at] @ grouped
    found = total.reshape(len(x), op.filters, *target)
    return found + per_channel(held["bias"], found) if op.bias else found


@run.register
def _(op: ConvTranspose, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    extent = [
        (n - 1) * step + effective_kernel(k, d) + max(0, -after)
        for n, step, k, d, (_, after) in zip(
            _size(x), op.stride, op.kernel, op.dilation, op.cuts, strict=True
        )
    ]
    weight = held["weight"].reshape(op.groups, -1, op.out // op.groups, *op.kernel)
    grouped = x.reshape(len(x), op.groups, -1, math.prod(_size(x)))
    total = numpy.zeros((len(x), op.out, *extent))
    for tap in numpy.ndindex(*op.kernel):
        one: tuple[Any, ...] = (..., *tap)
        given = weight[one].swapaxes(1, 2) @ grouped
        places = zip(tap, op.dilation, _size(x), op.stride, strict=True)
        at = (slice(t * d, t * d + (n - 1) * step + 1, step) for t, d, n, step in places)
        total[(slice(None), slice(None), *at)] += given.reshape(len(x), op.out, *_size(x))
    kept = (
        slice(before, n - max(0, after)) for n, (before, after) in zip(extent, op.cuts, strict=True)
    )
    found = total[(slice(None), slice(None), *kept)]
    return found + per_channel(held["bias"], found) if op.bias else found


@run.register
def _(op: MaxPool, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    fill = 0.0 if op.pad_value == "zero" else -numpy.inf
    return numpy.asarray(numpy.maximum.reduce([met for _, met in _pooled(op, x, fill)]))


@run.register
def _(op: AvgPool, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    total = numpy.add.reduce([met for _, met in _pooled(op, x, 0.0)])
    inside = numpy.ones((1, 1, *_size(x)))
    if op.count_include_pad and op.pads is not None and not op.ceil:
        return numpy.asarray(total / math.prod(op.kernel))
    return numpy.asarray(total / numpy.add.reduce([met for _, met in _pooled(op, inside, 0.0)]))


def _pooled(op: Pool, x: Array, fill: float) -> Iterator[tuple[tuple[int, ...], Array]]:
    pads = pads_at(op.padding, _size(x), op.kernel, op.step, (1,) * len(op.kernel))
    target = []
    for length, (before, after), k, step in zip(_size(x), pads, op.kernel, op.step, strict=True):
        room = length + before + after - k
        count = -(-room // step) + 1 if op.ceil else room // step + 1
        if op.ceil and (count - 1) * step >= length + before:
            count -= 1  # the last window has to start inside
        target.append(count)
    return _taps(x, op.kernel, op.step, (1,) * len(target), pads, target, fill)


@run.register
def _(op: GlobalAvgPool, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return numpy.asarray(x.mean(axis=tuple(range(2, x.ndim)), keepdims=op.keep_dims))


@run.register
def _(op: GlobalMaxPool, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return numpy.asarray(x.max(axis=tuple(range(2, x.ndim)), keepdims=op.keep_dims))


# Vectors, norms and factors


@run.register
def _(op: Linear, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    found: Array = numpy.moveaxis(x, 1, -1) @ held["weight"].T
    return numpy.moveaxis(found + held["bias"] if op.bias else found, -1, 1)


@run.register
def _(op: ChannelConv, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    around = op.kernel // 2
    padded = numpy.pad(x.reshape(len(x), -1), [(0, 0), (around, around)])
    weight = held["weight"].reshape(-1)
    total = sum(weight[tap] * padded[:, tap : tap + x.shape[1]] for tap in range(op.kernel))
    return numpy.reshape(total + held["bias"] if op.bias else total, x.shape)


@run.register
def _(op: Flatten, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    if op.order == "channels_last" and not op.absorbed:
        x = numpy.moveaxis(x, 1, -1)
    return x.reshape(len(x), -1)


def _affine(op: Normalization, x: Array, held: Held) -> Array:
    if not op.affine:
        return x
    return x * per_channel(held["weight"], x) + per_channel(held["bias"], x)


def _standard(op: Normalization, x: Array, axes: tuple[int, ...]) -> Array:
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    found: Array = (x - mean) / numpy.sqrt(variance + op.eps)
    return found


@run.register
def _(op: BatchNorm, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    mean = per_channel(held["running_mean"], x)
    variance = per_channel(held["running_var"], x)
    return _affine(op, (x - mean) / numpy.sqrt(variance + op.eps), held)


@run.register
def _(op: LayerNorm, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return _affine(op, _standard(op, x, (1,)), held)


@run.register
def _(op: GroupNorm, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    grouped = x.reshape(len(x), op.groups, -1)
    return _affine(op, _standard(op, grouped, (2,)).reshape(x.shape), held)


@run.register
def _(op: InstanceNorm, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return _affine(op, _standard(op, x, tuple(range(2, x.ndim))), held)


@run.register
def _(op: Scale, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    found: Array = x * per_channel(held["weight"], x)
    return found + per_channel(held["bias"], x) if op.bias else found


@run.register
def _(op: Rescale, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(inputs[0] * op.factor + op.offset)


@run.register
def _(op: Normalize, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    mean, std = (per_channel(numpy.asarray(numbers), x) for numbers in (op.mean, op.std))
    return numpy.asarray((x - mean) / std)


@run.register
def _(op: Split, inputs: Sequence[Array], held: Held) -> tuple[Array, ...]:
    (x,) = inputs
    return tuple(numpy.split(x, op.ends(TensorType(x.shape[1], x.shape[2:])), axis=1))


@run.register
def _(op: PadChannels, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return numpy.pad(x, [(0, 0), (op.before, op.after), *[(0, 0)] * (x.ndim - 2)])


@run.register
def _(op: Subsample, inputs: Sequence[Array], held: Held) -> Array:
    (x,) = inputs
    return x[(slice(None), slice(None), *(slice(None, None, step) for step in op.stride))]


@run.register
def _(op: Resize | ResizeLike, inputs: Sequence[Array], held: Held) -> Array:
    x = inputs[0]
    for axis, target in enumerate(op.size(*[each.shape[2:] for each in inputs]), 2):
        x = _stretched(x, axis, target, op.mode)
    return x


def _stretched(x: Array, axis: int, target: int, mode: str) -> Array:
    """One axis of a map at another length, centres on centres; ``nearest`` goes to a multiple."""
    length = x.shape[axis]
    if mode == "nearest":
        return x.repeat(target // length, axis)
    at = numpy.clip((numpy.arange(target) + 0.5) * length / target - 0.5, 0, length - 1)
    below = numpy.floor(at).astype(int)
    above = numpy.minimum(below + 1, length - 1)
    share = (at - below).reshape(-1, *(1,) * (x.ndim - axis - 1))
    return numpy.asarray(x.take(below, axis) * (1 - share) + x.take(above, axis) * share)


@run.register
def _(op: RandomDrop, inputs: Sequence[Array], held: Held) -> Array:
    return inputs[0]  # nothing is dropped in evaluation


# Merges


@run.register
def _(op: Add, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(sum(inputs[1:], inputs[0]))


@run.register
def _(op: Mul, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.asarray(math.prod(inputs[1:], start=inputs[0]))


@run.register
def _(op: Concat, inputs: Sequence[Array], held: Held) -> Array:
    return numpy.concatenate(inputs, axis=1)
