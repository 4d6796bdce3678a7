"""Numbers of a template by the formulas of the spec, and what stands for those that have none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netspec.errors import NetspecError, Span
from netspec.ir.formula import Formula
from netspec.ir.program import Node, Region
from netspec.ir.template.data import Column, Guard, Parameter
from netspec.ir.template.names import Names
from netspec.ir.template.numbers import MISSING, Place, evaluated, fit, fits, spread
from netspec.lang.expression.symbolic import (
    Diverges,
    Varying,
    kept_undecided,
    names_of,
    only,
    same_value,
)
from netspec.ops.types import TensorType

Items = Column[Node] | Column[Region]


class Evaluator:
    """Evaluates formulas where they stand.

    Args:
        shapes: a region of each shape.
        names: what names mean.

    Attributes:
        guards: what a kept argument decided.
        own: the arguments that the template has for numbers without a formula.
    """

    def __init__(self, shapes: Sequence[Region], names: Names) -> None:
        self._starts = [len(region.path) + 1 if region.path else 0 for region in shapes]
        self._shapes = shapes
        self._names = names
        self._guards: dict[tuple[str, str], Guard] = {}
        self.own: dict[str, Parameter] = {}

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What was decided by a kept argument, in order."""
        return tuple(self._guards.values())

    def path(self, index: int, path: str) -> str:
        """A path of a shape, relative to where the shape is; empty for none."""
        return path[self._starts[index] :]

    def place(self, column: Mapping[int, Node | Region]) -> str:
        """The relative path of what stands in a column."""
        index = next(iter(column))
        return self.path(index, column[index].path)

    def by_formula(self, column: Items, name: str, source: TensorType) -> Any:
        """The attribute or argument by the formula that all shapes have for it; MISSING without one."""
        formulas = {i: item.formulas.get(name) for i, item in column.items()}
        return self.by_shared(formulas, column, source)

    def by_shared(self, formulas: Column[Formula | None], column: Items, source: TensorType) -> Any:
        """A number by the formula that all shapes have for it; MISSING without one."""
        formula = _shared(formulas)
        return MISSING if formula is None else self.evaluate(formula, column, source)

    def evaluate(self, formula: Formula, column: Items, source: TensorType) -> Any:
        """A formula where ``source`` enters; MISSING where it gives nothing for all shapes at once."""
        names = self._names.at(column, formula.names, source)
        try:
            with only(frozenset(column)), kept_undecided():
                return evaluated(formula, names, len(self._starts))
        except (Diverges, NetspecError):
            if any(is_kept(value) for value in names.values()):
                self.guard("a formula", column)
        return MISSING

    def test(self, column: Column[Region], source: TensorType, what: str) -> Any:
        """The test of regions by its formula, MISSING without one; a guard where a kept argument decides."""
        formula = _shared({i: region.test for i, region in column.items()})
        if formula is None:
            return MISSING
        found = self.evaluate(formula, column, source)
        if isinstance(found, Varying) and found.kept:
            self.guard(what, column)
        return found

    def flag(self, column: Column[Region], test: Any, what: str) -> Varying:
        """The test of what some shapes have: its formula, or a parameter named after ``what`` that is.

        A test of names that count around the template says less than what it decides.
        """
        outcomes = {i: region.outcome for i, region in column.items()}
        has_formula = isinstance(test, Varying) and test.node is not None and fits(test, outcomes)
        counts = any(
            region.test is not None and not region.test.names.isdisjoint(region.indices)
            for region in column.values()
        )
        if has_formula and not (counts and self._is_free(test)):
            return test  # type: ignore[no-any-return]
        known = self._own_like(outcomes)
        return known if known is not None else self._argument(outcomes, ("", f"has_{what}"))

    def number(
        self, column: Column[Any], place: Place, formula: Varying | None, owner: str | None = None
    ) -> Any:
        """What stands for numbers that differ: their formula, a fitted one, or a parameter.

        A parameter is called after its attribute, where a layer with weights alone has that; else after its place
        too, with ``owner`` for the path where that is given.

        A formula of nothing but names around is worked out there: what the template needs to know is its
        value (a maximal free expression, after Hughes, 1982).
        """
        if formula is not None and not self._is_free(formula):
            return formula
        kept = formula is not None and formula.kept
        found = self._own_like(column, kept)
        if found is None and formula is None:
            found = fit(column, (*self._names.candidates(), *self._own_numbers()))
        return found if found is not None else self._argument(column, place, owner, kept)

    def optional(self, column: Column[Any], place: Place) -> Varying:
        """An argument that has these values, and is None in all other shapes."""
        values = spread(column, len(self._starts))
        for known in self._own_numbers():
            if all(map(same_value, known.values, values)):
                return known
        return self._argument(column, place)

    def _is_free(self, formula: Varying) -> bool:
        """Whether a formula computes something, and of names around alone."""
        return not isinstance(formula.node, ast.Name) and self._names.are_around(names_of(formula))

    def _own_numbers(self, kept: bool = False) -> Iterator[Varying]:
        for parameter in self.own.values():
            if isinstance(parameter.value, Varying) and parameter.value.kept is kept:
                yield parameter.value

    def _own_like(self, column: Column[Any], kept: bool = False) -> Varying | None:
        """An argument of the template's own that is these numbers already; None without one."""
        return next((known for known in self._own_numbers(kept) if fits(known, column)), None)

    def _argument(
        self, column: Column[Any], place: Place, owner: str | None = None, kept: bool = False
    ) -> Varying:
        path, *rest = place
        above = "" if self._says_enough(rest) else path if owner is None else owner
        name = argument_name((above, *rest))
        return self.argument(name, spread(column, len(self._starts)), place, kept)

    def _says_enough(self, way: Sequence[str | int]) -> bool:
        """Whether an attribute of ops needs no path to be known by.

        Several ops that say the same of it are more than the path of one of them. One that has weights and only a
        number for a name is known by the attribute too: `groups` is a convolution's.
        """
        name = next((part for part in way if isinstance(part, str)), "")
        if not self._names.is_free(name):
            return False
        nodes = [[each for each in r.nodes if name in vars(each.op)] for r in self._shapes]
        said = [{_said(each, name) for each in found} for found in nodes]
        if max(map(len, said)) != 1:
            return False
        first = next(each for found in nodes for each in found)
        is_row = first.path.rpartition(".")[2].isdecimal()
        has_weights = not first.op.is_function and bool(first.op.parameters(first.source))
        return min(map(len, nodes)) > 1 or (is_row and has_weights)

    def argument(
        self, name: str, values: Sequence[Any], place: Place = ("",), kept: bool = False
    ) -> Varying:
        """An argument of the template's own with a value for each shape, under this name if it is free."""
        name = self._names.fresh(name)
        value = Varying(ast.Name(name), tuple(values), kept)
        self.own[name] = Parameter(name, None, value, place)
        return value

    def guard(self, what: str, column: Items, at: Span | None = None) -> None:
        """Note that a kept argument decided something, ``at`` a place or where the column stands."""
        place, span = self.place(column), at or column[next(iter(column))].span
        self._guards.setdefault((what, place or str(span)), Guard(what, place, span))


def _said(node: Node, name: str) -> tuple[str, Any]:
    """What an op says of an attribute: its value, and what that is made of."""
    formula = node.formulas.get(name)
    return repr(vars(node.op)[name]), formula and formula.key


def argument_name(place: Place) -> str:
    """What an argument for the number at a place is called, by its attribute: ``conv2_kernel``, ``kernel``."""
    path, *attribute = (part for part in place if isinstance(part, str))
    return re.sub(r"\W", "_", "_".join(filter(None, (path, *attribute[:1]))))


def is_kept(value: Any) -> bool:
    """Whether a number, or one of a list, depends on a kept argument."""
    numbers = value if isinstance(value, list) else [value]
    return any(isinstance(number, Varying) and number.kept for number in numbers)


def _shared(formulas: Column[Formula | None]) -> Formula | None:
    """The formula that all shapes have; None where one has none or another."""
    found = list(formulas.values())
    first = found[0]
    if first is None:
        return None
    for other in found[1:]:
        if other is not first and (other is None or other.key != first.key):
            return None
    return first
