"""The size of the input: small, with no two lengths alike, where the network's weights allow it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netspec.errors import UsageError
from netspec.ir import Program
from netspec.ir.resize import check_input_size
from netspec.ops.convolution import Conv
from netspec.ops.geometry import effective_kernel


def choose_size(network: Program) -> tuple[int, ...]:
    """A small size for the input; the spec's own where the network takes no other.

    The last map of the trunk becomes about 2×3, or 2×3×4, so that no axis passes for another. Lengths
    are even at every stride, where a padding on the wrong side is seen; but odd along the last of
    several axes, and where there is a pooling with ``ceil``, which only then makes a difference.
    """
    own = network.source.size
    last = _last_map(network)
    if last is None:
        return own
    reductions = [max(1, -(-length // short)) for length, short in zip(own, last, strict=True)]
    lengths = [reduction * (2 + axis) for axis, reduction in enumerate(reductions)]
    if len(own) > 1 or any(getattr(layer.op, "ceil", False) for layer in network.layers):
        lengths[-1] += 1
    small = tuple(min(pair) for pair in zip(lengths, own, strict=True))
    return small if _fits(network, small) else own


EXTRA = 4
"""At most so many sizes beside the first one."""


def extra_sizes(network: Program, first: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Further sizes, at which the results of a forward pass are compared.

    One step longer along each axis, so that odd and even change places; with all axes alike, where a
    transposed gate shows that only works there; for `same` padding at larger strides every remainder of
    the length; and where a kernel spreads wider than the map that it meets, large enough for it, as far as
    the spec's own size goes: taps that only ever see padding could be anywhere.
    """
    wanted = [tuple(length + 1 for length in first)]
    if len(first) > 1:
        wanted.append((max(first) + 1,) * len(first))
    step = max((max(op.stride) for op in _padded_same(network)), default=1)
    wanted += [tuple(length + rest for length in first) for rest in range(2, step)]
    large = _wide_enough(network, first)
    if large is not None:
        wanted.insert(0, large)
    sizes = [size for size in dict.fromkeys(wanted) if size != first and _fits(network, size)]
    return sizes[:EXTRA]


def _padded_same(network: Program) -> Iterator[Conv]:
    for layer in network.layers:
        if isinstance(layer.op, Conv) and layer.op.padding.rule == "same":
            yield layer.op


def _wide_enough(network: Program, first: tuple[int, ...]) -> tuple[int, ...] | None:
    """A size at which every kernel fits into the map that it meets; None where ``first`` will do.

    Lengths beyond the spec's own are not asked for: there the network is not used.
    """
    own = network.source.size
    needed = list(first)
    for layer in network.layers:
        if not isinstance(layer.op, Conv) or layer.source.rank != len(own):
            continue
        spans = map(effective_kernel, layer.op.kernel, layer.op.dilation)
        for axis, (span, length) in enumerate(zip(spans, layer.source.size, strict=True)):
            reduction = max(1, -(-own[axis] // length))
            needed[axis] = max(needed[axis], min(span * reduction, own[axis]))
    return tuple(needed) if tuple(needed) != first else None


def _last_map(network: Program) -> tuple[int, ...] | None:
    """The size at the end of the last stage, or of the last layer of as many axes as the input."""
    targets = [stage.target for stage in network.stages[-1:]]
    if not targets:
        targets = [layer.target for layer in network.layers]
    maps = [target.size for target in targets if target.rank == network.source.rank]
    maps = [size for size in maps if all(length > 1 for length in size)]
    return maps[-1] if maps else None


def _fits(network: Program, size: Sequence[int]) -> bool:
    try:
        check_input_size(network, size)
    except UsageError:
        return False
    return True
