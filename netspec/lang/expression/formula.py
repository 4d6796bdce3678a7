"""Formulas as Python source, spaced as `ruff format` spaces them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BINARY: Mapping[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 5),
    ast.Sub: ("-", 5),
    ast.Mult: ("*", 6),
    ast.Div: ("/", 6),
    ast.FloorDiv: ("//", 6),
    ast.Mod: ("%", 6),
    ast.Pow: ("**", 8),
}
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
_CONDITIONAL, _OR, _AND, _NOT, _COMPARISON, _UNARY, _POWER, _ATOM = 0, 1, 2, 3, 4, 7, 8, 9


def print_number(value: Any) -> str:
    """A number or truth value as a person would write it: ``1e-5``, ``0.99``, ``True``."""
    if isinstance(value, float):
        text = repr(value)
        return re.sub(r"e([-+])0*(\d)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", text)
    return repr(value)


def print_node(node: ast.expr) -> str:
    """A formula of the expression language as Python source."""
    return _print(node)[0]


def _print(node: ast.expr) -> tuple[str, int]:
    """The text of a node, and how tightly its outermost operator binds."""
    match node:
        case ast.Constant(value=str(text)):
            return json.dumps(text, ensure_ascii=False), _ATOM
        case ast.Constant(value=value):
            negative = isinstance(value, int | float) and not isinstance(value, bool) and value < 0
            return print_number(value), _UNARY if negative else _ATOM
        case ast.Name(id=name):
            return name, _ATOM
        case ast.BinOp():
            return _binary(node)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"not {_within(operand, _ATOM if _is_power(operand) else _NOT)}", _NOT
        case ast.UnaryOp(op=op, operand=operand):
            sign = "-" if isinstance(op, ast.USub) else "+"
            # Without parentheses the sign of a power reads as its base's.
            return sign + _within(operand, _ATOM if _is_power(operand) else _UNARY), _UNARY
        case ast.BoolOp(op=op, values=values):
            level = _OR if isinstance(op, ast.Or) else _AND
            word = " or " if level == _OR else " and "
            return word.join(_within(value, level + 1) for value in values), level
        case ast.Compare(left=left, ops=ops, comparators=others):
            parts = [_within(left, _COMPARISON + 1)]
            for comparison, other in zip(ops, others, strict=True):
                parts += [_COMPARE[type(comparison)], _within(other, _COMPARISON + 1)]
            return " ".join(parts), _COMPARISON
        case ast.IfExp(test=test, body=body, orelse=other):
            then, condition = _within(body, _OR), _within(test, _OR)
            return f"{then} if {condition} else {_within(other, _CONDITIONAL)}", _CONDITIONAL
        case ast.Attribute(value=value, attr=name):
            return f"{_within(value, _ATOM)}.{name}", _ATOM
        case ast.Subscript(value=value, slice=index):
            return f"{_within(value, _ATOM)}[{print_node(index)}]", _ATOM
        case ast.Call(func=function, args=args):
            return f"{print_node(function)}({', '.join(map(print_node, args))})", _ATOM
        case ast.List(elts=items):
            return f"[{', '.join(map(print_node, items))}]", _ATOM
    raise AssertionError(ast.dump(node))  # pragma: no cover


def _within(node: ast.expr, level: int) -> str:
    """The text of an operand, in parentheses where its operator binds less than ``level``."""
    text, own = _print(node)
    return text if own >= level else f"({text})"


def _binary(node: ast.BinOp) -> tuple[str, int]:
    operator, level = _BINARY[type(node.op)]
    if level == _POWER:
        left, right = _within(node.left, _ATOM), _within(node.right, _UNARY)
        simple = _is_simple_power(node)
        return (f"{left}**{right}" if simple else f"{left} ** {right}"), level
    return f"{_within(node.left, level)} {operator} {_within(node.right, level + 1)}", level


@dataclass(frozen=True)
class Operand:
    """A side of an operator, and whether it stands in parentheses."""

    node: ast.expr
    is_enclosed: bool


def operands_of(node: ast.expr) -> tuple[tuple[str, ...], tuple[Operand, ...]] | None:
    """Operators that bind alike and are written with spaces, and what they join; None without any.

    A sign is an operator with one operand.
    """
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        level = _ATOM if _is_power(node.operand) else _UNARY
        return ("-" if isinstance(node.op, ast.USub) else "+",), (_operand(node.operand, level),)
    if not isinstance(node, ast.BinOp):
        return None
    operator, level = _BINARY[type(node.op)]
    if level == _POWER:
        if _is_simple_power(node):
            return None
        return (operator,), (_operand(node.left, _ATOM), _operand(node.right, _UNARY))
    operators: tuple[str, ...] = (operator,)
    operands: tuple[Operand, ...] = (_operand(node.right, level + 1),)
    left = node.left
    while isinstance(left, ast.BinOp) and _BINARY[type(left.op)][1] == level:
        operators = (_BINARY[type(left.op)][0], *operators)
        operands = (_operand(left.right, level + 1), *operands)
        left = left.left
    return operators, (_operand(left, level), *operands)


def _operand(node: ast.expr, level: int) -> Operand:
    return Operand(node, _print(node)[1] < level)


def _is_power(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _is_simple_power(node: ast.BinOp) -> bool:
    """Whether a power is written without spaces: a word to a word, which may have a sign."""
    base, exponent = node.left, node.right
    if isinstance(exponent, ast.UnaryOp) and not isinstance(exponent.op, ast.Not):
        exponent = exponent.operand
    is_word = isinstance(base, ast.Name | ast.Constant) and _print(base)[1] == _ATOM
    return is_word and isinstance(exponent, ast.Name | ast.Constant)
