"""Arguments that blocks of several stages are given by one formula of how many blocks stand ahead.

A drop-path rate grows from block to block over the whole network. Each stage says it by other numbers, so
what all say alike is told once, by the network, and every block takes the next number of it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netspec.errors import NetspecError
from netspec.ir.definition import plain
from netspec.ir.formula import NETWORK_SCOPE, Formula, qualify
from netspec.ir.program import Program, Region
from netspec.ir.template.data import Column, Next, Schedule, Template
from netspec.ir.template.names import Names
from netspec.ir.template.numbers import at, evaluated
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.formula import print_node
from netspec.lang.expression.symbolic import (
    Diverges,
    Varying,
    kept_undecided,
    names_of,
    same_value,
)

AHEAD, TOTAL = "index", "total"
"""What formulas of a schedule call how many blocks stand ahead of one, and how many there are."""

_COUNTERS = {
    qualify(NETWORK_SCOPE, "running_index"): AHEAD,
    qualify(NETWORK_SCOPE, "total"): TOTAL,
}
_OF_STAGES = frozenset(qualify(NETWORK_SCOPE, name) for name in ("stage", "index", "count"))
COUNTED = _OF_STAGES | {*_COUNTERS}
"""The names of what differs from stage to stage, or from block to block."""


FEWEST_STAGES = 2
"""In so many stages a schedule is told by the network; in one, its loop over the blocks says it."""

Known = Mapping[int, tuple[Template, int]]
"""The template and shape of each block, by the identity of its region."""


@dataclass(frozen=True)
class _Counted:
    """An argument that follows a formula, and the blocks that are given it, of each network."""

    formula: Formula
    start: int
    blocks: tuple[tuple[Region, ...], ...]


class Schedules:
    """The schedules of networks that share a template.

    Args:
        programs: the networks.
        known: the templates of their blocks; without any there are no schedules.
    """

    def __init__(self, programs: Sequence[Program], known: Known) -> None:
        self._programs = programs
        self._counted = _counted_arguments(programs, known)
        self._made: dict[str, Schedule | None] = {}

    def holds(self, block: Region, name: str) -> bool:
        """Whether a block is given an argument by a schedule, unless that has no formula in the template."""
        counted = self._counted.get(name)
        return (
            counted is not None
            and self._made.get(name, True) is not None
            and any(block in row for row in counted.blocks)
        )

    def next(self, column: Column[Region], name: str, names: Names) -> Next | None:
        """What stands for the next number, where all blocks of a column are given one; None where they are not.

        ``names`` has what names mean in the template.
        """
        if not all(self.holds(block, name) for block in column.values()):
            return None
        if name not in self._made:
            self._made[name] = self._schedule(column, name, names)
        made = self._made[name]
        return None if made is None else Next(made.name, len(self._programs))

    def made(self, counts: Sequence[Any]) -> Mapping[str, Schedule]:
        """Those that are used, by name; ``counts`` are how many blocks each stage has."""
        found = (each for each in self._made.values() if each is not None)
        return {each.name: replace(each, counts=counts) for each in found}

    def mentioned(self) -> set[str]:
        """The names that their formulas mention."""
        return {n for each in self.made(()).values() for n in names_of(each.formula)}

    def _schedule(self, column: Column[Region], name: str, names: Names) -> Schedule | None:
        counted = self._counted[name]
        formula, count = counted.formula, len(self._programs)
        source = next(iter(column.values())).source.type
        around = dict(names.at(column, formula.names - {*_COUNTERS}, source))
        for qualified, own in _COUNTERS.items():
            around[qualified] = Varying(ast.Name(own), (None,) * count, False)
        try:
            with kept_undecided():
                value = evaluated(formula, around, count)
        except (Diverges, NetspecError):
            return None
        if not isinstance(value, Varying) or value.node is None:
            return None
        found = Schedule(
            name=names.fresh(name_for(name)),
            formula=value,
            start=counted.start,
            given=[[plain(b.arguments[name]) for b in row] for row in counted.blocks],
            totals=[sum(len(s.blocks) for s in program.stages) for program in self._programs],
        )
        known = {n: parameter.value for n, parameter in names.parameters().items()}
        return found if all(is_right(found, known, shape) for shape in range(count)) else None


def name_for(argument: str) -> str:
    """What the numbers of a schedule are called: ``drop_paths``."""
    return f"{argument}s"


def is_right(schedule: Schedule, known: Mapping[str, Any], shape: int) -> bool:
    """Whether the formula of a schedule gives the numbers that are there in a shape; ``known`` has those of names."""
    node = schedule.formula.node
    assert node is not None
    expression = Expression(print_node(node), node)
    around = {name: at(value, shape) for name, value in known.items()}
    around[TOTAL] = schedule.totals[shape]
    for index, given in enumerate(schedule.given[shape], start=schedule.start):
        try:
            found = expression.evaluate({**around, AHEAD: index})
        except NetspecError:
            return False
        if not same_value(found, given):
            return False
    return True


def _counted_arguments(programs: Sequence[Program], known: Known) -> Mapping[str, _Counted]:
    blocks = (block for program in programs for stage in program.stages for block in stage.blocks)
    names = dict.fromkeys(name for block in blocks for name in block.formulas)
    found = {name: _counted(name, programs, known) for name in names}
    return {name: counted for name, counted in found.items() if counted is not None}


def _counted(name: str, programs: Sequence[Program], known: Known) -> _Counted | None:
    """The blocks that are given an argument one after another, by one formula; None where it is no schedule.

    A schedule is of fractions: a whole number may be a width, on which what stands behind depends. It may
    begin later than with the first block, but leaves out none, and the stages stand side by side, so that
    the blocks are made in order.
    """
    rows: list[tuple[Region, ...]] = []
    starts: set[int] = set()
    for program in programs:
        stages = [s for s in program.stages if any(_takes(b, name, known) for b in s.blocks)]
        row = tuple(b for stage in stages for b in stage.blocks if _takes(b, name, known))
        places = {stage.path.rpartition(".")[0] for stage in stages}
        if len(stages) < FEWEST_STAGES or len(places) > 1:
            return None
        if not all(isinstance(plain(block.arguments[name]), float) for block in row):
            return None
        counted = [block.indices.get(qualify(NETWORK_SCOPE, "running_index")) for block in row]
        first = counted[0]
        if first is None or counted != [*range(first, first + len(row))]:
            return None
        starts.add(first)
        rows.append(row)
    formulas = {f.key if (f := b.formulas.get(name)) is not None else "" for r in rows for b in r}
    formula = rows[0][0].formulas.get(name)
    if formula is None or len(formulas) > 1 or len(starts) > 1:
        return None
    names = formula.names
    is_counted = qualify(NETWORK_SCOPE, "running_index") in names
    is_of_all = names.isdisjoint(_OF_STAGES) and all(n.startswith(".") for n in names)
    return _Counted(formula, starts.pop(), tuple(rows)) if is_counted and is_of_all else None


def _takes(block: Region, name: str, known: Known) -> bool:
    """Whether a block has a use for an argument of its own."""
    if id(block) not in known or block.definition is None:
        return False
    template, number = known[id(block)]
    parameter = template.parameters.get(name)
    own = qualify(block.definition.name, name)
    return (
        parameter is not None
        and parameter.qualified == own
        and at(parameter.value, number) is not None
    )
