"""Statements of generated source, their text, and the tensors that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netspec.codegen.layout import INDENT, Document, Row, lay_out


@dataclass(frozen=True)
class Assign:
    """``target = value``."""

    target: str
    value: Document


@dataclass(frozen=True)
class Do:
    """An expression for its effect, or any line that is one document."""

    value: Document


@dataclass(frozen=True)
class Return:
    """``return value``."""

    value: Document


@dataclass(frozen=True)
class If:
    """``if test``, with ``else`` where ``other`` holds anything."""

    test: Document
    then: tuple[Statement, ...]
    other: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class For:
    """A loop; ``head`` is what stands between ``for`` and the colon."""

    head: str
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Operand:
    """A tensor: in a variable, or an expression that was not given to one yet.

    Attributes:
        document: the text of it.
        variable: the variable; None for an expression.
        reads: the variables that it is made of.
    """

    document: Document
    variable: str | None = None
    reads: frozenset[str] = frozenset()

    @staticmethod
    def of(variable: str) -> Operand:
        """What is in a variable."""
        return Operand(variable, variable, frozenset((variable,)))

    @staticmethod
    def made(document: Document, *operands: Operand) -> Operand:
        """An expression that is made of others."""
        return Operand(document, None, frozenset[str]().union(*(each.reads for each in operands)))


Statement = Assign | Do | Return | If | For


def render(statements: Sequence[Statement], level: int) -> str:
    """The lines of the statements, ``level`` levels deep, without a last line end."""
    return "\n".join(line for statement in statements for line in _lines(statement, level))


def _lines(statement: Statement, level: int) -> list[str]:
    match statement:
        case Assign(target=target, value=value):
            return lay_out(value, f"{target} = ", level=level)
        case Do(value=value):
            return lay_out(value, level=level)
        case Return(value=value):
            return lay_out(value, "return ", level=level)
        case For(head=head, body=body):
            inner = [line for inside in body for line in _lines(inside, level + 1)]
            return [f"{' ' * (INDENT * level)}for {head}:", *inner]
        case If():
            lines = lay_out(statement.test, "if ", ":", level)
            lines += [line for inside in statement.then for line in _lines(inside, level + 1)]
            if len(statement.other) == 1 and isinstance(statement.other[0], If):
                first, *rest = _lines(statement.other[0], level)
                margin = " " * (INDENT * level)
                return [*lines, f"{margin}el{first.lstrip()}", *rest]
            if statement.other:
                lines.append(f"{' ' * (INDENT * level)}else:")
                lines += [line for inside in statement.other for line in _lines(inside, level + 1)]
            return lines


def listed(operands: Sequence[Operand]) -> Document:
    """Tensors side by side, as they stand behind `return`."""
    first, *others = (operand.document for operand in operands)
    return Row((first, *(part for document in others for part in (", ", document))))


def returning(statements: Sequence[Statement], *operands: Operand) -> list[Statement]:
    """The statements with a return of tensors behind them; of one, folded into an assignment to it."""
    operand, *others = operands
    if others:
        return [*statements, Return(listed(operands))]
    *before, last = [*statements, Return(operand.document)]
    if before and isinstance(before[-1], Assign) and before[-1].target == operand.variable:
        return [*before[:-1], Return(before[-1].value)]
    return [*before, last]
