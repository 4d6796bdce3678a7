"""Templates of networks: of one, or of several that one spec describes.

Networks of a family differ by what blocks do, numbers and choices, and by two things more: which block their
stages are made of, and how many of them each stage has. So the blocks of a stage are a *series*: what is
given to all of them, what to the first or the last alone, and how many there are.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from netspec.ir.definition import BlockName
from netspec.ir.formula import NETWORK_SCOPE
from netspec.ir.program import Program, Region, Value
from netspec.ir.template.data import (
    Call,
    Column,
    Parameter,
    Placed,
    Reason,
    Series,
    Split,
    Template,
)
from netspec.ir.template.entering import formula_of_entering
from netspec.ir.template.numbers import MISSING, unify
from netspec.ir.template.patterns import (
    COUNTERS,
    Pattern,
    PatternArgument,
    indices_of,
    pattern_of,
    rolled,
)
from netspec.ir.template.schedules import Schedules
from netspec.ir.template.shapes import Surroundings
from netspec.ir.template.text import formula_at
from netspec.ir.template.unify import Known, Unifier
from netspec.lang.expression.symbolic import vary
from netspec.ops.types import TensorType

MOST_WRITTEN_OUT = 16
"""Stages that follow no pattern may have so many blocks in networks that share a template."""


class NetworkUnifier(Unifier):
    """Makes the template of a network, or of several.

    Args:
        programs: the networks.
        surroundings: what names mean in them.
        kept: the qualified names that depend on a kept argument.
        known: the templates of their blocks.
        schedules: what the blocks are given one after another.
        rolls: whether stages of one network that follow one pattern become series too.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        surroundings: Surroundings,
        kept: frozenset[str],
        known: Known,
        schedules: Schedules,
        rolls: bool = False,
    ) -> None:
        self._unrolled: dict[str, Reason] = {}
        is_alone = len(programs) == 1 and rolls
        alone = rolled(programs[0], known, schedules, self._unrolled) if is_alone else ()
        # Who passes other numbers of blocks means those of all stages.
        is_whole = len(alone) == sum(bool(stage.blocks) for stage in programs[0].stages)
        tests = (stage.test for stage in alone if is_whole)
        opened = {name for test in tests if test is not None for name in test.names}
        mains = [program.main for program in programs]
        super().__init__(mains, surroundings, kept, known, opened=opened)
        self._programs = programs
        self._mains = dict(enumerate(mains))
        self._channels: dict[str, Parameter] = {}
        self._rolled = frozenset(map(id, alone))
        self._schedules = schedules

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
            schedules=self._schedules.made(self._counts(template)),
        )

    @staticmethod
    def _counts(template: Template) -> list[Any]:
        """How many blocks each stage has."""
        stages = [e for e in template.walk() if isinstance(e, Region) and e.kind == "stage"]
        series = [template.series.get(s.blocks[0]) if s.blocks else None for s in stages]
        pairs = zip(stages, series, strict=True)
        return [len(s.blocks) if known is None else known.count for s, known in pairs]

    def _used(self, body: Region) -> set[str]:
        return super()._used(body) | self._schedules.mentioned()

    def _call_of(
        self,
        template: Template,
        column: Column[Region],
        region: Region,
        around: Mapping[str, Any],
        place: str,
    ) -> Call:
        made = super()._call_of(template, column, region, around, place)
        found = {n: self._schedules.next(column, n, self.names) for n in made.arguments}
        scheduled = {name: number for name, number in found.items() if number is not None}
        return dataclasses.replace(made, arguments={**made.arguments, **scheduled})

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
            pattern = pattern_of(blocks, self._known, self._schedules, place)
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
        self, column: Column[Region], pattern: Pattern, source: TensorType, place: str
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
        argument: PatternArgument,
        blocks: Column[tuple[Region, ...]],
        source: TensorType,
        place: str,
    ) -> Placed:
        """What the blocks of a stage are given for an argument."""
        firsts = {i: row[0] for i, row in blocks.items()}
        scheduled = self._schedules.next(firsts, name, self.names)
        if scheduled is not None:
            return Placed(scheduled)
        parts: dict[str, Any] = {"rest": None}
        for part in ("rest", "first", "last"):
            indices = {i: indices_of(part, argument.way, len(row)) for i, row in blocks.items()}
            column = {i: argument.values[i][own[0]] for i, own in indices.items() if own}
            if column:
                at_place = {i: blocks[i][indices[i][0]] for i in column}
                candidate = self._candidate(at_place, name, source)
                where = (place, *((part,) if part != "rest" else ()), name)
                parts[part] = unify(column, candidate, where, self._numbers.number)
        made = formula_of_entering(argument.values, blocks, name, self.names)
        return Placed(**parts, entering=made)

    def _candidate(self, column: Column[Region], name: str, source: TensorType) -> Any:
        """What blocks are given for an argument by its formula, also where it stands for a number inside them."""
        template, _ = self._known[id(next(iter(column.values())))]
        parameter = template.parameters.get(name)
        if parameter is None or parameter.qualified is not None:
            return self._numbers.by_formula(column, name, source)
        formulas = {i: formula_at(b, parameter.place, self._known) for i, b in column.items()}
        named = {n for each in formulas.values() if each is not None for n in each.names}
        if not all(n.startswith(f"{NETWORK_SCOPE}.") for n in named) or named & COUNTERS:
            return MISSING
        return self._numbers.by_shared(formulas, column, source)

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
