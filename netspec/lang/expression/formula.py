"""Expressions of Python as `ruff format` writes them: formulas of the language, and of generated source."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from netspec.lang.expression.documents import (
    Document,
    Group,
    Indent,
    Line,
    Row,
    brackets,
    enclosed,
    enclosed_if_broken,
    flat,
    literal,
    row,
    separated,
)

SIGNS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.BitOr: "|",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
"""The operators of two operands, as they are written."""

_COMPARE: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_LAMBDA, _CONDITIONAL, _OR, _AND, _NOT, _COMPARISON, _UNION = range(7)
_SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(7, 12)
_LEVELS: Mapping[type[ast.operator], int] = {
    ast.BitOr: _UNION,
    ast.Add: _SUM,
    ast.Sub: _SUM,
    ast.Pow: _POWER,
}
"""How tightly operators bind; all others are products."""


def print_number(value: Any) -> str:
    """A number or truth value as a person would write it: ``1e-5``, ``0.99``, ``True``."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return f'float("{value}")'
        text = repr(value)
        return re.sub(r"e([-+])0*(\d)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", text)
    return repr(value)


LONG = 12
"""A number of more characters is one that nobody wrote: it came out of a division."""


def is_long(value: Any) -> bool:
    """Whether a plain fraction has so many digits that its formula says it better."""
    return isinstance(value, float) and len(repr(value)) > LONG


def print_node(node: ast.expr) -> str:
    """An expression as Python source, on one line."""
    return flat(document_of(node))


def quoted(text: str) -> str:
    """A text as a literal in double quotes, whatever is in it; JSON's escapes are Python's too."""
    return json.dumps(text, ensure_ascii=False)


def binds(node: ast.expr) -> int:
    """How tightly the outermost operator of an expression binds."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _UNARY if value < 0 and math.isfinite(value) else _ATOM
        case ast.BinOp(op=op):
            return _LEVELS.get(type(op), _PRODUCT)
        case ast.UnaryOp(op=op):
            return _NOT if isinstance(op, ast.Not) else _UNARY
        case ast.BoolOp(op=op):
            return _OR if isinstance(op, ast.Or) else _AND
        case ast.Compare():
            return _COMPARISON
        case ast.IfExp():
            return _CONDITIONAL
        case ast.Lambda():
            return _LAMBDA
    return _ATOM


def document_of(node: ast.expr) -> Document:
    """An expression that may break over lines inside brackets; operations are groups of their own."""
    match node:
        case ast.Constant(value=str(text)):
            return quoted(text)
        case ast.Constant(value=value):
            return "..." if value is Ellipsis else print_number(value)
        case ast.Name(id=name):
            return name
        case ast.BinOp() | ast.BoolOp() | ast.Compare():
            return _operation(node, Line(" "))
        case ast.UnaryOp(op=op, operand=operand):
            return row(_sign(op), _within(operand, _under(node)))
        case ast.IfExp():
            return Group(tuple(_conditional(node)))
        case ast.Attribute(value=value, attr=name):
            return row(_within(value, _ATOM), f".{name}")
        case ast.Subscript(value=value, slice=index):
            inside = Indent((Line(), _index(index)))
            return row(_within(value, _ATOM), Group(("[", inside, Line(), "]")))
        case ast.Call(func=function, args=[ast.GeneratorExp() as only], keywords=[]):
            return row(_within(function, _ATOM), document_of(only))  # one pair of parentheses
        case ast.Call(func=function, args=args, keywords=keywords):
            given = [*map(document_of, args), *map(_keyword, keywords)]
            return row(_within(function, _ATOM), brackets("(", given, ")"))
        case ast.Starred(value=value):
            return row("*", document_of(value))
        case ast.List(elts=items):
            return literal("[", [*map(document_of, items)], "]")
        case ast.Tuple(elts=[item]):
            return Group(("(", Indent((Line(), document_of(item), ",")), Line(), ")"))
        case ast.Tuple(elts=items):
            return literal("(", [*map(document_of, items)], ")")
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return literal("{", [_item(key, value) for key, value in pairs], "}")
        case ast.ListComp(elt=item, generators=clauses):
            return _comprehension("[", item, clauses, "]")
        case ast.GeneratorExp(elt=item, generators=clauses):
            return _comprehension("(", item, clauses, ")")
        case ast.Lambda(args=arguments, body=body):
            names = ", ".join(argument.arg for argument in arguments.args)
            made = document_of(body)
            can_break = isinstance(body, ast.BinOp | ast.BoolOp | ast.Compare | ast.IfExp)
            return row(f"lambda {names}: ", enclosed_if_broken(made) if can_break else made)
        case ast.JoinedStr(values=values):
            return f'f"{"".join(map(_part, values))}"'
    raise AssertionError(ast.dump(node))  # pragma: no cover


def joined(node: ast.expr) -> Document:
    """An operation with its operators where no line breaks."""
    if isinstance(node, ast.UnaryOp) and not is_enclosed(node):
        return row(_sign(node.op), joined(node.operand))
    return _operation(node, " ") if is_operation(node) else document_of(node)


def is_enclosed(node: ast.UnaryOp) -> bool:
    """Whether the operand of a sign, or of `not`, has parentheses."""
    return binds(node.operand) < _under(node)


def is_operation(node: ast.expr) -> bool:
    """Whether operands are joined by operators that are written with spaces."""
    if isinstance(node, ast.BinOp):
        return not _is_simple_power(node)
    return isinstance(node, ast.BoolOp | ast.Compare)


def operands_of(node: ast.expr) -> list[tuple[str, ast.expr, bool]]:
    """What operators that bind alike join: the operator ahead, the operand, and whether it is enclosed.

    The first has no operator.
    """
    level = binds(node)
    match node:
        case ast.BoolOp(op=op, values=values):
            found: list[tuple[str, ast.expr, bool]] = []
            for value in values:  # `and` inside `or` breaks with it, as ruff has it
                is_enclosed = binds(value) <= level
                is_flat = isinstance(value, ast.BoolOp) and not is_enclosed
                inner = operands_of(value) if is_flat else [("", value, is_enclosed)]
                word = "" if not found else "or" if isinstance(op, ast.Or) else "and"
                found += [(word, *inner[0][1:]), *inner[1:]]
            return found
        case ast.Compare(left=left, ops=ops, comparators=others):
            words = ["", *(_COMPARE[type(op)] for op in ops)]
            pairs = zip(words, (left, *others), strict=True)
            return [(word, operand, binds(operand) <= level) for word, operand in pairs]
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return [("", left, binds(left) < _ATOM), ("**", right, binds(right) < _UNARY)]
        case ast.BinOp(op=op, left=left, right=right):
            last = (SIGNS[type(op)], right, binds(right) <= level)
            if isinstance(left, ast.BinOp) and binds(left) == level:
                return [*operands_of(left), last]
            return [("", left, binds(left) < level), last]
    raise AssertionError(ast.dump(node))  # pragma: no cover


def _operation(node: ast.expr, space: Document) -> Document:
    """Operands with ``space`` ahead of each operator."""
    parts: list[Document] = []
    for operator, operand, is_enclosed in operands_of(node):
        if is_enclosed:
            document = enclosed(document_of(operand))
        else:
            document = document_of(operand) if isinstance(space, Line) else joined(operand)
        parts += [space, f"{operator} ", document] if parts else [document]
    if isinstance(node, ast.BinOp) and _is_simple_power(node):
        return row(parts[0], "**", parts[-1])
    return Group(tuple(parts)) if isinstance(space, Line) else Row(tuple(parts))


def _conditional(node: ast.IfExp) -> list[Document]:
    """``then if test else other``; conditionals behind one another break alike, as ruff has it."""
    parts = [_within(node.body, _OR), Line(" "), row("if ", _within(node.test, _OR)), Line(" ")]
    if isinstance(node.orelse, ast.IfExp):
        return [*parts, "else ", *_conditional(node.orelse)]
    return [*parts, row("else ", document_of(node.orelse))]


def _within(node: ast.expr, level: int) -> Document:
    """An operand, in parentheses where its operator binds less than ``level``."""
    document = document_of(node)
    return document if binds(node) >= level else enclosed(document)


def _sign(operator: ast.unaryop) -> str:
    return {ast.Not: "not ", ast.USub: "-"}.get(type(operator), "+")


def _under(node: ast.UnaryOp) -> int:
    """How tightly the operand of a sign must bind: without parentheses it reads as its base's."""
    if isinstance(node.operand, ast.BinOp) and isinstance(node.operand.op, ast.Pow):
        return _ATOM
    return binds(node)


def _is_simple(end: ast.expr | None) -> bool:
    """Whether no space stands around the colons of a slice for this end of it, as ruff has it."""
    operand = end
    if isinstance(end, ast.UnaryOp) and not isinstance(end.op, ast.Not):
        operand = end.operand
    return operand is None or isinstance(operand, ast.Name | ast.Constant)


def _index(node: ast.expr) -> Document:
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            ends = [lower, upper, *([] if step is None else [step])]
            space = "" if all(map(_is_simple, ends)) else " "
            parts: list[Document] = []
            for place, end in enumerate(ends):
                parts += [":"] if place else []
                if end is not None:
                    parts += [space if place else "", document_of(end)]
                    parts += [space if place + 1 < len(ends) else ""]
            return row(*parts)
        case ast.Tuple(elts=items):
            return Row(separated([*map(_index, items)]))
    return document_of(node)


def _item(key: ast.expr | None, value: ast.expr) -> Document:
    ahead = "**" if key is None else row(document_of(key), ": ")
    return row(ahead, document_of(value))


def _keyword(node: ast.keyword) -> Document:
    value = document_of(node.value)
    return row("**" if node.arg is None else f"{node.arg}=", value)


def bare(target: ast.expr) -> Document:
    """What is written to: several names stand without parentheses."""
    if isinstance(target, ast.Tuple):
        return ", ".join(map(print_node, target.elts))
    return document_of(target)


def _comprehension(
    opening: str, item: ast.expr, clauses: Sequence[ast.comprehension], closing: str
) -> Document:
    parts: list[Document] = [document_of(item)]
    for clause in clauses:
        parts += [Line(" "), "for ", bare(clause.target), " in ", document_of(clause.iter)]
        for test in clause.ifs:
            parts += [Line(" "), "if ", document_of(test)]
    return Group((opening, Indent((Line(), Group(tuple(parts)))), Line(), closing))


def written_to(target: ast.expr) -> str:
    """What is written to, on one line: several names stand without parentheses."""
    if isinstance(target, ast.Tuple):
        return ", ".join(map(print_node, target.elts))
    return print_node(target)


def _part(node: ast.expr) -> str:
    """A part of an f-string."""
    match node:
        case ast.FormattedValue(value=value):
            return f"{{{print_node(value)}}}"
        case ast.Constant(value=str(text)):
            return quoted(text)[1:-1].replace("{", "{{").replace("}", "}}")
    raise AssertionError(ast.dump(node))  # pragma: no cover


def _is_simple_power(node: ast.BinOp) -> bool:
    """Whether a power is written without spaces: a word to a word, which may have a sign."""
    base, exponent = node.left, node.right
    if not isinstance(node.op, ast.Pow):
        return False
    if isinstance(exponent, ast.UnaryOp) and not isinstance(exponent.op, ast.Not):
        exponent = exponent.operand
    is_word = isinstance(base, ast.Name | ast.Constant) and binds(base) == _ATOM
    return is_word and isinstance(exponent, ast.Name | ast.Constant)


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


class Rewriter(ast.NodeTransformer):
    """A transformer that makes a new tree: nodes may stand in several places, so none is changed."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """The node with its parts visited."""
        return type(node)(**{name: self._field(value) for name, value in ast.iter_fields(node)})

    def _field(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.visit(item) if isinstance(item, ast.AST) else item for item in value]
        return self.visit(value) if isinstance(value, ast.AST) else value
