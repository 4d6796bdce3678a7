"""Whole numbers as sums of products, by which formulas over them are said in fewer words.

``inner + inner`` is ``2 * inner`` and ``2 * dilation // 2`` is ``dilation``. Every rule holds for all
integers. Fractions have no sum: their arithmetic rounds, so that another order is another number.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

Product = tuple[str, ...]
"""The keys of the factors, each as often as it is one; empty for the number that stands alone."""

_ALONE: Product = ()


@dataclass(frozen=True, eq=False)
class Sum:
    """A whole number as a sum of products, each with the whole number that it is taken times.

    Attributes:
        terms: by product, what it is taken times; never 0.
        factors: the formula of each factor, by its key.
        ends_in_number: whether a product is written as ``width * 4``; else it is ``4 * width``.
        quotient: what is divided here, and the number that it is divided by; None where nothing is.
    """

    terms: Mapping[Product, int]
    factors: Mapping[str, ast.expr]
    ends_in_number: bool = False
    quotient: tuple[Sum, int] | None = None

    @staticmethod
    def of(node: ast.expr) -> Sum:
        """The sum that is a formula as it stands."""
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, int)
            return Sum({_ALONE: node.value} if node.value else {}, {})
        key = ast.dump(node)
        return Sum({(key,): 1}, {key: node})

    @property
    def number(self) -> int:
        """What stands alone."""
        return self.terms.get(_ALONE, 0)

    def plus(self, other: Sum, times: int = 1) -> Sum:
        """This and ``times`` the other."""
        terms = dict(self.terms)
        for product, number in other.terms.items():
            terms[product] = terms.get(product, 0) + times * number
        return self._with(terms, other)

    def times(self, other: Sum) -> Sum | None:
        """The product; None where it would have to be multiplied out."""
        longer = max(len(self.terms), len(other.terms))
        if longer > 1 and not (self.is_number or other.is_number):
            return None
        terms = {
            (*one, *two): a * b for one, a in self.terms.items() for two, b in other.terms.items()
        }
        found = self._with(terms, other)
        ends = found.ends_in_number or (other.is_number and not self.is_number)
        return Sum(found.terms, found.factors, ends)

    def over(self, divisor: int) -> tuple[Sum, int]:
        """What comes out of a division that rounds down, as a sum that is still to be divided by a number.

        The divisor is above 0. Both are the smallest: `2 * x // 4` is `x` over 2, and `(4 * x + 5) // 4` is
        `x + 1` over 1.
        """
        common = math.gcd(divisor, *(times for key, times in self.terms.items() if key))
        # What remains of the number is less than one `common`, so it cannot reach the next multiple.
        return self._with({key: n // common for key, n in self.terms.items()}), divisor // common

    @cached_property
    def node(self) -> ast.expr:
        """The sum as it is written: products in the order of their first use, the number behind them.

        What is taken away does not come first, if anything else can.
        """
        ordered = [*((key, n) for key, n in self.terms.items() if key)]
        if self.number:
            ordered.append((_ALONE, self.number))
        if ordered and ordered[0][1] < 0:
            ordered.sort(key=lambda term: term[1] < 0)
        found: ast.expr | None = None
        for product, times in ordered:
            if found is None:
                found = self._product(product, times)
                continue
            kind = ast.Add() if times > 0 else ast.Sub()
            found = ast.BinOp(found, kind, self._product(product, abs(times)))
        return ast.Constant(0) if found is None else found

    def _product(self, product: Product, times: int) -> ast.expr:
        if not product:
            return ast.Constant(times)
        factors = [_power(self.factors[key], n) for key, n in Counter(product).items()]
        if abs(times) == 1:
            found = _joined(factors)
            return found if times > 0 else ast.UnaryOp(ast.USub(), found)
        number = ast.Constant(times)
        return _joined([*factors, number] if self.ends_in_number else [number, *factors])

    @property
    def is_number(self) -> bool:
        """Whether nothing in it varies."""
        return not any(self.terms)

    def _with(self, terms: Mapping[Product, int], other: Sum | None = None) -> Sum:
        """A sum of these terms, over the factors of this and the other."""
        factors = dict(self.factors) if other is None else {**self.factors, **other.factors}
        ends = self.ends_in_number or (other is not None and other.ends_in_number)
        order = {key: position for position, key in enumerate(factors)}
        sorted_: dict[Product, int] = {}
        for product, times in terms.items():
            key = tuple(sorted(product, key=order.__getitem__))
            sorted_[key] = sorted_.get(key, 0) + times
        return Sum({key: times for key, times in sorted_.items() if times}, factors, ends)


def _power(factor: ast.expr, times: int) -> ast.expr:
    return factor if times == 1 else ast.BinOp(factor, ast.Pow(), ast.Constant(times))


def _joined(factors: Iterable[ast.expr]) -> ast.expr:
    first, *rest = factors
    for factor in rest:
        first = ast.BinOp(first, ast.Mult(), factor)
    return first


def combined(kind: ast.operator, left: Sum, right: Sum) -> Sum | None:
    """The sum that an operator makes of two; None where it makes something else."""
    match kind:
        case ast.Add():
            return left.plus(right)
        case ast.Sub():
            return left.plus(right, -1)
        case ast.Mult():
            return left.times(right)
        case ast.Pow() if right.is_number and right.number == 1:
            return left
        case ast.FloorDiv() if right.is_number and right.number > 0:
            found, divisor = left.over(right.number)
            if divisor == 1:
                return found
            rounded = Sum.of(ast.BinOp(found.node, ast.FloorDiv(), ast.Constant(divisor)))
            return replace(rounded, quotient=(found, divisor))
    return None


_MIRRORED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}


_CEILED = (ast.Lt, ast.GtE)
"""Comparisons with a fraction that hold for the same whole numbers once it is rounded up; the others: down."""


def compared(kind: ast.cmpop, left: Sum, right: Sum) -> ast.expr:
    """A comparison of two sums: what varies on the left of what it is held against, without a common factor.

    A quotient that rounds down is solved: `(time - 1) // 2 == 0` is `1 <= time <= 2`.
    """
    if right.quotient is not None and left.is_number:
        return compared(_MIRRORED[type(kind)](), right, left)
    if left.quotient is not None and right.is_number:
        solved = _solved(kind, *left.quotient, right.number)
        if solved is not None:
            return solved
    difference = left.plus(right, -1)
    times = [n for key, n in difference.terms.items() if key]
    if times and max(times) < 0:
        return compared(_MIRRORED[type(kind)](), right, left)
    common = math.gcd(*times) or 1
    number = -difference.number
    if isinstance(kind, ast.Eq | ast.NotEq):
        common = common if number % common == 0 else 1
    number = -(-number // common) if isinstance(kind, _CEILED) else number // common
    varying = {key: n // common for key, n in difference.terms.items() if key}
    above = replace(difference, terms={key: n for key, n in varying.items() if n > 0})
    below = {key: -n for key, n in varying.items() if n < 0}
    behind = replace(difference, terms={**below, **({_ALONE: number} if number else {})})
    return ast.Compare(above.node, [kind], [behind.node])


def _solved(kind: ast.cmpop, dividend: Sum, divisor: int, number: int) -> ast.expr | None:
    """Where the dividend's quotient, rounded down, is so to the number; None for what is no one range."""
    start, end = number * divisor, (number + 1) * divisor
    match kind:
        case ast.Lt() | ast.GtE():
            return compared(kind, dividend, _plain(start))
        case ast.LtE():
            return compared(ast.Lt(), dividend, _plain(end))
        case ast.Gt():
            return compared(ast.GtE(), dividend, _plain(end))
        case ast.Eq() if len(dividend.terms) - bool(dividend.number) == 1:
            first = compared(ast.GtE(), dividend, _plain(start))
            last = compared(ast.LtE(), dividend, _plain(end - 1))
            match first, last:
                case (
                    ast.Compare(ops=[ast.GtE()], comparators=[low]),
                    ast.Compare(left=between, ops=[ast.LtE()], comparators=[high]),
                ):
                    return ast.Compare(low, [ast.LtE(), ast.LtE()], [between, high])
    return None


def _plain(number: int) -> Sum:
    return Sum.of(ast.Constant(number))


def size_of(node: ast.expr) -> int:
    """How much there is to read: operators and numbers, and names twice over."""
    weights = {ast.Constant: 1, ast.Name: 2}
    return sum(weights.get(type(n), 1) for n in ast.walk(node) if isinstance(n, ast.expr))


def shorter(written: ast.expr, other: ast.expr) -> ast.expr:
    """The shorter of two formulas for one number; ``written`` where they are equally long."""
    return other if size_of(other) < size_of(written) else written
