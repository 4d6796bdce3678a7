"""The tensors of a body and the variables that hold them, while source is written."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from netspec.codegen.identifiers import Namespace, one_word
from netspec.codegen.nodes import assign, reads, variable_of
from netspec.ir import Node, Region, Value
from netspec.ir.template import Choice, Template

VARIABLES = ("y", "z", "u", "v", "w", *(f"y{number}" for number in range(2, 40)))
"""What runs beside the main line is written to the first of these that is not in use."""

SHORTCUT = "shortcut"
"""What is added to the main line."""

Item = Node | Region | Choice
"""What stands in the body of a template."""


class Tensors:
    """Knows for each value of a template where it is, and keeps it there while it is needed.

    A variable is written to again once nothing needs what is in it; an expression that was not written yet is
    written before a variable that it reads is.

    Args:
        template: the template.
        names: where the names of variables are taken from.
        results: values that are used besides what flows out, as outputs of a network are.

    Attributes:
        template: the template.
        names: where the names of variables are taken from.
        statements: what was written so far.
    """

    def __init__(self, template: Template, names: Namespace, results: Sequence[Value] = ()) -> None:
        self.statements: list[ast.stmt] = []
        self.names = names
        self.template = template
        self._operands: dict[int, ast.expr] = {}
        self._uses: dict[int, Counter[int]] = {}
        self._hints = _hints(template)
        for stage in self._wanted(results):
            self._hints.setdefault(stage.result.id, (stage.path, one_word(stage.path)))
        self._named: dict[str, str] = {}
        self._passed: dict[str, str] = {}
        self._remaining = Counter(value.id for value in (*template.body.outputs, *results))
        for item in template.body.items:
            self._remaining.update(self.uses(item))
        self._holders: dict[str, int] = {}
        self._pending: dict[int, ast.expr] = {}
        self._busy: list[str] = []

    def uses(self, item: Item) -> Counter[int]:
        """How often an item takes each value, by the value's id."""
        if id(item) not in self._uses:
            self._uses[id(item)] = self._count(item)
        return self._uses[id(item)]

    def _count(self, item: Item) -> Counter[int]:
        match item:
            case Node():
                return Counter(value.id for value in item.inputs)
            case Choice():
                merged = Counter(v.id for m in item.merged for v in (m.then, m.other))
                return self.uses(item.then) + self.uses(item.other) + merged
            case Region() if item.kind == "block":
                return Counter(value.id for value in item.inputs)
        total: Counter[int] = Counter()
        for inner in item.items:
            total.update(self.uses(inner))
        return total

    def _wanted(self, results: Sequence[Value]) -> Iterator[Region]:
        """The stages whose results several steps of the network take, or its outputs."""
        parts = [item for item in self.template.body.items if isinstance(item, Region)]
        steps: list[Item] = []
        for part in parts:
            hands_on = part.kind == "stage" and hand_on(part.blocks)
            steps += (*part.ahead, part.blocks[0]) if hands_on else part.items
        takers = Counter(value.id for value in results)
        for step in steps:
            is_between = isinstance(step, Region) and step.kind == "sequence" and not step.path
            for inner in step.items if is_between else (step,):  # type: ignore[union-attr]
                takers.update(self.uses(inner).keys())
        for part in parts:
            is_passed_on = part.result is part.source
            if part.kind == "stage" and takers[part.result.id] > 1 and not is_passed_on:
                yield part

    def define(self, value: Value, operand: ast.expr) -> None:
        """Let a value of the template be ``operand``, in its variable where the spec gives it a name.

        Not where that holds what is still needed, since a value has its name on both sides of a choice.
        """
        hint = self.hint(value)
        is_free = hint is not None and not self._is_needed(hint, value)
        if hint is not None and is_free and variable_of(operand) != hint:
            operand = self._assign(hint, operand)
        self._operands[value.id] = operand
        if isinstance(operand, ast.Name):
            self._holders[operand.id] = value.id
        else:
            self._pending[value.id] = operand

    def take(self, value: Value, target: str) -> ast.expr:
        """The operand of a value, for one of its uses; what is used again is in a variable."""
        if self._remaining[value.id] > 1:
            self.settle_value(value, target)
        self._remaining[value.id] -= 1
        self._pending.pop(value.id, None)
        return self._operands[value.id]

    def take_once(self, value: Value, items: Sequence[Item], target: str) -> ast.expr:
        """The operand of a value for one use by all of several items."""
        self._remaining[value.id] -= sum(self.uses(item)[value.id] for item in items) - 1
        return self.take(value, target)

    def settle_value(self, value: Value, target: str) -> ast.Name:
        """A value in a variable, ``target`` unless it is in one already."""
        operand = self._operands[value.id]
        if isinstance(operand, ast.Name):
            return operand
        self._pending.pop(value.id, None)
        variable = self._operands[value.id] = self._assign(self.free(target, value), operand)
        self._holders[variable.id] = value.id
        return variable

    def settle(self, operand: ast.expr, target: str) -> ast.Name:
        """``operand`` in a variable, ``target`` unless it is in one already."""
        if isinstance(operand, ast.Name):
            return operand
        return self._assign(self.free(target), operand)

    def free(self, target: str, value: Value | None = None) -> str:
        """``target``, or another variable where that holds what is still needed."""
        if not self._is_needed(target, value):
            return target
        return self._unused(value)

    def _unused(self, value: Value | None = None) -> str:
        return next(
            name
            for name in VARIABLES
            if name not in self._busy and not self._is_needed(name, value)
        )

    def _is_needed(self, variable: str, value: Value | None = None) -> bool:
        holder = self._holders.get(variable)
        if holder is None or (value is not None and holder == value.id):
            return False
        return self._remaining[holder] > 0

    def _assign(self, target: str, operand: ast.expr) -> ast.Name:
        self.release(target)
        self.statements.append(assign(target, operand))
        return ast.Name(target)

    def release(self, target: str) -> None:
        """Give what still reads ``target`` a variable of its own, before that is written to."""
        for id, pending in [*self._pending.items()]:
            if target in reads(pending) and self._remaining[id] > 0:
                self._store(id, pending)

    def _store(self, id: int, pending: ast.expr) -> None:
        """Write what is pending to a variable that nothing else uses."""
        del self._pending[id]
        name = self._unused()
        self.statements.append(assign(name, pending))
        self._operands[id] = ast.Name(name)
        self._holders[name] = id

    def hint(self, value: Value) -> str | None:
        """The variable of a value that the spec gives a name; None for most."""
        name = self._hints.get(value.id)
        if name is None:
            return None
        scope, text = name
        if scope not in self._named:
            self._named[scope] = (self.names.own if text == SHORTCUT else self.names.add)(text)
        return self._named[scope]

    def enter(self, names: Sequence[str] = (), unary: bool = False) -> list[str]:
        """Define what enters, in variables of these names; in those of the block's inputs, or `x`, unless given.

        With ``unary``, what enters alone is `x`, and gets the name that it has only where several take it.
        """
        definition = self.template.definition
        own = definition.inputs if definition is not None and definition.inputs else ("x",)
        found = [*names] or [
            name if name == "x" and not number else self.names.add(name)
            for number, name in enumerate(own)
        ]
        entering = self.template.entering
        if unary and len(found) == 1 and found != ["x"]:
            if self._remaining[entering[0].id] > 1:
                self.statements.append(assign(found[0], ast.Name("x")))
                self.define(entering[0], ast.Name(found[0]))
                return ["x"]
            found = ["x"]
        for value, name in zip(entering, found, strict=True):
            self.define(value, ast.Name(name))
        return found

    def passed(self, name: str) -> str:
        """A variable for what blocks in a row hand on under a name: one for all rows."""
        if name not in self._passed:
            self._passed[name] = self.names.add(name)
        return self._passed[name]

    def is_taken_besides(self, value: Value, items: Sequence[Item]) -> bool:
        """Whether others than ``items`` still take a value."""
        return self._remaining[value.id] > sum(self.uses(item)[value.id] for item in items)

    @contextmanager
    def apart(self, wanted: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Variables, those that are wanted where they are free, that nothing else uses within the context."""
        before = len(self._busy)
        for name in wanted:
            self._busy.append(self._unused() if name in self._busy else self.free(name))
        yield tuple(self._busy[before:])
        del self._busy[before:]

    @contextmanager
    def beside(self) -> Iterator[str]:
        """A variable that nothing else uses within the context."""
        name = self._unused()
        self._busy.append(name)
        yield name
        self._busy.remove(name)

    def operand(self, value: Value, target: str) -> ast.expr:
        """A value for one of its uses, in a variable where it would need parentheses as an operand."""
        operand = self.take(value, target)
        compound = isinstance(operand, ast.IfExp | ast.BinOp)
        return self.settle(operand, self.free(target, value)) if compound else operand

    # Choices

    def at(self, value: Value) -> ast.expr:
        """Where a value is, without using it."""
        return self._operands[value.id]

    def drop(self, item: Item) -> None:
        """What an item would use is not used by it."""
        self._remaining.subtract(self.uses(item))

    def outlives(self, value: Value, choice: Choice) -> bool:
        """Whether a value is needed behind a choice too."""
        return self._left_behind(value.id, choice) > 0

    def free_behind(self, choice: Choice, target: str) -> str:
        """``target``, or another variable where that holds what is needed behind a choice."""
        holder = self._holders.get(target)
        is_needed = holder is not None and self._left_behind(holder, choice) > 0
        return self._unused() if is_needed else target

    def _left_behind(self, id: int, choice: Choice) -> int:
        return self._remaining[id] - self.uses(choice)[id]

    def drop_other(self, choice: Choice) -> None:
        """The other side of a choice is written by the same words, and uses nothing of its own."""
        self.drop(choice.other)
        for merged in choice.merged:
            self._remaining[merged.other.id] -= 1

    def extra(self, value: Value) -> str:
        """A variable for a further value of a choice, or one of several results."""
        return self.hint(value) or self.names.add(VARIABLES[0])

    def settle_all(self) -> None:
        """Put what is pending into variables: behind a choice it could not be written any more."""
        for id, pending in [*self._pending.items()]:
            if self._remaining[id] > 0:
                self._store(id, pending)

    @contextmanager
    def side(self, choice: Choice, outcome: bool) -> Iterator[list[ast.stmt]]:
        """Within, one side of a choice is written, to the list that is given, and the other is not there."""
        left = choice.other if outcome else choice.then
        outer = self.statements, Counter(self._remaining), dict(self._holders)
        written: list[ast.stmt] = []
        self.statements = written
        self.drop(left)
        for merged in choice.merged:
            self._remaining[(merged.other if outcome else merged.then).id] -= 1
        try:
            yield written
        finally:
            self.statements, self._remaining, self._holders = outer


def hand_on(blocks: Sequence[Region]) -> bool:
    """Whether each of several blocks gives the next all that it takes, and that is more than one tensor."""
    count = len(blocks[0].inputs) if len(blocks) > 1 else 1
    alike = all(len(block.outputs) == count for block in blocks)
    pairs = itertools.pairwise(blocks)
    return count > 1 and alike and all(b.inputs == a.outputs for a, b in pairs)


def _hints(template: Template) -> dict[int, tuple[str, str]]:
    """What the spec calls values, by id: what stands for one variable, and the name.

    A value behind a choice and what it is on both sides are one variable.
    """
    names = {id: (f"{name} {id}", name) for id, name in template.names.items()}
    merged = [m for item in template.walk() if isinstance(item, Choice) for m in item.merged]
    for each in sorted(merged, key=lambda m: m.result.id):  # what is merged is older
        name = names.get(each.result.id) or names.get(each.then.id) or names.get(each.other.id)
        if name is not None:
            names[each.result.id] = name
            for side in (each.then, each.other):
                if side.id in names and names[side.id][1] == name[1]:
                    names[side.id] = name
    return names
