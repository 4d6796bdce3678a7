"""The size of the input: small, with no two lengths alike, and as large as kernels need to be seen whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from netspec.backends.base import Backend, check_network
from netspec.errors import NetspecError, UsageError
from netspec.ir import Node, Program
from netspec.ir.resize import resized
from netspec.ops.convolution import Conv
from netspec.verification.taps import seen_taps, windows

MACS = 8_000_000_000
"""The input is not made larger for a kernel's sake where one example would take more multiply-accumulates."""

ROUNDS = 200
"""So many times at most it is made larger."""

Lengths = tuple[int, ...]
Missing = Callable[[Node, Lengths], Lengths]
"""How many positions a map lacks along each axis for a kernel, given how far the kernel reaches."""


def choose_size(network: Program, backends: Sequence[Backend] = ()) -> Lengths:
    """A small size for the input; the spec's own where the network takes no other, or one of ``backends``
    cannot do it there.

    The last map of the trunk becomes about 2×3, or 2×3×4, so that no axis passes for another. Lengths
    are even at every stride, where a padding on the wrong side is seen; but odd along the last of
    several axes, and where there is a pooling with ``ceil``, which only then makes a difference.

    From there it grows, beyond the spec's own size if need be, until every tap of every kernel meets the map
    at some position, and then until every kernel fits into its map: taps that only ever see padding could be
    anywhere. It does not grow where the network refuses, or beyond :data:`MACS`.
    """
    size = _small(network, backends)
    for missing in (_to_be_seen, _to_fit):
        size = _grown(network, size, missing, backends)
    return size


def _small(network: Program, backends: Sequence[Backend]) -> Lengths:
    own = network.source.size
    last = _last_map(network)
    if last is None:
        return own
    reductions = [max(1, -(-length // short)) for length, short in zip(own, last, strict=True)]
    lengths = [reduction * (2 + axis) for axis, reduction in enumerate(reductions)]
    if len(own) > 1 or any(getattr(layer.op, "ceil", False) for layer in network.layers):
        lengths[-1] += 1
    small = tuple(min(pair) for pair in zip(lengths, own, strict=True))
    return small if _at(network, small, backends) else own


EXTRA = 4
"""At most so many sizes beside the first one."""


def extra_sizes(
    network: Program, first: Lengths, backends: Sequence[Backend] = ()
) -> list[Lengths]:
    """Further sizes, at which the results of a forward pass are compared.

    One step longer along each axis, so that odd and even change places; with all axes alike, where a
    transposed gate shows that only works there; and for `same` padding at larger strides every remainder of
    the length.
    """
    wanted = [tuple(length + 1 for length in first)]
    if len(first) > 1:
        wanted.append((max(first) + 1,) * len(first))
    step = max((max(op.stride) for op in _padded_same(network)), default=1)
    wanted += [tuple(length + rest for length in first) for rest in range(2, step)]
    sizes = [size for size in dict.fromkeys(wanted) if size != first]
    return [size for size in sizes if _at(network, size, backends)][:EXTRA]


def _padded_same(network: Program) -> Iterator[Conv]:
    for layer in network.layers:
        if isinstance(layer.op, Conv) and layer.op.padding.rule == "same":
            yield layer.op


# How it grows


def _grown(
    network: Program, size: Lengths, missing: Missing, backends: Sequence[Backend]
) -> Lengths:
    """``size``, made larger until no kernel lacks positions; as large as it can be where some always do."""
    program = _at(network, size, ())
    if program is None:
        return size
    reductions = _reductions(network)
    stuck: set[tuple[str, int]] = set()  # maps that do not grow with the input
    for _ in range(ROUNDS):
        lacking = {
            (node.path, axis): count
            for node, reach in windows(program)
            for axis, count in enumerate(missing(node, reach))
            if count > 0 and (node.path, axis) not in stuck
        }
        if not lacking:
            return size
        more = [0] * len(size)
        for (path, axis), count in lacking.items():
            more[axis] = max(more[axis], count * reductions[path][axis])
        larger = _larger(network, size, more, reductions, backends)
        if larger is None:
            return size
        held = {
            (path, axis)
            for path, axis in lacking
            if larger.by_path[path].source.size[axis] == program.by_path[path].source.size[axis]
        }
        stuck |= held
        if not held:
            size, program = larger.source.size, larger
    return size


def _larger(
    network: Program,
    size: Lengths,
    more: Sequence[int],
    reductions: dict[str, Lengths],
    backends: Sequence[Backend],
) -> Program | None:
    """The network at an input with so many positions more, or a few beyond, where merges ask for multiples."""
    steps = [max(found) for found in zip(*reductions.values(), strict=True)]
    whole = [-(-extra // step) * step for extra, step in zip(more, steps, strict=True)]
    for extras in (more, whole):
        lengths = tuple(n + extra for n, extra in zip(size, extras, strict=True))
        found = _at(network, lengths, backends)
        if found is not None and _macs(found) <= max(MACS, _macs(network)):
            return found
    return None


def _reductions(network: Program) -> dict[str, Lengths]:
    """How many positions of the input one of the map is that enters each kernel, along each axis."""
    own = network.source.size
    return {
        node.path: tuple(
            max(1, -(-length // here)) for length, here in zip(own, node.source.size, strict=True)
        )
        for node, _ in windows(network)
    }


def _to_be_seen(node: Node, reach: Lengths) -> Lengths:
    seen = seen_taps(node.op, node.source, node.target) or ()
    return tuple(0 if all(axis) else 1 for axis in seen)


def _to_fit(node: Node, reach: Lengths) -> Lengths:
    """As many as the kernel reaches, and one more along each further axis, so that no two are alike."""
    lengths = zip(node.source.size, reach, strict=True)
    return tuple(
        far + axis - length if far > 1 and length < far else 0
        for axis, (length, far) in enumerate(lengths)
    )


def _macs(network: Program) -> int:
    """Multiply-accumulates for one example."""
    return sum(layer.op.macs(layer.source, layer.target) for layer in network.layers)


def _last_map(network: Program) -> Lengths | None:
    """The size at the end of the last stage, or of the last layer of as many axes as the input."""
    targets = [stage.target for stage in network.stages[-1:]]
    if not targets:
        targets = [layer.target for layer in network.layers]
    maps = [target.size for target in targets if target.rank == network.source.rank]
    maps = [size for size in maps if all(length > 1 for length in size)]
    return maps[-1] if maps else None


def _at(network: Program, size: Lengths, backends: Sequence[Backend]) -> Program | None:
    """The network typed for an input of this size; None where it takes none such, or a backend cannot do it."""
    try:
        found = resized(network, size)
        for backend in backends:
            check_network(backend, found)
    except (UsageError, NetspecError):
        return None
    return found
