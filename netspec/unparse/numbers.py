"""Numbers of templates as the values and expressions of a spec."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Collection, Sequence
from typing import Any

from netspec.elaborate.scope import RESERVED
from netspec.lang.expression.expr import MAX_LENGTH
from netspec.lang.expression.formula import Rewriter
from netspec.lang.expression.symbolic import Varying, names_of, same_value
from netspec.lang.schema.models import OF_STAGES
from netspec.unparse.document import Brackets


class Numbers:
    """Writes the numbers of one template.

    Attributes:
        used: the names that were written so far, as the template has them.
    """

    def __init__(self, names: Collection[str]) -> None:
        """``names`` are all that the template knows."""
        self.used: set[str] = set()
        self._known = frozenset(names)

    def name(self, name: str) -> str:
        """A name of the template as the spec declares it: none that the language has taken."""
        found = name
        is_free = name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
        if not is_free or name in RESERVED or name in OF_STAGES:
            found = f"own_{name}"
            while found in self._known:
                found = f"own_{found}"
        return found

    def write(self, value: Any) -> Any:
        """A number, or a list of them, as it stands in YAML."""
        if isinstance(value, tuple | list):
            return Brackets(self.write(item) for item in value)
        if not isinstance(value, Varying):
            return value
        assert value.node is not None
        self.used |= names_of(value)
        return text_of(_Renamed(self).visit(value.node))


LANGUAGE = ("in_channels", "in_size", "channels", "size")
"""Names of the language that templates have too."""


class _Worded(Rewriter):
    """An expression with the language's words for truth values."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, bool):
            return ast.Name("true" if node.value else "false")
        return node


class _Renamed(Rewriter):
    """An expression in the names of the language."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def visit_Name(self, node: ast.Name) -> ast.expr:
        name = node.id
        return ast.Name(name if name in LANGUAGE else self._numbers.name(name))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(each) for each in node.args], [])


def text_of(node: ast.expr) -> str:
    """An expression as text, with the language's words for truth values."""
    return ast.unparse(_Worded().visit(node))


# Numbers in a row


def fit(values: Sequence[Any], name: str, start: int = 0) -> Any:
    """Numbers that ``name`` counts from ``start`` on as one value: plain, or an expression; None without one.

    What people write comes first: one number, another at one end, powers, even steps, at last a list.
    """
    first, last = values[0], values[-1]
    if all(same_value(value, first) for value in values):
        return first
    if any(isinstance(value, Varying | dict) for value in values):
        return None
    end = start + len(values) - 1
    if len(values) > 2 and all(same_value(value, last) for value in values[1:]):
        return f"{_literal(first)} if {name} == {start} else {_literal(last)}"
    if all(type(value) is int for value in values):
        counted = f"({name} - {start})" if start else name
        ratio = values[1] // first if first > 0 else 0
        if ratio > 1 and all(v == first * ratio**i for i, v in enumerate(values)):
            return f"{first} * {ratio} ** {counted}"
        step = values[1] - first
        if all(v == first + step * i for i, v in enumerate(values)):
            return even(first - step * start, step, name)
    if len(values) > 2 and all(same_value(value, first) for value in values[:-1]):
        return f"{_literal(last)} if {name} == {end} else {_literal(first)}"
    if not all(isinstance(value, int | float) for value in values):
        return None
    index = f"{name} - {start}" if start else name
    text = f"[{', '.join(map(_literal, values))}][{index}]"
    return text if len(text) <= MAX_LENGTH else None


def even(base: int, step: int, name: str) -> str:
    """``base + step * name``, as short as it gets."""
    factor = name if step == 1 else f"{step} * {name}"
    if step < 0:
        factor = name if step == -1 else f"{-step} * {name}"
        return f"{base} - {factor}"
    return factor if base == 0 else f"{base} + {factor}" if base > 0 else f"{factor} - {-base}"


def _literal(value: Any) -> str:
    return text_of(ast.Constant(value))
