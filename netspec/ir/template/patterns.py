"""What the blocks of a stage follow: what all of them are given, what the first or the last alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from netspec.ir.definition import plain
from netspec.ir.formula import NETWORK_SCOPE, qualify
from netspec.ir.names import count_up, counting
from netspec.ir.program import Program, Region
from netspec.ir.template.data import Column, Growth, Reason, Split, Template
from netspec.ir.template.numbers import at
from netspec.ir.template.schedules import Schedules
from netspec.ir.template.unify import Known
from netspec.lang.expression.symbolic import same_value
from netspec.ops import Op

ROLLED_FROM = 3
"""So many stages of one pattern have a helper in a network that stands alone; fewer are written out."""

Way = tuple[int, int]
"""How many blocks at the start and at the end of a stage have a value of their own."""


@dataclasses.dataclass(frozen=True)
class PatternArgument:
    """What the blocks of a stage are given for an argument, in each shape, and who has a value of its own."""

    values: Column[list[Any]]
    way: Way


@dataclasses.dataclass(frozen=True)
class Pattern:
    """What the blocks of a stage follow; see :class:`~netspec.ir.template.data.Series`."""

    blocks: Column[tuple[Region, ...]]
    templates: Column[Template]
    arguments: Mapping[str, PatternArgument]
    growth: Growth | None


def rolled(
    program: Program, known: Known, schedules: Schedules, unrolled: dict[str, Reason]
) -> list[Region]:
    """The stages of a network that follow one pattern, if there are so many that people write a helper.

    Why others are not among them is noted in ``unrolled``, by their paths.
    """
    groups: dict[Any, list[Region]] = {}
    for stage in program.stages:
        if not stage.blocks or known.keys().isdisjoint(map(id, stage.blocks)):
            continue
        try:
            found = pattern_of({0: stage.blocks}, known, schedules, "")
        except Split as split:
            unrolled[stage.path] = Reason.of(split)
            continue
        names = counting(stage.blocks[0].path.removeprefix(stage.path))
        key = (id(found.templates[0]), names, found.growth, (*found.arguments,))
        groups.setdefault(key, []).append(stage)
    made: list[Region] = []
    for group in groups.values():
        is_long = len(group) >= ROLLED_FROM
        if is_long and any(len(stage.blocks) > 1 for stage in group):
            made += group
            continue
        few = f"no {ROLLED_FROM} stages follow one pattern"
        reason = Reason("each has one block" if is_long else few, "", None)
        unrolled.update((stage.path, reason) for stage in group)
    return made


def pattern_of(
    blocks: Column[tuple[Region, ...]], known: Known, schedules: Schedules, place: str
) -> Pattern:
    """What the blocks of a stage follow; raises :class:`Split` where that is no pattern."""
    templates = _one_template(blocks, known, place)
    _names_alike(blocks, place)
    arguments: dict[str, PatternArgument] = {}
    for name in dict.fromkeys(n for t in templates.values() for n in _given_names(t)):
        values = {i: [_given(b, name, known, place) for b in row] for i, row in blocks.items()}
        if all(schedules.holds(b, name) for row in blocks.values() for b in row):
            arguments[name] = PatternArgument(values, (0, 0))
            continue
        counts = _counts(name, blocks)
        ways = [way for way in _WAYS if _is_alike(values, way, counts)]
        if not ways:
            raise _apart(f"`{name}` follows the index", place, blocks)
        way = next((way for way in ways if _is_one(values, way)), ways[0])
        arguments[name] = PatternArgument(values, way)
    return Pattern(blocks, templates, arguments, _growth(templates, arguments))


def _apart(reason: str, place: str, blocks: Column[tuple[Region, ...]]) -> Split:
    """What parts all networks, since their stages follow no pattern."""
    spans = (block.span for row in blocks.values() for block in row)
    return Split(reason, place, {0: None}, next(spans, None))


def _one_template(blocks: Column[tuple[Region, ...]], known: Known, place: str) -> Column[Template]:
    """The template that all blocks of a stage have; they stand in a row."""
    found = {}
    for i, row in blocks.items():
        flowing = [block.source is ahead.result for ahead, block in pairwise(row)]
        if not row or not all(flowing) or not all(block.is_unary for block in row):
            raise _apart("its blocks are no row", place, blocks)
        templates = {id(t): t for t, _ in (known[id(block)] for block in row)}
        if len(templates) > 1:
            raise _apart("blocks of several kinds in a stage", place, blocks)
        (found[i],) = templates.values()
    return found


def _names_alike(blocks: Column[tuple[Region, ...]], place: str) -> None:
    """Raise :class:`Split` unless shorter rows of blocks have the names that longer ones start with."""
    longest = max(blocks.values(), key=len)
    names = {i: [block.path for block in row] for i, row in blocks.items()}
    if any(own != [b.path for b in longest[: len(own)]] for own in names.values()):
        first = {i: own[0] for i, own in names.items()}
        raise Split("other names of blocks", place, first, longest[0].span)
    if not count_up([block.path for block in longest]):
        raise _apart("names of blocks that do not count", place, blocks)


def _given(block: Region, name: str, known: Known, place: str) -> Any:
    """What a block is given for an argument, also where its own template has no use for it."""
    template, number = known[id(block)]
    if name not in template.parameters and name not in block.arguments:
        raise Split(f"blocks without `{name}`", place, {0: None}, block.span)
    value = plain(block.arguments.get(name))
    if name in template.parameters:
        value = at(template.parameters[name].value, number)
    if value is None or isinstance(value, Op):
        raise Split(f"`{name}` is a layer, or no number", place, {0: None}, block.span)
    return value


def _given_names(template: Template) -> list[str]:
    """The parameters of a template that are no channels."""
    return [name for name, each in template.parameters.items() if each.input is None]


_WAYS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""How many blocks at the start and at the end may have a value of their own, the simplest first."""

COUNTERS = frozenset(qualify(NETWORK_SCOPE, name) for name in ("index", "running_index"))


def indices_of(part: str, way: Way, count: int) -> range:
    """Which of so many blocks are the first, the last or the rest."""
    starts, stops = way
    bounds = {"first": (0, starts), "rest": (starts, count - stops), "last": (count - stops, count)}
    return range(*bounds[part])


def _counts(name: str, blocks: Column[tuple[Region, ...]]) -> bool:
    """Whether an argument is written as a formula of the block's index."""
    formulas = [block.formulas.get(name) for row in blocks.values() for block in row]
    return any(formula is not None and formula.names & COUNTERS for formula in formulas)


def _is_alike(values: Column[list[Any]], way: Way, counts: bool) -> bool:
    """Whether in every shape the rest have one value.

    More than one have to show it where the first and the last are apart, or the argument counts.
    """
    rests = [[row[i] for i in indices_of("rest", way, len(row))] for row in values.values()]
    is_shown = any(len(rest) > 1 for rest in rests) or not (counts or way == (1, 1))
    return is_shown and all(same_value(v, rest[0]) for rest in rests for v in rest)


def _is_one(values: Column[list[Any]], way: Way) -> bool:
    """Whether the first, the rest and the last are given the same in all shapes that have them."""
    for part in ("first", "rest", "last"):
        found = [row[i] for row in values.values() for i in indices_of(part, way, len(row))[:1]]
        if not all(same_value(value, found[0]) for value in found):
            return False
    return True


def _growth(templates: Column[Template], arguments: Mapping[str, PatternArgument]) -> Growth | None:
    """What the channels behind the blocks are; raises :class:`Split` where that is not known."""
    if all(_is_like_source(template) for template in templates.values()):
        return None
    names = [name for name, argument in arguments.items() if argument.way == (0, 0)]
    for name in ("", *names):
        factors = [_factor(templates[i], name) for i in sorted(templates)]
        if all(factors):
            return Growth(name, tuple(factor for factor in factors if factor is not None))
    for name in ("", *names):
        factors = [_factor(templates[i], name, is_added=True) for i in sorted(templates)]
        if all(factors) and len({*factors}) == 1:
            return Growth(name, tuple(f for f in factors if f is not None), is_added=True)
    raise Split("channels that no argument tells", "", {0: None})


def _is_like_source(template: Template) -> bool:
    return all(r.result.type.channels == r.source.type.channels for r in template.instances)


def _factor(template: Template, name: str, is_added: bool = False) -> int | None:
    """What the channels behind a block are, over an argument or 1; None unless it is one whole number.

    Of those that are ``is_added``, what they are more than those ahead of it.
    """
    found = set()
    for region in template.instances:
        value = plain(region.arguments.get(name)) if name else 1
        channels = region.result.type.channels - (region.source.type.channels if is_added else 0)
        if type(value) is not int or value < 1 or channels < 1 or channels % value:
            return None
        found.add(channels // value)
    return found.pop() if len(found) == 1 else None
