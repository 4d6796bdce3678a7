"""Symbolic calls and numbers as documents of source text."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from netspec.codegen.calls import Call, Raw
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.layout import Document, Operation, Row, call, enclosed, keyword, literal
from netspec.lang.expression.formula import operands_of, print_node, print_number
from netspec.lang.expression.symbolic import Diverges, Varying, names_of, same_value

Defaults = Mapping[str, Mapping[str, Any]]
MISSING = object()

LONG = 60
"""A formula with more characters may break over lines."""

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}


class Printer:
    """Prints calls and numbers, leaves out what equals a signature's default, and notes names.

    Attributes:
        names: the names that the formulas printed so far mention.
        targets: what was called so far, functions in formulas among them.
    """

    def __init__(
        self, defaults: Defaults, rewrite: Callable[[Call], Document | None] | None = None
    ) -> None:
        self.defaults = defaults
        self.rewrite = rewrite
        self.names: set[str] = set()
        self.targets: set[str] = set()
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
        if isinstance(value, Varying) and value.node is not None and self._assumed:
            return self._assumed.get(ast.dump(value.node), value)
        return value

    def value(self, value: Any) -> Document:
        """A number, text, tuple, list or call. Raises :class:`Diverges` for what has no formula."""
        value = self._known(value)
        if isinstance(value, Call):
            return self.call(value)
        if isinstance(value, Raw):
            return value.text
        if isinstance(value, Varying):
            return self.formula(value)
        if isinstance(value, str):
            return quoted(value)
        if isinstance(value, tuple):
            items = [self.value(item) for item in value]
            if len(items) == 1:
                return Row(("(", items[0], ",)"))
            return literal("(", items, ")")
        if isinstance(value, list):
            return literal("[", [self.value(item) for item in value], "]")
        return "None" if value is None else _constant(value)

    def formula(self, value: Any) -> Document:
        """The expression that computes a number; a test of several parts may break between them."""
        if not isinstance(value, Varying):
            return print_number(value)
        return self.expression(self.source(value))

    def source(self, value: Varying) -> ast.expr:
        """The formula of a number under the names that source has for its parameters and functions.

        Raises :class:`Diverges` for what has no formula.
        """
        if value.node is None:
            raise Diverges(value)
        self.names |= names_of(value)
        visitor = _InSource()
        node: ast.expr = visitor.visit(value.node)
        self.targets |= visitor.functions
        return node

    def expression(self, node: ast.expr) -> Document:
        """An expression of source; a test of several parts may break between them."""
        if isinstance(node, ast.BoolOp) and all(not isinstance(v, ast.BoolOp) for v in node.values):
            operator = "or" if isinstance(node.op, ast.Or) else "and"
            return Operation(operator, tuple(print_node(operand) for operand in node.values))
        return _document(node)

    def call(self, value: Call, target: Document | None = None) -> Document:
        """A call, by the name ``target`` where that is given."""
        if self.rewrite is not None and target is None:
            found = self.rewrite(value)
            if found is not None:
                return found
        if value.target in _PRECEDENCE:
            return self._infix(value)
        self.targets.add(value.target)
        defaults = self.defaults.get(value.target, {})
        arguments: list[Document] = [self.value(argument) for argument in value.args]
        for name, given in value.kwargs.items():
            given = self._known(given)
            if not is_default(given, defaults.get(name, MISSING)):
                arguments.append(keyword(name, self.value(given)))
        return call(value.target if target is None else target, arguments)

    def _infix(self, value: Call) -> Document:
        level = _PRECEDENCE[value.target]
        operators: tuple[str, ...] = ()
        operands: tuple[Document, ...] = ()
        left: Any = value
        while isinstance(left, Call) and _PRECEDENCE.get(left.target) == level:
            operators = (left.target, *operators)
            operands = (self._operand(left.args[1], level + 1), *operands)
            left = left.args[0]
        return Operation(operators, (self._operand(left, level), *operands))

    def _operand(self, value: Any, level: int) -> Document:
        document = self.value(value)
        if isinstance(value, Call) and _PRECEDENCE.get(value.target, level) < level:
            return enclosed(document)
        return document


def _document(node: ast.expr) -> Document:
    """A formula, which may break at its operators and in its parentheses where it is long."""
    text = print_node(node)
    if len(text) <= LONG:
        return text
    if isinstance(node, ast.Call):
        return call(print_node(node.func), [_document(argument) for argument in node.args])
    found = operands_of(node)
    if found is None:
        return text
    operators, operands = found
    documents = tuple(
        enclosed(_document(operand.node)) if operand.is_enclosed else _document(operand.node)
        for operand in operands
    )
    return Operation(operators, documents) if len(documents) > 1 else Row((*operators, *documents))


class _InSource(ast.NodeTransformer):
    """A copy of a formula under the names that source has for its parameters and functions."""

    def __init__(self) -> None:
        self.functions: set[str] = set()

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = node.func
        assert isinstance(function, ast.Name)
        name = f"math.{function.id}" if function.id in ("ceil", "floor") else function.id
        self.functions.add(name)
        return ast.Call(ast.Name(name), [self.visit(argument) for argument in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(safe_identifier(node.id))

    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = {
            name: [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
            if isinstance(value, list)
            else (self.visit(value) if isinstance(value, ast.AST) else value)
            for name, value in ast.iter_fields(node)
        }
        return type(node)(**fields)


_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def negated(condition: ast.expr) -> ast.expr:
    """The opposite of a condition."""
    match condition:
        case ast.Compare(left=left, ops=[op], comparators=others) if type(op) in _OPPOSITES:
            return ast.Compare(left, [_OPPOSITES[type(op)]()], others)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
    return ast.UnaryOp(ast.Not(), condition)


def is_default(given: Any, default: Any) -> bool:
    """Whether a plain argument equals a default; per-axis numbers that are all equal are the scalar."""
    if default is MISSING or isinstance(given, Varying | Call | Raw):
        return False
    if isinstance(given, tuple) and not isinstance(default, tuple):
        return bool(given) and all(is_default(item, default) for item in given)
    if isinstance(given, float) and isinstance(default, int | float):
        return given == default and not isinstance(default, bool)
    return same_value(given, default)


def _constant(value: Any) -> str:
    """A number; a simple fraction that has no short decimal form is written as one."""
    text = print_number(value)
    if isinstance(value, float) and len(text) > 12:
        fraction = Fraction(value).limit_denominator(64)
        if fraction.numerator / fraction.denominator == value:
            return f"{fraction.numerator} / {fraction.denominator}"
    return text


def quoted(text: str) -> str:
    """A text as a literal in double quotes, whatever is in it; JSON's escapes are Python's too."""
    return json.dumps(text, ensure_ascii=False)
