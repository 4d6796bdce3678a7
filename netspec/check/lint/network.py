"""Lints that need the network: which layer follows which, and the shapes between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache, partial

from netspec.check.lint.places import Places
from netspec.errors import Diagnostic, Span
from netspec.ir import Node, Program, Region
from netspec.ops import Op
from netspec.ops.convolution import Conv
from netspec.ops.initializers import ONES
from netspec.ops.normalization import BatchNorm, InstanceNorm, Normalization


def lint_network(
    network: Program, places: Places, enabled: Collection[str]
) -> Iterator[Diagnostic]:
    """What the enabled lints say about a sound network; a place may be named several times."""
    if "NS306" in enabled:
        yield from _single_positions(network)
    sites = cache(partial(_sites, network, places))  # most networks have nothing to say
    outputs = {value.id for value in network.outputs.values()}
    for node in network.layers:
        op = node.op
        if "NS307" in enabled and isinstance(op, Conv) and op.filters % 8:
            yield _odd_channels(node, places.attribute(node.span, "out", sites()[node]))
        value = node.outputs[0].id
        users = network.uses[value]
        if len(users) > 1 or value in outputs:
            continue
        norm = users[0].op
        removes_bias = (
            isinstance(op, Conv) and op.bias and isinstance(norm, BatchNorm | InstanceNorm)
        )
        if "NS301" in enabled and removes_bias:
            place = places.attribute(node.span, "bias", sites()[node])
            yield _bias_before_norm(node, norm, place)
        if "NS302" in enabled and isinstance(op, Normalization) and isinstance(norm, Normalization):
            yield _norm_after_norm(node, places.step(node.span, sites()[node]))
    if "NS308" in enabled:
        for region in network.main.regions("residual"):
            last = _last(region, network)
            if last is not None:
                place = places.attribute(last.span, "init", sites()[region])
                yield _could_start_as_zero(last, place)


def _sites(network: Program, places: Places) -> Mapping[Node | Region, Span | None]:
    """The innermost place around each op and region that is in a file of the user's, or its own."""
    found: dict[Node | Region, Span | None] = {}
    _find_sites(network.main, None, places, found)
    return found


def _find_sites(
    item: Node | Region, site: Span | None, places: Places, sites: dict[Node | Region, Span | None]
) -> None:
    sites[item] = site = places.step(item.span, site)
    if isinstance(item, Region):
        for inner in item.items:
            _find_sites(inner, site, places, sites)


def _single_positions(network: Program) -> Iterator[Diagnostic]:
    for stage in network.stages:
        source = stage.source.type
        if source.size and all(length == 1 for length in source.size):
            yield Diagnostic(
                "NS306",
                f"the map that enters this stage is {source}: it has a single position",
                stage.span,
                "take fewer or smaller strides ahead of it, or a larger input",
                stage.path,
            )


def _bias_before_norm(node: Node, norm: Op, place: Span | None) -> Diagnostic:
    line = f" of line {place.line}" if place else ""
    return Diagnostic(
        "NS301",
        f"the bias of this `conv` has no effect: the `{norm.kind}` behind it takes it away",
        place,
        "write `bias: false`; where the bias is meant, `# netspec: ignore[NS301]` at the end"
        + line,
        node.path,
    )


def _norm_after_norm(node: Node, place: Span | None) -> Diagnostic:
    message = f"nothing uses what this `{node.op.kind}` gives but another norm"
    return Diagnostic("NS302", message, place, "take one of the two out", node.path)


def _odd_channels(node: Node, place: Span | None) -> Diagnostic:
    assert isinstance(node.op, Conv)
    message = f"{node.op.filters} channels are no multiple of 8"
    return Diagnostic("NS307", message, place, None, node.path)


def _last(residual: Region, network: Program) -> Node | None:
    """The norm that gives the result of a residual's body, if one does that could start at scale 0."""
    body = residual.items[0]
    assert isinstance(body, Region)
    last = network.producers.get(body.result.id)
    if last is None or last not in body.nodes or not isinstance(last.op, Normalization):
        return None
    return last if last.op.affine and last.op.init == ONES else None


def _could_start_as_zero(last: Node, place: Span | None) -> Diagnostic:
    return Diagnostic(
        "NS308",
        f"the last `{last.op.kind}` of this residual could start at scale 0",
        place,
        "give it `init: 0.0`; built-in blocks take `last_gamma: 0.0`",
        last.path,
    )
