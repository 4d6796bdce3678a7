"""Numbers that stand for one value per instance of a block, together with the formula that gives it.

Source code shows a block once, as a class or function, for all its instances in a network. To find
what that code must say, the elaborator and the backends' rows run on *varying* numbers: each carries
its value in every instance and the expression over the block's parameters that computes it. A number
that has one value in all instances is simply that number. Where a decision would go different ways
for different instances, :class:`Diverges` is raised: who can express the decision in source (`when`,
a backend's choice of layers) catches it; otherwise the instances become two classes.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from netspec.lang.expression.algebra import Sum, combined, compared, shorter
from netspec.lang.expression.formula import is_long, negated, print_node

_ACTIVE: ContextVar[frozenset[int] | None] = ContextVar("active_instances", default=None)


_UNDECIDED: ContextVar[bool] = ContextVar("kept_numbers_are_undecided", default=False)


class Diverges(Exception):
    """A decision depends on a number that varies over the instances; ``test`` is that number."""

    def __init__(self, test: Varying) -> None:
        self.test = test
        super().__init__(test)

    def __str__(self) -> str:
        return f"depends on {self.test!r}"


@contextmanager
def only(instances: frozenset[int]) -> Iterator[None]:
    """Within this context decisions need to agree on these instances alone."""
    token = _ACTIVE.set(instances)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


@contextmanager
def kept_undecided() -> Iterator[None]:
    """Within this context nothing may be decided by a number that stays an argument.

    Its value is one among others that users may pass: of ``a if c else b`` both stay in the formula, and
    whatever else asks gets :class:`Diverges`.
    """
    token = _UNDECIDED.set(True)
    try:
        yield
    finally:
        _UNDECIDED.reset(token)


def active(count: int) -> frozenset[int]:
    """The indices of the instances under consideration, of ``count``."""
    chosen = _ACTIVE.get()
    return frozenset(range(count)) if chosen is None else chosen


Function = Callable[[Any, Any], Any]


def _operators(kind: type[ast.operator], function: Function) -> tuple[Function, Function]:
    """The methods of an arithmetic operator, with the number on its left and on its right."""
    return (
        lambda self, other: binary(kind(), function, self, other),
        lambda self, other: binary(kind(), function, other, self),
    )


def _comparison(kind: type[ast.cmpop], function: Function) -> Function:
    """The method of a comparison."""
    return lambda self, other: compare(kind(), function, self, other)


class Varying:
    """A number with a value for each instance; ``node`` is its formula, None where it has none.

    ``kept`` marks what stays an argument of the generated function although it has one value; ``sum`` is
    the formula as a sum where it is a whole number's and more than a name.
    """

    __slots__ = ("kept", "node", "sum", "values")
    __hash__ = object.__hash__

    def __init__(self, node: ast.expr | None, values: tuple[Any, ...], kept: bool) -> None:
        self.node = node
        self.values = values
        self.kept = kept
        self.sum: Sum | None = None

    def __repr__(self) -> str:
        return f"Varying({'?' if self.node is None else ast.unparse(self.node)}, {self.values})"

    def decide(self) -> Any:
        """The one value that all active instances share; raises :class:`Diverges` otherwise."""
        self._refuse_kept()
        chosen = [self.values[i] for i in sorted(active(len(self.values)))]
        if not chosen or any(value != chosen[0] for value in chosen[1:]):
            raise Diverges(self)
        return chosen[0]

    def __bool__(self) -> bool:
        self._refuse_kept()
        chosen = {bool(self.values[i]) for i in active(len(self.values))}
        if len(chosen) != 1:
            raise Diverges(self)
        return chosen.pop()

    def _refuse_kept(self) -> None:
        if self.kept and _UNDECIDED.get():
            raise Diverges(self)

    def __index__(self) -> int:
        return operator.index(self.decide())

    def __int__(self) -> int:
        return int(self.decide())

    def __float__(self) -> float:
        return float(self.decide())

    def __format__(self, spec: str) -> str:
        return format(self.decide(), spec)

    __add__, __radd__ = _operators(ast.Add, operator.add)
    __sub__, __rsub__ = _operators(ast.Sub, operator.sub)
    __mul__, __rmul__ = _operators(ast.Mult, operator.mul)
    __floordiv__, __rfloordiv__ = _operators(ast.FloorDiv, operator.floordiv)
    __truediv__, __rtruediv__ = _operators(ast.Div, operator.truediv)
    __mod__, __rmod__ = _operators(ast.Mod, operator.mod)
    __pow__, __rpow__ = _operators(ast.Pow, operator.pow)

    def __neg__(self) -> Any:
        return apply(operator.neg, [self], lambda nodes: ast.UnaryOp(ast.USub(), nodes[0]))

    __eq__ = _comparison(ast.Eq, operator.eq)
    __ne__ = _comparison(ast.NotEq, operator.ne)
    __lt__ = _comparison(ast.Lt, operator.lt)
    __le__ = _comparison(ast.LtE, operator.le)
    __gt__ = _comparison(ast.Gt, operator.gt)
    __ge__ = _comparison(ast.GtE, operator.ge)


def vary(node: ast.expr | None, values: Sequence[Any], kept: bool = False) -> Any:
    """One value per instance as a :class:`Varying`, or as the plain value where all are equal.

    A value is None where the formula has none for that instance (it lies in a branch not taken).
    """
    known = [value for value in values if value is not None]
    if not kept and known and all(same_value(value, known[0]) for value in known[1:]):
        return known[0]
    return Varying(node, tuple(values), kept)


def named(name: str, values: Sequence[Any], kept: bool = False) -> Any:
    """A parameter called ``name`` with these values."""
    return vary(ast.Name(name), values, kept)


def worked_out(value: Any) -> Any:
    """A number whose formula has no names as that number; all others as they are."""
    is_one = isinstance(value, Varying) and not value.kept and value.node is not None
    return value.values[0] if is_one and not names_of(value) else value


def same_value(a: Any, b: Any) -> bool:
    """Whether two plain values are equal and of one type (True is not 1)."""
    return type(a) is type(b) and bool(a == b)


def same(a: Any, b: Any) -> bool:
    """Whether two numbers, varying or plain, are the same number in every instance."""
    if a is b:
        return True
    if isinstance(a, Varying) and isinstance(b, Varying):
        return a.values == b.values and _same_formula(a.node, b.node)
    if isinstance(a, Varying) or isinstance(b, Varying):
        return False
    return bool(a == b)


def _same_formula(a: ast.expr | None, b: ast.expr | None) -> bool:
    return a is b or (a is not None and b is not None and ast.dump(a) == ast.dump(b))


def has_fraction(value: Any) -> bool:
    """Whether a number is a fraction in some instance; a whole one in a fraction's place counts as one."""
    values = value.values if isinstance(value, Varying) else (value,)
    return any(isinstance(each, float) for each in values)


def has_long_number(value: Any) -> bool:
    """Whether a number would be written with digits that nobody wrote; see :func:`is_long`."""
    if not isinstance(value, Varying):
        return is_long(value)
    nodes = ast.walk(value.node) if value.node is not None else ()
    return any(isinstance(node, ast.Constant) and is_long(node.value) for node in nodes)


def to_node(value: Any) -> ast.expr | None:
    """The formula of a value; a constant for a plain one, None where there is none."""
    if isinstance(value, Varying):
        return value.node
    return ast.Constant(value)


def to_text(value: Any) -> str | None:
    """The formula of a value as Python source, None where there is none."""
    node = to_node(value)
    return None if node is None else print_node(node)


def names_of(value: Any) -> set[str]:
    """The names that the formula of ``value`` mentions, functions not counted."""
    node = to_node(value)
    if node is None:
        return set()
    functions = {call.func for call in ast.walk(node) if isinstance(call, ast.Call)}
    names = (n for n in ast.walk(node) if isinstance(n, ast.Name) and n not in functions)
    return {name.id for name in names}


def apply(
    function: Callable[..., Any],
    operands: Sequence[Any],
    build: Callable[[list[ast.expr]], ast.expr],
) -> Any:
    """``function`` of the operands in each instance; ``build`` makes the formula of the result."""
    varying = [operand for operand in operands if isinstance(operand, Varying)]
    if not varying:
        return function(*operands)
    values: list[Any] = []
    chosen = active(len(varying[0].values))
    for index in range(len(varying[0].values)):
        at = [o.values[index] if isinstance(o, Varying) else o for o in operands]
        if any(value is None for value in at):
            values.append(None)
            continue
        try:
            values.append(function(*at))
        except (ArithmeticError, ValueError, LookupError):
            if index in chosen:
                raise
            values.append(None)
    nodes = [to_node(operand) for operand in operands]
    present = [node for node in nodes if node is not None]
    node = build(present) if len(present) == len(nodes) else None
    return vary(node, values, kept=any(operand.kept for operand in varying))


def compare(kind: ast.cmpop, function: Callable[..., Any], left: Any, right: Any) -> Any:
    """A comparison of two numbers, one truth value per instance."""
    found = apply(function, [left, right], lambda n: ast.Compare(n[0], [kind], [n[1]]))
    if isinstance(found, Varying) and found.node is not None:
        one, other = _sum_of(left), _sum_of(right)
        if one is not None and other is not None:
            solved = compared(kind, one, other)
            found.node = solved if one.is_number else shorter(found.node, solved)
    return found


def select(test: Any, then: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """``then`` where ``test`` holds and ``other`` elsewhere, evaluated only where they count."""
    try:
        return then() if test else other()
    except Diverges as divergence:
        if divergence.test is not test:
            raise
    chosen = active(len(test.values))
    true = frozenset(i for i in chosen if test.values[i])
    with only(true):
        first = then()
    with only(chosen - true):
        second = other()
    return merge(test, first, second)


def merge(test: Varying, then: Any, other: Any) -> Any:
    """The number that is ``then`` where ``test`` holds, ``other`` elsewhere."""
    if same(then, other):
        return then
    count = len(test.values)
    values = [value_at(then if test.values[i] else other, i) for i in range(count)]
    kept = test.kept and _UNDECIDED.get()
    for candidate in (then, other):
        if isinstance(candidate, Varying) and list(candidate.values) == values and not kept:
            return candidate
    parts = [to_node(test), to_node(then), to_node(other)]
    known = [part for part in parts if part is not None]
    node: ast.expr | None = None
    if isinstance(then, bool) and isinstance(other, bool) and parts[0] is not None:
        node = parts[0] if then else negated(parts[0])
    elif len(known) == 3:
        node = ast.IfExp(known[0], known[1], known[2])
    return vary(node, values, kept)


def value_at(value: Any, index: int) -> Any:
    """The value in one instance."""
    return value.values[index] if isinstance(value, Varying) else value


def binary(kind: ast.operator, function: Callable[..., Any], left: Any, right: Any) -> Any:
    """An arithmetic operation on two numbers, one result per instance."""

    def build(nodes: list[ast.expr]) -> ast.expr:
        if isinstance(kind, ast.Mult):  # by 1, which rounds nothing
            for one, other, node in ((left, right, nodes[1]), (right, left, nodes[0])):
                if same_value(one, 1) and has_fraction(other):
                    return node
        above = int(left) if isinstance(kind, ast.Div) and _is_whole(left) else None
        return ast.BinOp(nodes[0] if above is None else ast.Constant(above), kind, nodes[1])

    found = apply(function, [left, right], build)
    if isinstance(found, Varying) and found.node is not None:
        one, other = _sum_of(left), _sum_of(right)
        if one is not None and other is not None:
            found.sum = combined(kind, one, other)
            if found.sum is not None:
                found.node = shorter(found.node, found.sum.node)
    return found


def _is_whole(value: Any) -> bool:
    """Whether a plain fraction is a whole number, by whose division `/` gives the same."""
    return isinstance(value, float) and value.is_integer()


def _sum_of(value: Any) -> Sum | None:
    """A whole number as a sum; None for what has a fraction or a flag in an instance, or may have one.

    What is kept has values that are not known here, which only names are sure to be like.
    """
    if not isinstance(value, Varying):
        return Sum.of(ast.Constant(value)) if type(value) is int else None
    if value.sum is not None or value.node is None:
        return value.sum
    is_whole = all(type(each) is int for each in value.values if each is not None)
    is_sure = not value.kept or isinstance(value.node, ast.Name | ast.Subscript)
    return Sum.of(value.node) if is_whole and is_sure else None
