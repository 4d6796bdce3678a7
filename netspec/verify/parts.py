"""The parts that a comparison is told by: the stem, the stages, and the head."""

from __future__ import annotations

from dataclasses import dataclass

from netspec import tree
from netspec.errors import Span


@dataclass(frozen=True)
class Part:
    """One part of a network.

    Attributes:
        name: ``stem``, the stage's path, or ``head``.
        node: what it holds.
        span: where the spec has it.
    """

    name: str
    node: tree.Node
    span: Span | None


def parts_of(network: tree.Network) -> list[Part]:
    """The parts in order; a stem or a head without layers is none."""
    found = [Part("stem", network.stem, _span(network.stem, network))]
    found += [Part(stage.path, stage, stage.span) for stage in network.stages]
    found.append(Part("head", network.head, _span(network.head, network)))
    return [part for part in found if isinstance(part.node, tree.Stage) or _has_layers(part.node)]


def part_by_layer(parts: list[Part]) -> dict[str, str]:
    """The name of the part that each layer belongs to, by the layer's path."""
    return {layer.path: part.name for part in parts for layer in tree.layers(part.node)}


def _has_layers(node: tree.Node) -> bool:
    return any(True for _ in tree.layers(node))


def _span(node: tree.Node, network: tree.Network) -> Span | None:
    """The place of a list of steps: of its first step where the list has none."""
    found = (child.span for child in (node, *node.children) if child.span is not None)
    return next(found, network.span)
