"""Symbolic calls and numbers as code."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from netspec.codegen.calls import Call
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.nodes import Given, call, constant
from netspec.codegen.numbers import without_own_functions
from netspec.lang.expression.arithmetic import MATH
from netspec.lang.expression.formula import SIGNS, Rewriter
from netspec.lang.expression.symbolic import Diverges, Varying, names_of, same_value

Defaults = Mapping[str, Mapping[str, Any]]
MISSING = object()

OPERATORS = {sign: operator for operator, sign in SIGNS.items()}
"""The operators that a symbolic call may call, by their signs."""


Factories = Mapping[str, Mapping[Any, ast.expr]]
"""What callers pass for layers that are chosen: by argument, and by the op's key."""


class Printer:
    """Prints calls and numbers, leaves out what equals a signature's default, and notes names.

    Args:
        defaults: arguments that calls leave out where they are these.
        parameters: numbers that formulas may be made of.
        presence: flags that an argument tells by not being None.

    Attributes:
        names: the names that the formulas printed so far mention.
        targets: what was called so far, functions in formulas among them.
        factories: what callers pass for layers that are chosen.
    """

    def __init__(
        self,
        defaults: Defaults,
        parameters: Collection[Varying] = (),
        presence: Mapping[str, str] | None = None,
    ) -> None:
        self.presence = presence or {}
        self.defaults = defaults
        self._parameters = parameters
        self.names: set[str] = set()
        self.targets: set[str] = set()
        self.factories: dict[str, dict[Any, ast.expr]] = {}
        self._assumed: dict[str, Any] = {}

    @contextmanager
    def assuming(self, test: Varying, outcome: bool) -> Iterator[None]:
        """Within this context ``test`` comes out so: a number that it pins down is that number."""
        before = dict(self._assumed)
        match test.node:
            case ast.Compare(left=left, ops=[op], comparators=[ast.Constant(value=number)]) if (
                isinstance(op, ast.Eq if outcome else ast.NotEq)
            ):
                self._assumed[ast.dump(left)] = number
        yield
        self._assumed = before

    def _known(self, value: Any) -> Any:
        if not self._assumed:
            return value
        if isinstance(value, tuple):
            return tuple(map(self._known, value))
        if isinstance(value, Varying) and value.node is not None:
            return self._assumed.get(ast.dump(value.node), value)
        return value

    def value(self, value: Any) -> ast.expr:
        """A number, text, tuple, list or call. Raises :class:`Diverges` for what has no formula."""
        value = self._known(value)
        match value:
            case Call():
                return self.call(value)
            case ast.expr():
                return value
            case Varying():
                return self.source(value)
            case tuple():
                return ast.Tuple([*map(self.value, value)])
            case list():
                return ast.List([*map(self.value, value)])
        return constant(value)

    def formula(self, value: Any) -> ast.expr:
        """The expression that computes a number."""
        return self.source(value) if isinstance(value, Varying) else ast.Constant(value)

    def source(self, value: Varying) -> ast.expr:
        """The formula of a number under the names that source has for its parameters and functions.

        Raises :class:`Diverges` for what has no formula.
        """
        value = without_own_functions(value, self._parameters)
        if value.node is None:
            raise Diverges(value)
        self.names |= {self.presence.get(name, name) for name in names_of(value)}
        visitor = _InSource(self.presence)
        node: ast.expr = visitor.visit(value.node)
        self.targets |= visitor.functions
        return node

    def call(self, value: Call) -> ast.expr:
        """A call, or an operation where it calls an operator."""
        if value.target in OPERATORS:
            operands = [*map(self.value, value.args)]
            if len(operands) == 1:
                return ast.UnaryOp(ast.USub(), operands[0])
            return ast.BinOp(operands[0], OPERATORS[value.target](), operands[1])
        self.targets.add(value.target)
        defaults = self.defaults.get(value.target, {})
        arguments: list[Given] = [self.value(argument) for argument in value.args]
        for name, given in value.kwargs.items():
            given = self._known(given)
            if not is_default(given, defaults.get(name, MISSING)):
                arguments.append(ast.keyword(name, self.value(given)))
        return call(value.target, arguments)


class _InSource(Rewriter):
    """A copy of a formula under the names that source has for its parameters and functions."""

    def __init__(self, presence: Mapping[str, str]) -> None:
        self.presence = presence
        self.functions: set[str] = set()

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = node.func
        assert isinstance(function, ast.Name)
        name = f"math.{function.id}" if function.id in MATH else function.id
        self.functions.add(name)
        return call(name, [self.visit(argument) for argument in node.args])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.presence:
            told = ast.Name(safe_identifier(self.presence[node.id]))
            return ast.Compare(told, [ast.IsNot()], [ast.Constant(None)])
        return ast.Name(safe_identifier(node.id))


def is_default(given: Any, default: Any) -> bool:
    """Whether a plain argument equals a default; per-axis numbers that are all equal are the scalar."""
    if isinstance(given, ast.expr) and isinstance(default, ast.expr):
        return ast.dump(given) == ast.dump(default)
    if default is MISSING or isinstance(given, Varying | Call | ast.expr):
        return False
    if isinstance(given, tuple) and not isinstance(default, tuple):
        return bool(given) and all(is_default(item, default) for item in given)
    if isinstance(given, float) and isinstance(default, int | float):
        return given == default and not isinstance(default, bool)
    return same_value(given, default)
