"""The parts that a comparison is told by: the stem, the stages, and the head."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.errors import Span
from netspec.ir import Program, Region


@dataclass(frozen=True)
class Part:
    """One part of a network.

    Attributes:
        name: ``stem``, the stage's path, or ``head``.
        region: what it holds.
        span: where the spec has it.
    """

    name: str
    region: Region
    span: Span | None


def parts_of(network: Program) -> list[Part]:
    """The parts in order; a stem or a head without layers is none."""
    found = [Part("stem", network.stem, _span(network.stem, network))]
    found += [Part(stage.path, stage, stage.span) for stage in network.stages]
    found.append(Part("head", network.head, _span(network.head, network)))
    return [part for part in found if part.region.kind == "stage" or part.region.layers]


def part_by_layer(parts: list[Part]) -> dict[str, str]:
    """The name of the part that each layer belongs to, by the layer's path."""
    return {layer.path: part.name for part in parts for layer in part.region.layers}


def _span(region: Region, network: Program) -> Span | None:
    """The place of a list of steps: of its first op where the list has none."""
    spans = (region.span, *(node.span for node in region.nodes), network.span)
    return next((span for span in spans if span is not None), None)
