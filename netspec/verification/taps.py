"""Which taps of a kernel meet the map at all, and which see only its padding, where a mistake in them hides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from netspec.errors import Span
from netspec.ir import Node, Program
from netspec.ops import Op
from netspec.ops.base import product
from netspec.ops.convolution import Conv
from netspec.ops.geometry import effective_kernel, pads_at
from netspec.ops.pooling import Pool
from netspec.ops.transposed import ConvTranspose
from netspec.ops.types import TensorType

Seen = tuple[tuple[bool, ...], ...]
"""For each axis, whether each tap along it meets the map at any position."""


@dataclass(frozen=True)
class Unseen:
    """Taps of a layer that saw only padding, so that a comparison says nothing of them.

    Attributes:
        path: the layer.
        span: its place in the spec.
        kind: its op.
        kernel: taps along each axis.
        map: the size of the map that entered.
        axes: the taps along each axis that saw only padding, counted from 0. A tap is unseen where any of its
            coordinates is.
    """

    path: str
    span: Span | None
    kind: str
    kernel: tuple[int, ...]
    map: tuple[int, ...]
    axes: tuple[tuple[int, ...], ...]

    @property
    def count(self) -> int:
        """How many taps saw only padding."""
        rests = (k - len(blind) for k, blind in zip(self.kernel, self.axes, strict=True))
        return product(self.kernel) - product(tuple(rests))


def unseen_taps(network: Program) -> list[Unseen]:
    """The layers of a network, typed for an input, with taps that see only padding at it."""
    found = []
    for node in network.nodes:
        seen = seen_taps(node.op, node.source, node.target)
        if seen is None or all(map(all, seen)):
            continue
        axes = tuple(tuple(tap for tap, met in enumerate(axis) if not met) for axis in seen)
        kernel = tuple(map(len, seen))
        found.append(Unseen(node.path, node.span, node.op.kind, kernel, node.source.size, axes))
    return found


def windows(network: Program) -> Iterator[tuple[Node, tuple[int, ...]]]:
    """The layers whose kernels slide over a map of the input's axes, and how far each kernel reaches."""
    for node in network.nodes:
        found = reach(node.op)
        if found and len(found) == network.source.rank:
            yield node, found


@singledispatch
def reach(op: Op) -> tuple[int, ...]:
    """The smallest map that a kernel fits into with all its taps; empty for what has none."""
    return ()


@reach.register
def _(op: Conv) -> tuple[int, ...]:
    return tuple(map(effective_kernel, op.kernel, op.dilation))


@reach.register
def _(op: Pool) -> tuple[int, ...]:
    return op.kernel


@reach.register
def _(op: ConvTranspose) -> tuple[int, ...]:
    return (1,) * len(op.kernel)  # every value is spread over all taps, whatever the map


@singledispatch
def seen_taps(op: Op, source: TensorType, target: TensorType) -> Seen | None:
    """Which taps of an op meet the map; None for what has no kernel."""
    return None


@seen_taps.register
def _(op: Conv, source: TensorType, target: TensorType) -> Seen | None:
    pads = pads_at(op.padding, source.size, op.kernel, op.stride, op.dilation)
    return _met(op.kernel, op.stride, op.dilation, pads, target.size, source.size)


@seen_taps.register
def _(op: Pool, source: TensorType, target: TensorType) -> Seen | None:
    ones = (1,) * len(op.kernel)
    pads = pads_at(op.padding, source.size, op.kernel, op.step, ones)
    return _met(op.kernel, op.step, ones, pads, target.size, source.size)


@seen_taps.register
def _(op: ConvTranspose, source: TensorType, target: TensorType) -> Seen | None:
    """What a tap gives is seen unless ``padding`` cuts it off at every position."""
    return _met(op.kernel, op.stride, op.dilation, op.cuts, source.size, target.size)


def _met(
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
    steps: tuple[int, ...],
    size: tuple[int, ...],
) -> Seen:
    """Whether tap t of a window at step p, which is at p * stride + t * dilation - before, is ever inside."""
    return tuple(
        tuple(
            any(0 <= p * step + tap * spread - before < length for p in range(count))
            for tap in range(taps)
        )
        for taps, step, spread, (before, _), count, length in zip(
            kernel, stride, dilation, pads, steps, size, strict=True
        )
    )
