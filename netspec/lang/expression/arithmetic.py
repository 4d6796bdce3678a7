"""What operators and functions of the expression language compute: Python's, within bounds."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

MAX_EXPONENT = 64
MAX_DECIMALS = 20


def _power(base: Any, exponent: Any) -> Any:
    if abs(exponent) > MAX_EXPONENT:
        raise ValueError(f"an exponent beyond {MAX_EXPONENT}")
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError("a root of a negative number")
    return result


def _times(left: Any, right: Any) -> Any:
    if isinstance(left, str | list) or isinstance(right, str | list):
        raise TypeError("only numbers can be multiplied")
    return left * right


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        raise TypeError("`%` works on numbers")
    return left % right


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: _modulo,
    ast.Pow: _power,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def make_divisible(value: float, divisor: int, round_limit: float = 0.9) -> int:
    """The nearest multiple of ``divisor``, not below ``round_limit`` of ``value``.

    Source: MobileNetV2's reference code; the result is at least ``divisor``.
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < round_limit * value else rounded


def _round(value: float, decimals: int | None = None) -> float:
    """Python's; more decimals than a number has cost time and change nothing."""
    if decimals is not None and abs(decimals) > MAX_DECIMALS:
        raise ValueError(f"more than {MAX_DECIMALS} decimals")
    return round(value, decimals)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "round": _round,
    "ceil": math.ceil,
    "floor": math.floor,
    "len": len,
    "sum": sum,
    "prod": math.prod,
    "sqrt": math.sqrt,
    "log": math.log,
    "make_divisible": make_divisible,
}
NOT_RESERVED = frozenset(("sum", "prod", "sqrt", "log"))
"""Functions that came later: specs may call parameters and blocks so, since functions are only ever called."""
FOLDS: dict[str, tuple[ast.operator, int]] = {"sum": (ast.Add(), 0), "prod": (ast.Mult(), 1)}
"""Functions of a list that an operator makes of its items, and what they are of none."""
MATH = FUNCTIONS.keys() & vars(math).keys()
"""Functions of Python's module `math`."""
COPIED = frozenset({"make_divisible"})
"""Functions that are no other library's, so that generated source holds a copy of what it calls."""
FUNCTION_DOCS: dict[str, str] = {
    "min": "`min(a, b, …)`: the smallest; of one list, its smallest",
    "max": "`max(a, b, …)`: the largest; of one list, its largest",
    "round": "`round(a)`: the nearest whole number, a half goes to the even one; `round(a, digits)`",
    "ceil": "`ceil(a)`: the next whole number up",
    "floor": "`floor(a)`: the next whole number down",
    "len": "`len(list)`: the number of items",
    "sum": "`sum(list)`: the sum of the items, 0 of none",
    "prod": "`prod(list)`: the product of the items, 1 of none",
    "sqrt": "`sqrt(a)`: the square root",
    "log": "`log(a)`: the natural logarithm; `log(a, base)`",
    "make_divisible": "`make_divisible(a, divisor, limit)`: the multiple of `divisor` nearest to `a`, at "
    "least `divisor`, and not below `limit` (0.9 unless given) of `a`; from MobileNetV2",
}
