"""What stands in a template for the ops, and the types of values, at one place in several shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from netspec.ir.program import Node, Value
from netspec.ir.template.chosen import ARGUMENTS, Chosen
from netspec.ir.template.data import Column, Split
from netspec.ir.template.evaluate import Evaluator, is_kept
from netspec.ir.template.names import Names
from netspec.ir.template.numbers import MISSING, Place, op_of, spread, unify
from netspec.ir.template.shapes import is_plain
from netspec.lang.expression.formula import is_long
from netspec.lang.expression.symbolic import Diverges, Varying, only, vary
from netspec.ops import Op, OpError
from netspec.ops.types import TensorType


class Ops:
    """Unifies ops and types.

    Args:
        count: the number of shapes.
        names: what names mean.
        numbers: what stands for numbers.
        choose: whether ops of one category that differ become an argument.
    """

    def __init__(self, count: int, names: Names, numbers: Evaluator, choose: bool) -> None:
        self._count = count
        self._names = names
        self._numbers = numbers
        self._choose = choose
        self._chosen: dict[tuple[Any, ...], Varying] = {}

    def kind(self, op: Op) -> str:
        """Equal for ops that may stand in one place."""
        return (op.category if self._choose else None) or op.kind

    def op(self, column: Column[Node], source: TensorType, place: str) -> Op:
        """The op of a column; raises :class:`Split` where there is none."""
        ops = {i: node.op for i, node in column.items()}
        first = next(iter(column.values()))
        is_kept = self._is_kept(column, source)
        category = first.op.category if self._choose and not is_kept else None
        if category is not None and any(type(op) is not type(first.op) for op in ops.values()):
            return Chosen(choice=self.argument(ops, category))
        try:
            return self._one(column, ops, source, place, is_kept)
        except Split as split:
            if category is None:
                raise Split(split.reason, split.place, split.values, first.span) from None
            return Chosen(choice=self.argument(ops, category))

    def argument(self, ops: Column[Op], category: str, is_optional: bool = False) -> Varying:
        """The argument for ops that differ; one for all places with the same.

        One that ``is_optional`` is None in the other shapes, which says that nothing is there.
        """
        keys = {i: op.key for i, op in ops.items()}
        shapes = range(self._count) if is_optional else keys
        for known, value in self._chosen.items():
            if all(known[i] == keys.get(i) for i in shapes):
                return value
        equal: dict[Any, Op] = {}
        column = {i: equal.setdefault(keys[i], op) for i, op in ops.items()}
        found = self._numbers.argument(ARGUMENTS[category], spread(column, self._count))
        self._chosen[tuple(spread(keys, self._count))] = found
        return found

    def _one(
        self,
        column: Column[Node],
        ops: Column[Op],
        source: TensorType,
        place: str,
        is_kept: bool,
    ) -> Op:
        """An op of one class whose numbers may vary."""
        first = next(iter(column.values()))
        # On one side of a choice a number that varies elsewhere keeps its formula: it says more.
        if len(column) == self._count and not is_kept:
            keys = {op.key for op in ops.values()} if len(column) > 1 else ()
            if len(keys) <= 1 and not any(map(is_long, vars(first.op).values())):
                return first.op
        made = self._resolved(column, source)
        number = partial(self._numbers.number, owner=_called(first, place))
        return unify(ops, made, (place,), number)  # type: ignore[no-any-return]

    def _is_kept(self, column: Column[Node], source: TensorType) -> bool:
        mentions = any(self._names.mentions_kept(node.formulas) for node in column.values())
        return mentions or any(map(is_kept, source.shape))

    def _resolved(self, column: Column[Node], source: TensorType) -> Any:
        """The op by its formulas, and by what fills in the rest; MISSING where that fails."""
        first = next(iter(column.values()))
        values = {}
        for name in first.formulas:
            found = self._numbers.by_formula(column, name, source)
            if found is not MISSING:
                values[name] = found
        try:
            op = op_of(first.op, values)
            with only(frozenset(column)):
                return MISSING if op is None else op.resolve(source)
        except (OpError, Diverges):
            if self._is_kept(column, source):
                self._numbers.guard("an attribute", column)
            return MISSING

    def types(self, op: Op, sources: Sequence[TensorType]) -> Sequence[TensorType] | None:
        """The types of the results by the op's own rules; None where these part the shapes."""
        unsure = [dataclasses.replace(source, non_negative=False) for source in sources]
        for known in (sources, unsure):  # a fact that varies may part what else does not
            with suppress(Diverges, OpError):
                return op.types(*known)
        return None

    def type(self, made: TensorType | None, values: Column[Value], place: str) -> TensorType:
        """The type of a result; ``made`` is the one by the op's rules, where these give one."""
        types = {i: value.type for i, value in values.items()}
        first = next(iter(types.values()))
        if len(types) == 1 and (made is None or is_plain(made)):
            return first

        def one(name: str) -> Any:
            column = {i: getattr(type, name) for i, type in types.items()}
            return unify(column, getattr(made, name, MISSING), (place,), self._nameless)

        flat = made.flat if made is not None else None
        return TensorType(one("channels"), one("size"), one("non_negative"), flat)

    def _nameless(self, column: Column[Any], place: Place, formula: Varying | None) -> Any:
        """Numbers that differ, where no text shows them."""
        return vary(None, spread(column, self._count)) if formula is None else formula


def _called(node: Node, place: str) -> str:
    """What arguments of an op are called after: its path, with the op's label for a number."""
    above, dot, own = place.rpartition(".")
    return f"{above}{dot}{node.op.label}" if own.isdecimal() else place
