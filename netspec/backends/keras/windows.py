"""Rows of the ops that slide a window: convolutions and poolings, and how their padding is said.

Keras knows two paddings, ``valid`` and ``same`` (which depends on the input's size when the stride is
not 1); whatever is neither is done by a layer ahead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from netspec.backends.keras.initial import initializers, is_depthwise
from netspec.backends.keras.lowered import CHANNELS_LAST, Lowered, Row, X, operation
from netspec.backends.rows import Unsupported
from netspec.codegen.calls import Call
from netspec.ir import Layer
from netspec.lang.expression.symbolic import Varying, same
from netspec.ops.convolution import Conv
from netspec.ops.geometry import effective_kernel, is_zero, scalar_or_tuple
from netspec.ops.pooling import AvgPool, GlobalPool, MaxPool, Pool
from netspec.ops.structure import Subsample

Pads = Sequence[tuple[Any, Any]]

LOWEST = -math.inf


def conv(layer: Layer) -> Lowered:
    """A convolution: depthwise layers for one group per channel, others by ``groups``."""
    op: Conv = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    depthwise = is_depthwise(layer)
    later = _strides_later(op, depthwise)
    pads: Pads | None = op.pads
    if pads is None and (later or _mistaken_same(op, rank)):
        pads = _same_pads(layer, op)
    ahead, padding = _conv_padding(op, pads, rank, later)
    keywords: dict[str, Any] = {
        "strides": 1 if later else scalar_or_tuple(op.stride),
        "padding": padding,
        "dilation_rate": scalar_or_tuple(op.dilation),
    }
    first: tuple[Any, ...]
    if depthwise:
        target, first = f"layers.DepthwiseConv{rank}D", (scalar_or_tuple(op.kernel),)
        keywords["depth_multiplier"] = op.filters // layer.source.channels
    else:
        target, first = f"layers.Conv{rank}D", (op.filters, scalar_or_tuple(op.kernel))
        keywords["groups"] = op.groups
    keywords |= {**CHANNELS_LAST, "use_bias": op.bias}
    keywords |= initializers(layer, "depthwise" if depthwise else "kernel")
    behind = _subsample(rank, op.stride) if later else ()
    return (*ahead, ("", Call(target, first, keywords)), *behind)


def _strides_later(op: Conv, depthwise: bool) -> bool:
    """Whether Keras refuses these strides, so that they are taken by subsampling the output.

    It has no stride together with a dilation, and TensorFlow has no depthwise convolution with
    strides that differ.
    """
    # Strides come last: they are what varies in a block, and mostly need not be looked at.
    dilated = any(spacing != 1 for spacing in op.dilation)
    uneven = depthwise and any(step != op.stride[0] for step in op.stride[1:])
    return (dilated or uneven) and any(step != 1 for step in op.stride)


def _mistaken_same(op: Conv | Pool, rank: int) -> bool:
    """Whether TensorFlow pads wrongly: over three axes, where windows lie more than one apart.

    It pads by a negative number there (TensorFlow 2.21 on a CPU; convolutions and poolings alike).
    """
    strides = op.step if isinstance(op, Pool) else op.stride
    return rank == 3 and any(k + 1 < s for k, s in zip(op.kernel, strides, strict=True))


def _same_pads(layer: Layer, op: Conv | Pool) -> Pads:
    """The numbers of `same` at this input size, where Keras cannot work them out itself."""
    strides, spacings = (
        (op.step, (1,) * len(op.kernel)) if isinstance(op, Pool) else (op.stride, op.dilation)
    )
    pads: list[tuple[Any, Any]] = []
    for length, kernel, step, spacing in zip(
        layer.source.size, op.kernel, strides, spacings, strict=True
    ):
        if kernel == 1:
            pads.append((0, 0))
            continue
        if length is None:
            raise Unsupported(
                "Keras cannot do this stride with `padding: same` by itself, so the input size must be fixed"
            )
        total = (length - 1) // step * step + effective_kernel(kernel, spacing) - length
        total = total if total > 0 else 0
        pads.append((total // 2, total - total // 2))
    return pads


def _conv_padding(op: Conv, pads: Pads | None, rank: int, later: bool) -> tuple[Lowered, str]:
    """What stands ahead of the convolution, and its own padding."""
    if pads is None:  # windows of 1 have nothing to pad
        return (), "valid" if all(same(kernel, 1) for kernel in op.kernel) else "same"
    if all(same(number, 0) for pair in pads for number in pair):
        return (), "valid"
    fills = all(
        before == after and effective_kernel(kernel, spacing) == 2 * before + 1
        for (before, after), kernel, spacing in zip(pads, op.kernel, op.dilation, strict=True)
    )
    if fills and (later or all(step == 1 for step in op.stride)):
        return (), "same"
    # Asked last: where some instances pad by 0 and others by more, `same` mostly serves them all.
    if is_zero(pads):
        return (), "valid"
    halves = [_as_half(pair, kernel) for pair, kernel in zip(pads, op.kernel, strict=True)]
    return _zero_padding(halves, rank), "valid"


def _as_half(pads: tuple[Any, Any], kernel: Any) -> tuple[Any, Any]:
    """``(kernel - 1) // 2`` of a kernel that is always odd as ``kernel // 2``."""
    if not isinstance(kernel, Varying) or kernel.kept:
        return pads
    is_odd = all(number is None or number % 2 == 1 for number in kernel.values)
    if is_odd and all(same(pad, (kernel - 1) // 2) for pad in pads):
        return (kernel // 2, kernel // 2)
    return pads


def _zero_padding(pads: Pads, rank: int) -> Lowered:
    if all(same(before, after) or before == after for before, after in pads):
        amount = scalar_or_tuple([before for before, _ in pads])
    else:
        amount = tuple(pads) if rank > 1 else tuple(pads[0])
    return (("_pad", Call(f"layers.ZeroPadding{rank}D", (amount,), {**CHANNELS_LAST})),)


def _lowest_padding(pads: Pads) -> Lowered:
    widths = ((0, 0), *pads, (0, 0))
    keywords = {"mode": "constant", "constant_values": LOWEST}
    return (("_pad", Call("ops.pad", (X, widths), keywords)),)


def _pooling(kind: str, rank: int, kernel: Any, strides: Any, padding: str) -> Call:
    keywords = {"strides": scalar_or_tuple(strides), "padding": padding, **CHANNELS_LAST}
    return Call(f"layers.{kind}Pooling{rank}D", (scalar_or_tuple(kernel),), keywords)


def _subsample(rank: int, strides: Sequence[Any]) -> Lowered:
    """Behind a layer that could not take the strides itself."""
    if all(step == 1 for step in strides):
        return ()
    return (("_subsample", _pooling("Max", rank, (1,) * rank, strides, "valid")),)


def subsample(layer: Layer) -> Lowered:
    """Every stride-th position: a max-pooling of single values."""
    op: Subsample = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    return (("", _pooling("Max", rank, (1,) * rank, op.stride, "valid")),)


def max_pool(layer: Layer) -> Lowered:
    """A max-pooling; zeros serve as padding where no value is lower."""
    op: MaxPool = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    pads: Pads | None = op.pads
    if pads is None and _mistaken_same(op, rank):
        pads = _same_pads(layer, op)
    if pads is None:
        return (("", _pooling("Max", rank, op.kernel, op.step, "same")),)
    if op.ceil:
        if any(p + s > k for (p, _), s, k in zip(pads, op.step, op.kernel, strict=True)):
            raise Unsupported(
                "`ceil` needs padding + stride <= kernel; no padding serves all input sizes else"
            )
        # So much at the end that the last window fits at every input size, and no window more.
        pads = [(p, p + s - 1) for (p, _), s in zip(pads, op.step, strict=True)]
    valid = ("", _pooling("Max", rank, op.kernel, op.step, "valid"))
    if is_zero(pads):
        return (valid,)
    if op.pad_value == "zero":
        return (*_zero_padding(pads, rank), valid)
    fills = _fills(op, pads)
    dense = ("", _pooling("Max", rank, op.kernel, (1,) * rank, "same"))
    if fills and all(step == 1 for step in op.step):
        return (dense,)
    if layer.source.non_negative:
        return (*_zero_padding(pads, rank), valid)
    if fills:
        return (dense, *_subsample(rank, op.step))
    return (*_lowest_padding(pads), valid)


def _fills(op: Pool, pads: Pads) -> bool:
    """Whether the pads are what `same` adds at stride 1."""
    return all(
        before == after and kernel == 2 * before + 1
        for (before, after), kernel in zip(pads, op.kernel, strict=True)
    )


def avg_pool(layer: Layer) -> Lowered:
    """An average-pooling; Keras' own padding never counts in the mean."""
    op: AvgPool = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    pads: Pads | None = op.pads
    excluded = pads is None or not op.count_include_pad
    if pads is None and _mistaken_same(op, rank):
        pads = _same_pads(layer, op)
    if op.ceil and any(
        (k, s) not in ((1, 1), (2, 2)) for k, s in zip(op.kernel, op.step, strict=True)
    ):
        raise Unsupported("`ceil` of an average needs kernel 2 and stride 2, which is its `same`")
    if pads is None or op.ceil:
        return (("", _pooling("Average", rank, op.kernel, op.step, "same")),)
    valid = ("", _pooling("Average", rank, op.kernel, op.step, "valid"))
    if is_zero(pads):
        return (valid,)
    if not excluded:
        return (*_zero_padding(pads, rank), valid)
    if _fills(op, pads):
        dense = _pooling("Average", rank, op.kernel, (1,) * rank, "same")
        return (("", dense), *_subsample(rank, op.step))
    return (("", operation("/", _padded_mean(X, op, pads), _padded_mean(_ones(), op, pads))),)


def _ones() -> Call:
    return Call("ops.ones_like", (X,))


def _padded_mean(tensor: Any, op: AvgPool, pads: Pads) -> Call:
    """The mean with padding counted; divided by the same of ones, it is that without."""
    widths = ((0, 0), *pads, (0, 0))
    padded = Call("ops.pad", (tensor, widths), {"mode": "constant", "constant_values": 0})
    return Call(
        "ops.average_pool",
        (padded, scalar_or_tuple(op.kernel)),
        {
            "strides": scalar_or_tuple(op.step),
            "padding": "valid",
            **CHANNELS_LAST,
        },
    )


def global_pool(kind: str) -> Row:
    """The row of a global pooling; ``kind`` is Average or Max."""

    def row(layer: Layer) -> Lowered:
        op: GlobalPool = layer.op  # type: ignore[assignment]
        target = f"layers.Global{kind}Pooling{layer.source.rank}D"
        return (("", Call(target, (), {**CHANNELS_LAST, "keepdims": op.keep_dims})),)

    return row
