"""How a tensor runs through a body, as statements: what the backends' generators share.

A generator says how a layer is applied and how tensors are merged; the order of statements, the names
of variables and what becomes of choices are the same for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from netspec.codegen.cases import where
from netspec.codegen.identifiers import Namespace
from netspec.codegen.layout import Choice, Document, Operation, text_of
from netspec.codegen.second import tree
from netspec.codegen.statements import Assign, If, Statement

VARIABLES = ("y", "z", "u", "v", "w", *(f"y{number}" for number in range(2, 40)))
"""What runs beside the main line is written to the first of these that is not in use."""

BRANCH = "branch1"
"""What a branch is written to, with a number behind it for the second and further ones."""


_OPPOSITE = {"==": "!=", "!=": "=="}
_COMPARISON = re.compile(r"([^=!<>]*) (==|!=) ([^=!<>]*)")
_JOINED = re.compile(r"\b(?:and|or|if|else)\b|\bnot (?!None)")


@dataclass(frozen=True)
class Value:
    """A tensor: a variable, or an expression that was not given to one yet."""

    document: Document
    is_variable: bool = True


def taken_names(network: tree.Network) -> set[str]:
    """What outputs, and steps that are of no block, take by name: stages among it."""
    found = set(network.outputs.values())
    waiting: list[tree.Node] = [*(stage.between for stage in network.stages), network.head]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Reference):
            found.update(node.names)
        if not isinstance(node, tree.Block):
            waiting += node.children
    return found


class Flow:
    """Statements that send a tensor through nodes; backends fill in the abstract methods.

    Attributes:
        statements: what was written so far.
        results: the variables that hold named results.
    """

    def __init__(self, variables: Namespace) -> None:
        self.statements: list[Statement] = []
        self.results: dict[str, Value] = {}
        self.variables = variables
        self._busy: list[str] = []
        self._siblings: dict[str, str] = {}

    # What a backend fills in

    def apply(
        self, node: tree.Layer | tree.Block | tree.Sequence, value: Value, target: str
    ) -> Value:
        """Send ``value`` through a layer, a block or a named plain sequence."""
        raise NotImplementedError  # pragma: no cover

    def is_unit(self, node: tree.Sequence) -> bool:
        """Whether a sequence is one thing to :meth:`apply`."""
        raise NotImplementedError  # pragma: no cover

    def merge(self, values: list[Value], how: tree.Merge, path: str, target: str) -> Value:
        """Several tensors as one."""
        raise NotImplementedError  # pragma: no cover

    def test(self, choice: tree.Choice) -> tuple[Document, bool] | None:
        """The condition of a choice, and whether it holds for ``then`` (else for ``other``).

        None where both branches are applied by the same words.
        """
        raise NotImplementedError  # pragma: no cover

    # What they share

    def run(self, node: tree.Node, value: Value, target: str) -> Value:
        """Send ``value`` through ``node``; ``target`` is the variable to write to on the way."""
        match node:
            case tree.Layer() | tree.Block():
                return self.apply(node, value, target)
            case tree.Sequence() if self.is_unit(node):
                return self.apply(node, value, target)
            case tree.Sequence():
                return self.run_all(node.items, value, target)
            case tree.Residual():
                return self._residual(node, value, target)
            case tree.Gate():
                return self._gate(node, value, target)
            case tree.Branches():
                return self._branches(node, value, target)
            case tree.Reference():
                values = [self.results[name] for name in node.names]
                if len(values) == 1:
                    return values[0]
                return self.merge(values, node.merge, node.path, target)
            case tree.Tap():
                return self._tap(node, value, target)
            case tree.Choice():
                return self._choice(node, value, target)
        raise AssertionError(node)  # pragma: no cover

    def run_all(self, nodes: Sequence[tree.Node], value: Value, target: str) -> Value:
        """Send ``value`` through nodes in a row."""
        for node in nodes:
            value = self.run(node, value, target)
        return value

    def run_between(self, stage: tree.Stage, value: Value, target: str) -> Value:
        """Send ``value`` through the steps ahead of a stage, whose names are their own."""
        before = dict(self.results)
        value = self.run(stage.between, value, target)
        self.results = before
        return value

    def settle(self, value: Value, target: str) -> Value:
        """``value`` in a variable, ``target`` unless it is in one already."""
        if value.is_variable:
            return value
        self.statements.append(Assign(target, value.document))
        return Value(target)

    @contextmanager
    def _beside(self) -> Iterator[str]:
        """A variable that nothing else uses within the context."""
        name = next(name for name in VARIABLES if name not in self._busy)
        self._busy.append(name)
        yield name
        self._busy.remove(name)

    def _operand(self, value: Value, target: str) -> Value:
        """``value``, in a variable where it would need parentheses as an operand."""
        compound = isinstance(value.document, Choice | Operation)
        return self.settle(value, target) if compound else value

    def _residual(self, node: tree.Residual, value: Value, target: str) -> Value:
        value = self.settle(value, target)
        with self._beside() as inner:
            body = self.run(node.body, value, inner)
            if not node.shortcut.items:
                return self.merge([self._operand(body, inner), value], "add", node.path, target)
            body = self.settle(body, inner)
            shortcut = self._operand(self.run(node.shortcut, value, "shortcut"), "shortcut")
            return self.merge([body, shortcut], "add", node.path, target)

    def _gate(self, node: tree.Gate, value: Value, target: str) -> Value:
        value = self.settle(value, target)
        with self._beside() as inner:
            gate = self._operand(self.run(node.body, value, inner), inner)
            return self.merge([value, gate], "mul", node.path, target)

    def _branches(self, node: tree.Branches, value: Value, target: str) -> Value:
        value = self.settle(value, target)
        if len(node.paths) == 2 and not node.paths[0].items:
            with self._beside() as inner:
                other = self._operand(self.run(node.paths[1], value, inner), inner)
                return self.merge([value, other], node.merge, node.path, target)
        values = []
        for path in node.paths:
            name = self.variables.add(BRANCH) if path.items else ""
            values.append(self.settle(self.run(path, value, name), name) if path.items else value)
        return self.merge(values, node.merge, node.path, target)

    def _tap(self, node: tree.Tap, value: Value, target: str) -> Value:
        name = self._siblings.get(node.name) or self.variables.add(node.name)
        found = self.run(node.body, value, name)
        if text_of(found.document) != name:
            self.statements.append(Assign(name, found.document))
        self.results[node.name] = Value(name)
        return Value(name)

    def _choice(self, node: tree.Choice, value: Value, target: str) -> Value:
        test = self.test(node)
        if test is None:
            with where(node.test, True):
                return self.run(node.then, value, target)
        condition, holds_for_then = test
        value = self.settle(value, target)
        branches = (node.then, node.other) if holds_for_then else (node.other, node.then)
        results = dict(self.results)
        with where(node.test, holds_for_then):
            first, first_value = self._aside(branches[0], value, target)
        with where(node.test, not holds_for_then), self._beside_results_since(results):
            second, second_value = self._aside(branches[1], value, target)
        documents = first_value.document, second_value.document
        nested = any(isinstance(document, Choice) for document in documents)
        in_place = text_of(value.document) == target and target in map(text_of, documents)
        if not (first or second or nested or in_place):
            return Value(Choice(documents[0], condition, documents[1]), False)
        first, second = (
            self._into(first, first_value, target),
            self._into(second, second_value, target),
        )
        if not first and not second:
            return Value(target)
        if not first:
            condition = negated(condition)
            first, second = second, first
        self.statements.append(If(condition, tuple(first), tuple(second)))
        return Value(target)

    @contextmanager
    def _beside_results_since(self, before: dict[str, Value]) -> Iterator[None]:
        """Within, a result that was named since ``before`` is written to the same variable again."""
        outer = self._siblings
        new = {n: text_of(v.document) for n, v in self.results.items() if v is not before.get(n)}
        self._siblings = {**outer, **new}
        yield
        self._siblings = outer

    def _aside(self, node: tree.Node, value: Value, target: str) -> tuple[list[Statement], Value]:
        """The statements of a branch and its result, not written yet."""
        before, self.statements = self.statements, []
        try:
            found = self.run(node, value, target)
            return self.statements, found
        finally:
            self.statements = before

    @staticmethod
    def _into(statements: list[Statement], value: Value, target: str) -> list[Statement]:
        if text_of(value.document) == target:
            return statements
        return [*statements, Assign(target, value.document)]


def negated(condition: Document) -> Document:
    """The opposite of a condition."""
    text = text_of(condition)
    if not _JOINED.search(text):
        for positive, negative in ((" is None", " is not None"), (" is not None", " is None")):
            if text.endswith(positive):
                return text.removesuffix(positive) + negative
        comparison = _COMPARISON.fullmatch(text)
        if comparison is not None:
            return f"{comparison[1]} {_OPPOSITE[comparison[2]]} {comparison[3]}"
    return f"not ({text})" if " " in text else f"not {text}"
