"""Rows of ops that a spec has as an inline block, as blocks of their own: source then has a class for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from netspec.ir import Node, Program, Region

FEWEST = 3
"""So often a row comes in a network that people make a class of it."""


def with_rows_as_blocks(programs: Sequence[Program]) -> list[Program]:
    """The networks, in which named sequences of nothing but an inline block are blocks, where they come often.

    Names, ops and values stay. Only rows of ops count that take one value and give one, which are called by their
    indices.
    """
    found = [region for program in programs for region in program.main.regions("sequence")]
    counts = Counter(id(inline.definition) for region in found if (inline := _row_of(region)))
    often = {definition for definition, count in counts.items() if count >= FEWEST}
    if not often:
        return [*programs]
    return [replace(program, main=_rewritten(program.main, often)) for program in programs]


def _row_of(region: Region) -> Region | None:
    """The inline block that a named sequence consists of, if that is a row of ops."""
    if region.kind != "sequence" or not region.path or len(region.items) != 1:
        return None
    (inline,) = region.items
    if not isinstance(inline, Region) or inline.kind != "inline" or inline.definition is None:
        return None
    nodes = [item for item in inline.items if isinstance(item, Node)]
    names = [f"{region.path}.{index}" for index in range(len(inline.items))]
    return inline if [node.path for node in nodes] == names and len(names) > 1 else None


def _rewritten(region: Region, often: set[int]) -> Region:
    inline = _row_of(region)
    if inline is not None and id(inline.definition) in often:
        return replace(inline, kind="block", path=region.path, span=region.span)
    items = tuple(
        _rewritten(item, often) if isinstance(item, Region) else item for item in region.items
    )
    alike = all(one is other for one, other in zip(items, region.items, strict=True))
    return region if alike else replace(region, items=items)
