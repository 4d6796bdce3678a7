"""Templates of networks: of one, or of several that one spec describes.

Networks of a family differ by what blocks do, numbers and choices, and by two things more: which block their
stages are made of, and how many of them each stage has. So the blocks of a stage are a *series*: what is
given to all of them, what to the first or the last alone, and how many there are.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from netspec.ir.definition import BlockName, plain
from netspec.ir.formula import NETWORK_SCOPE, qualify
from netspec.ir.names import count_up, counting
from netspec.ir.program import Program, Region, Value
from netspec.ir.template.data import (
    Column,
    Growth,
    Parameter,
    Placed,
    Reason,
    Series,
    Split,
    Template,
)
from netspec.ir.template.numbers import MISSING, at, unify
from netspec.ir.template.shapes import Surroundings
from netspec.ir.template.unify import Known, Unifier
from netspec.lang.expression.symbolic import same_value, vary
from netspec.ops import Op
from netspec.ops.types import TensorType

ROLLED_FROM = 3
"""So many stages of one pattern have a helper in a network that stands alone; fewer are written out."""

MOST_WRITTEN_OUT = 4
"""Stages that follow no pattern may have so many blocks in networks that share a template."""

Way = tuple[int, int]
"""How many blocks at the start and at the end of a stage have a value of their own."""


@dataclasses.dataclass(frozen=True)
class _Argument:
    """What the blocks of a stage are given for an argument, in each shape, and who has a value of its own."""

    values: Column[list[Any]]
    way: Way


@dataclasses.dataclass(frozen=True)
class _Pattern:
    """What the blocks of a stage follow; see :class:`~netspec.ir.template.data.Series`."""

    blocks: Column[tuple[Region, ...]]
    templates: Column[Template]
    arguments: Mapping[str, _Argument]
    growth: Growth | None


class NetworkUnifier(Unifier):
    """Makes the template of a network, or of several.

    Args:
        programs: the networks.
        surroundings: what names mean in them.
        kept: the qualified names that depend on a kept argument.
        known: the templates of their blocks.
        rolls: whether stages of one network that follow one pattern become series too.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        surroundings: Surroundings,
        kept: frozenset[str],
        known: Known,
        rolls: bool = False,
    ) -> None:
        self._unrolled: dict[str, Reason] = {}
        is_alone = len(programs) == 1 and rolls
        alone = _rolled(programs[0], known, self._unrolled) if is_alone else ()
        tests = (stage.test for stage in alone)
        opened = {name for test in tests if test is not None for name in test.names}
        mains = [program.main for program in programs]
        super().__init__(mains, surroundings, kept, known, opened=opened)
        self._programs = programs
        self._mains = dict(enumerate(mains))
        self._channels: dict[str, Parameter] = {}
        self._rolled = frozenset(map(id, alone))

    def network(self, instances: tuple[Region, ...], numbers: tuple[int, ...]) -> Template:
        """The template of the networks, with what they take and give; raises :class:`Split`."""
        for what in ("arguments", "input_names", "outputs", "training_only"):
            names = {i: tuple(sorted(getattr(p, what))) for i, p in enumerate(self._programs)}
            self._alike(names, f"list of {what.replace('_', ' ')}", self._mains)
        others = tuple(
            self._entering({i: p.inputs[number] for i, p in enumerate(self._programs)})
            for number in range(1, len(self._programs[0].inputs))
        )
        template = self.template(instances, numbers)
        outputs = {
            name: self._wires.resolve(
                {i: p.outputs[name] for i, p in enumerate(self._programs)}, ""
            )
            for name in self._programs[0].outputs
        }
        return dataclasses.replace(
            template,
            parameters={**template.parameters, **self._channels},
            outputs=outputs,
            others=others,
            unrolled=self._unrolled,
        )

    def _entering(self, column: Column[Value]) -> Value:
        """What stands for an input behind the first."""
        shapes = {i: value.type.shape for i, value in column.items()}
        self._alike(shapes, "size of an input", self._mains)
        found = self._wires.new(column[0].type)
        self._wires.bind(column, found)
        return found

    # Stages

    def _plain_region(self, column: Column[Region], **more: Any) -> Region:
        first = next(iter(column.values()))
        is_alone = len(self.shapes) == 1 and id(first) not in self._rolled
        if first.kind != "stage" or is_alone or not first.blocks:
            return super()._plain_region(column, **more)
        place = self._numbers.place(column)
        blocks = {i: region.blocks for i, region in column.items()}
        try:
            pattern = _pattern_of(blocks, self._known, place)
        except Split as split:
            counts = {len(row) for row in blocks.values()}
            if len(counts) > 1 or max(counts) > MOST_WRITTEN_OUT:
                raise
            self._unrolled[first.path] = Reason.of(split)
            return super()._plain_region(column, **more)
        inputs = self._values({i: region.inputs for i, region in column.items()}, place)
        without = {i: dataclasses.replace(r, items=r.ahead) for i, r in column.items()}
        ahead = self._items(without)
        source = self._wires.resolve({i: each[0].source for i, each in blocks.items()}, place)
        series = self._series_of(column, pattern, source.type, place)
        type, series = self._type_behind(series, place)
        result = self._wires.new(type)
        self._wires.bind({i: each[-1].result for i, each in blocks.items()}, result)
        of_first = first.blocks[0]  # what is inside says which ops the block is made of, no more
        ends = (source,), (result,)
        block = Region("block", of_first.items, *ends, of_first.path, span=of_first.span)
        stage = Region("stage", (*ahead, block), inputs, (result,), first.path, span=first.span)
        self._series[block] = series
        return stage

    def _series_of(
        self, column: Column[Region], pattern: _Pattern, source: TensorType, place: str
    ) -> Series:
        formula = next(iter(column.values())).test
        count = MISSING if formula is None else self._numbers.evaluate(formula, column, source)
        counts = {i: len(row) for i, row in pattern.blocks.items()}
        shapes = range(len(self.shapes))
        kinds = [pattern.templates[i] for i in shapes]
        return Series(
            blocks=[pattern.blocks[i] for i in shapes],
            templates=kinds,
            block=self._block_parameter(kinds),
            count=unify(counts, count, (place, "blocks"), self._numbers.number),
            arguments={
                name: self._placed(name, argument, pattern.blocks, source, place)
                for name, argument in pattern.arguments.items()
            },
            source=source.channels,
            growth=pattern.growth,
        )

    def _block_parameter(self, templates: Sequence[Template]) -> str:
        """The parameter that says which block a stage is made of; empty where all networks have one."""
        if all(template is templates[0] for template in templates):
            return ""
        for series in self._series.values():
            if series.block and all(
                a is b for a, b in zip(series.templates, templates, strict=True)
            ):
                return series.block
        names = [template.definition and template.definition.name for template in templates]
        for name in self.shapes[0].arguments:
            values = [region.arguments.get(name) for region in self.shapes]
            if [value.name if isinstance(value, BlockName) else None for value in values] == names:
                return name
        return self.names.fresh("block")

    def _placed(
        self,
        name: str,
        argument: _Argument,
        blocks: Column[tuple[Region, ...]],
        source: TensorType,
        place: str,
    ) -> Placed:
        """What the blocks of a stage are given for an argument."""
        parts: dict[str, Any] = {"rest": None}
        for part in ("rest", "first", "last"):
            indices = {i: _indices(part, argument.way, len(row)) for i, row in blocks.items()}
            column = {i: argument.values[i][own[0]] for i, own in indices.items() if own}
            if column:
                at_place = {i: blocks[i][indices[i][0]] for i in column}
                candidate = self._numbers.by_formula(at_place, name, source)
                where = (place, *((part,) if part != "rest" else ()), name)
                parts[part] = unify(column, candidate, where, self._numbers.number)
        return Placed(**parts)

    def _type_behind(self, series: Series, place: str) -> tuple[TensorType, Series]:
        """The type of what leaves a stage; channels that have no formula get a name in the series."""
        results = dict(enumerate(row[-1].result for row in series.blocks))
        type = self._ops.type(None, results, place)
        channels, growth = series.source, series.growth
        if growth is not None and growth.factor is not None:
            channels = series.more
        if growth is not None and (growth.factor is None or growth.is_added):
            name = self.names.fresh(f"{place.rpartition('.')[2]}_channels")
            counts = [value.type.channels for value in results.values()]
            channels = vary(ast.Name(name), counts, kept=growth.is_added)
            self._channels[name] = Parameter(name, None, channels, (place,))
            series = dataclasses.replace(series, channels=name)
        return dataclasses.replace(type, channels=channels), series


def _rolled(program: Program, known: Known, unrolled: dict[str, Reason]) -> list[Region]:
    """The stages of a network that follow one pattern, if there are so many that people write a helper.

    Why others are not among them is noted in ``unrolled``, by their paths.
    """
    groups: dict[Any, list[Region]] = {}
    for stage in program.stages:
        if not stage.blocks or known.keys().isdisjoint(map(id, stage.blocks)):
            continue
        try:
            found = _pattern_of({0: stage.blocks}, known, "")
        except Split as split:
            unrolled[stage.path] = Reason.of(split)
            continue
        names = counting(stage.blocks[0].path.removeprefix(stage.path))
        key = (id(found.templates[0]), names, found.growth, (*found.arguments,))
        groups.setdefault(key, []).append(stage)
    rolled: list[Region] = []
    for group in groups.values():
        is_long = len(group) >= ROLLED_FROM
        if is_long and any(len(stage.blocks) > 1 for stage in group):
            rolled += group
            continue
        few = f"no {ROLLED_FROM} stages follow one pattern"
        reason = Reason("each has one block" if is_long else few, "", None)
        unrolled.update((stage.path, reason) for stage in group)
    return rolled


def _pattern_of(blocks: Column[tuple[Region, ...]], known: Known, place: str) -> _Pattern:
    """What the blocks of a stage follow; raises :class:`Split` where that is no pattern."""
    templates = _one_template(blocks, known, place)
    _names_alike(blocks, place)
    arguments: dict[str, _Argument] = {}
    for name in dict.fromkeys(n for t in templates.values() for n in _given_names(t)):
        values = {i: [_given(b, name, known, place) for b in row] for i, row in blocks.items()}
        counts = _counts(name, blocks)
        ways = [way for way in _WAYS if _is_alike(values, way, counts)]
        if not ways:
            raise _apart(f"`{name}` follows the index", place, blocks)
        way = next((way for way in ways if _is_one(values, way)), ways[0])
        arguments[name] = _Argument(values, way)
    return _Pattern(blocks, templates, arguments, _growth(templates, arguments))


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

_COUNTERS = frozenset(qualify(NETWORK_SCOPE, name) for name in ("index", "running_index"))


def _indices(part: str, way: Way, count: int) -> range:
    """Which of so many blocks are the first, the last or the rest."""
    starts, stops = way
    bounds = {"first": (0, starts), "rest": (starts, count - stops), "last": (count - stops, count)}
    return range(*bounds[part])


def _counts(name: str, blocks: Column[tuple[Region, ...]]) -> bool:
    """Whether an argument is written as a formula of the block's index."""
    formulas = [block.formulas.get(name) for row in blocks.values() for block in row]
    return any(formula is not None and formula.names & _COUNTERS for formula in formulas)


def _is_alike(values: Column[list[Any]], way: Way, counts: bool) -> bool:
    """Whether in every shape the rest have one value.

    More than one have to show it where the first and the last are apart, or the argument counts.
    """
    rests = [[row[i] for i in _indices("rest", way, len(row))] for row in values.values()]
    is_shown = any(len(rest) > 1 for rest in rests) or not (counts or way == (1, 1))
    return is_shown and all(same_value(v, rest[0]) for rest in rests for v in rest)


def _is_one(values: Column[list[Any]], way: Way) -> bool:
    """Whether the first, the rest and the last are given the same in all shapes that have them."""
    for part in ("first", "rest", "last"):
        found = [row[i] for row in values.values() for i in _indices(part, way, len(row))[:1]]
        if not all(same_value(value, found[0]) for value in found):
            return False
    return True


def _growth(templates: Column[Template], arguments: Mapping[str, _Argument]) -> Growth | None:
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
