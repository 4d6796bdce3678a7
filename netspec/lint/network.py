"""Lints that need the network: which layer follows which, and the shapes between them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from netspec import tree
from netspec.errors import Diagnostic
from netspec.initializers import ONES
from netspec.lint.places import Places
from netspec.lint.rows import Row, rows
from netspec.ops.convolution import Conv
from netspec.ops.normalization import BatchNorm, InstanceNorm, Normalization


def lint_network(
    network: tree.Network, places: Places, enabled: Collection[str]
) -> Iterator[Diagnostic]:
    """What the enabled lints say about a sound network; a place may be named several times."""
    if "NS306" in enabled:
        yield from _single_positions(network)
    wanted = [lint for code, lint in _ROW_LINTS.items() if code in enabled]
    if not wanted:
        return
    for row in rows(network, places.is_own):
        for lint in wanted:
            yield from lint(row, places)


def _single_positions(network: tree.Network) -> Iterator[Diagnostic]:
    for stage in network.stages:
        size = stage.source.size
        if size and all(length == 1 for length in size):
            yield Diagnostic(
                "NS306",
                f"the map that enters this stage is {stage.source}: it has a single position",
                stage.span,
                "take fewer or smaller strides ahead of it, or a larger input",
                stage.path,
            )


def _bias_before_norm(row: Row, places: Places) -> Iterator[Diagnostic]:
    for (node, site), (following, _) in itertools.pairwise(row):
        if not (isinstance(node, tree.Layer) and isinstance(following, tree.Layer)):
            continue
        op, norm = node.op, following.op
        if isinstance(op, Conv) and op.bias and isinstance(norm, BatchNorm | InstanceNorm):
            place = places.attribute(node.span, "bias", site)
            line = f" of line {place.line}" if place else ""
            yield Diagnostic(
                "NS301",
                f"the bias of this `conv` has no effect: the `{norm.kind}` behind it takes it away",
                place,
                "write `bias: false`; where the bias is meant, `# netspec: ignore[NS301]` at the end"
                + line,
                node.path,
            )


def _norm_after_norm(row: Row, places: Places) -> Iterator[Diagnostic]:
    for (node, site), (following, _) in itertools.pairwise(row):
        if _is_norm(node) and _is_norm(following):
            assert isinstance(node, tree.Layer)
            assert isinstance(following, tree.Layer)
            yield Diagnostic(
                "NS302",
                f"nothing uses what this `{node.op.kind}` gives but another norm",
                places.step(node.span, site),
                "take one of the two out",
                node.path,
            )


def _is_norm(node: tree.Node) -> bool:
    return isinstance(node, tree.Layer) and isinstance(node.op, Normalization)


def _odd_channels(row: Row, places: Places) -> Iterator[Diagnostic]:
    for node, site in row:
        if isinstance(node, tree.Layer) and isinstance(node.op, Conv) and node.op.filters % 8:
            yield Diagnostic(
                "NS307",
                f"{node.op.filters} channels are no multiple of 8",
                places.attribute(node.span, "out", site),
                None,
                node.path,
            )


def _could_start_as_zero(row: Row, places: Places) -> Iterator[Diagnostic]:
    for node, site in row:
        if not isinstance(node, tree.Residual):
            continue
        last = _last(node.body)
        if last is None or not isinstance(last.op, Normalization):
            continue
        if last.op.affine and last.op.init == ONES:
            yield Diagnostic(
                "NS308",
                f"the last `{last.op.kind}` of this residual could start at scale 0",
                places.attribute(last.span, "init", site),
                "give it `init: 0.0`; built-in blocks take `last_gamma: 0.0`",
                last.path,
            )


def _last(node: tree.Node) -> tree.Layer | None:
    """The layer that gives the result of ``node``, if it is one; an empty slot gives nothing."""
    if isinstance(node, tree.Sequence | tree.Block | tree.Tap):
        ends = (child for child in reversed(node.children) if not _is_empty(child))
        end = next(ends, None)
        return None if end is None else _last(end)
    return node if isinstance(node, tree.Layer) else None


def _is_empty(node: tree.Node) -> bool:
    return isinstance(node, tree.Sequence) and all(_is_empty(child) for child in node.children)


_ROW_LINTS: Mapping[str, Callable[[Row, Places], Iterator[Diagnostic]]] = MappingProxyType(
    {
        "NS301": _bias_before_norm,
        "NS302": _norm_after_norm,
        "NS307": _odd_channels,
        "NS308": _could_start_as_zero,
    }
)
