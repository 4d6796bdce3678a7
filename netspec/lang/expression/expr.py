"""The expressions of the language: a closed grammar over Python's syntax, never `eval`.

Numbers, names, truth values, strings, lists, arithmetic, comparisons, boolean logic, ``a if c else b``,
indexing, slices, and the functions of :data:`FUNCTIONS`. An expression is parsed once, evaluated over plain or
varying numbers (:mod:`netspec.lang.expression.symbolic`), and printed back as Python by its varying result.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

from netspec.errors import NetspecError, Span, did_you_mean, fail
from netspec.lang.expression.arithmetic import BINARY, COMPARE, FOLDS, FUNCTIONS
from netspec.lang.expression.formula import negated
from netspec.lang.expression.magnitude import MAX_DEPTH, check_magnitude
from netspec.lang.expression.symbolic import (
    Varying,
    active,
    apply,
    binary,
    compare,
    has_fraction,
    only,
    select,
    to_node,
    vary,
)
from netspec.lang.expression.unknown import require_known

MAX_LENGTH = 400
MAX_PARSED = 10_000

CONSTANT_NAMES: dict[str, bool] = {"true": True, "false": False}


@dataclass(frozen=True)
class Expression:
    """A parsed expression, its text and its place in the source."""

    text: str
    node: ast.expr
    span: Span | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names that the expression reads."""
        functions = {n.func for n in ast.walk(self.node) if isinstance(n, ast.Call)}
        nodes = (n for n in ast.walk(self.node) if isinstance(n, ast.Name) and n not in functions)
        return frozenset(n.id for n in nodes if n.id not in CONSTANT_NAMES)

    def evaluate(self, environment: Mapping[str, Any]) -> Any:
        """The value under ``environment``; raises :class:`NetspecError` at the expression's place."""
        try:
            return check_magnitude(_evaluate(self.node, environment))
        except _Unknown as unknown:
            raise self._unknown_name(unknown.node, environment) from None
        except ZeroDivisionError:
            raise fail("NS203", f"division by zero in `{self.text}`", self.span) from None
        except (TypeError, LookupError, ValueError, ArithmeticError) as error:
            reason = str(error).strip("'\"") or type(error).__name__
            raise fail("NS203", f"cannot evaluate `{self.text}`: {reason}", self.span) from None

    def written_out(self, environment: Mapping[str, Any]) -> ast.expr | None:
        """The formula of a fraction under ``environment``, with every step that rounds left to be done.

        So no number stands in it that came out of one, as 0.30000000000000004 would for `0.1 * 3`. Evaluated,
        it gives what :meth:`evaluate` does, bit for bit. None where a part of it has no formula.
        """
        return _written_out(self.node, environment)

    def check_names(self, known: Collection[str]) -> None:
        """Raise :class:`NetspecError` for a name that the expression reads and ``known`` lacks."""
        names = self.names
        for node in ast.walk(self.node):
            if isinstance(node, ast.Name) and node.id in names and node.id not in known:
                raise self._unknown_name(node, known)

    def _unknown_name(self, node: ast.Name, known: Iterable[str]) -> NetspecError:
        return fail(
            "NS202",
            f"unknown name `{node.id}` in `{self.text}`",
            _place_of(node, self.text, self.span),
            help=did_you_mean(node.id, known),
        )


def constant(value: Any, span: Span | None = None) -> Expression:
    """A literal as an expression."""
    if isinstance(value, list):
        node: ast.expr = ast.List([constant(item).node for item in value], ast.Load())
    else:
        node = ast.Constant(value)
    return Expression(repr(value), node, span)


_PARSED: dict[str, ast.expr] = {}
"""Expressions parsed before: a spec says the same ones again and again. Nobody changes a node."""


def parse(text: str, span: Span | None = None) -> Expression:
    """Parse an expression; raises :class:`NetspecError` for anything outside the grammar."""
    source = text.strip()
    known = _PARSED.get(source)
    if known is not None:
        return Expression(source, known, span)
    if len(source) > MAX_LENGTH:
        raise fail("NS506", f"an expression longer than {MAX_LENGTH} characters", span)
    if not source.isascii() or "\n" in source or "\x00" in source:
        raise fail("NS200", f"not an expression: {text[:60]!r}", span)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's remarks on, say, `1if` are no one's business
            node = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise fail("NS200", f"not an expression: `{source[:60]}`", span) from None
    _check(node, source, span, 0)
    if len(_PARSED) < MAX_PARSED:
        _PARSED[source] = node
    return Expression(source, node, span)


class _Unknown(Exception):
    def __init__(self, node: ast.Name) -> None:
        super().__init__(node.id)
        self.node = node


def _place_of(node: ast.expr, text: str, span: Span | None) -> Span | None:
    """The place of a part of an expression that stands on one line, as it is or in quotes."""
    if span is None or span.line != span.end_line or node.end_col_offset is None:
        return span
    around = span.end_column - span.column - len(text)
    if around not in (0, 2):
        return span
    start = span.column + around // 2
    return replace(span, column=start + node.col_offset, end_column=start + node.end_col_offset)


def _refuse(node: ast.AST, source: str, span: Span | None) -> NetspecError:
    part = ast.get_source_segment(source, node) or source
    return fail(
        "NS201",
        f"`{part[:60]}` is not part of the expression language",
        span,
        help="numbers, names, lists, arithmetic, comparisons, and/or/not, `a if c else b`, indexing, slices and "
        + ", ".join(FUNCTIONS),
    )


def _check(node: ast.AST, source: str, span: Span | None, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise fail("NS506", f"an expression nested deeper than {MAX_DEPTH} levels", span)
    match node:
        case ast.Constant(value=value):
            if not isinstance(value, int | float | str):
                raise _refuse(node, source, span)
            return
        case ast.Name():
            return
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            children: list[ast.AST] = list(args)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            children = [left, right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
            children = [operand]
        case ast.BoolOp(values=values):
            children = list(values)
        case ast.Compare(left=left, ops=ops, comparators=rest) if {*map(type, ops)} <= {*COMPARE}:
            children = [left, *rest]
        case ast.IfExp(test=test, body=body, orelse=other):
            children = [test, body, other]
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=None)):
            children = [value, *(bound for bound in (lower, upper) if bound is not None)]
        case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
            children = [value, index]
        case ast.List(elts=items):
            children = list(items)
        case _:
            raise _refuse(node, source, span)
    for child in children:
        _check(child, source, span, depth + 1)


def _evaluate(node: ast.expr, environment: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            if name in environment:
                return require_known(environment[name])
            if name in CONSTANT_NAMES:
                return CONSTANT_NAMES[name]
            raise _Unknown(node)
        case ast.List(elts=items):
            return [_evaluate(item, environment) for item in items]
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _evaluate(left, environment), _evaluate(right, environment))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            value = _truth(_evaluate(operand, environment))
            return apply(operator.not_, [value], lambda nodes: negated(nodes[0]))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, environment)
        case ast.UnaryOp(operand=operand):
            value = _evaluate(operand, environment)
            return apply(operator.pos, [value], lambda n: n[0])
        case ast.BoolOp(op=op, values=values):
            return _boolean(op, values, environment)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            return _comparison(left, ops, rest, environment)
        case ast.IfExp(test=test, body=body, orelse=other):
            return select(
                _evaluate(test, environment),
                lambda: _evaluate(body, environment),
                lambda: _evaluate(other, environment),
            )
        case ast.Subscript(value=sequence, slice=ast.Slice(lower=lower, upper=upper)):
            bounds = (b if b is None else _evaluate(b, environment) for b in (lower, upper))
            return _sliced(_evaluate(sequence, environment), *bounds)
        case ast.Subscript(value=sequence, slice=index):
            return _index(_evaluate(sequence, environment), _evaluate(index, environment))
        case ast.Call(func=ast.Name(id=name), args=args):
            return _call(name, [_evaluate(arg, environment) for arg in args])
    raise TypeError(f"cannot evaluate {type(node).__name__}")


def _written_out(node: ast.expr, environment: Mapping[str, Any]) -> ast.expr | None:
    value = _evaluate(node, environment)
    if not has_fraction(value):
        return to_node(value)
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _written_out(left, environment), _written_out(right, environment)
            return None if one is None or other is None else ast.BinOp(one, op, other)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _written_out(operand, environment)
            return None if inner is None else ast.UnaryOp(ast.USub(), inner)
        case ast.IfExp(test=test, body=body, orelse=other):
            holds = _evaluate(test, environment)
            if not isinstance(holds, Varying):
                return _written_out(body if holds else other, environment)
    return to_node(value)


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    function = _explained(op, BINARY[type(op)])

    def checked(a: Any, b: Any) -> Any:
        return check_magnitude(function(check_magnitude(a), check_magnitude(b)))

    return binary(op, checked, left, right)


def _explained(
    op: ast.operator | ast.cmpop, function: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    """``function``, which says in our words what it does not work on."""

    def explained(a: Any, b: Any) -> Any:
        try:
            return function(a, b)
        except TypeError:
            names = ast.Name("a"), ast.Name("b")
            example: ast.expr = (
                ast.Compare(names[0], [op], [names[1]])
                if isinstance(op, ast.cmpop)
                else ast.BinOp(names[0], op, names[1])
            )
            symbol = ast.unparse(example).split()[1]
            raise TypeError(f"`{symbol}` does not work on {_kind(a)} and {_kind(b)}") from None

    return explained


def _kind(value: Any) -> str:
    words = {bool: "a truth value", int: "a number", float: "a number", str: "a text"}
    return words.get(type(value), "a list" if isinstance(value, list) else "another thing")


def _boolean(op: ast.boolop, nodes: list[ast.expr], environment: Mapping[str, Any]) -> Any:
    """`and` and `or`, one truth value per instance; where it is decided early, no more is evaluated."""
    decisive = isinstance(op, ast.Or)
    result: Any = not decisive
    for node in nodes:
        if not isinstance(result, Varying):
            value = _truth(_evaluate(node, environment))
        else:
            chosen = active(len(result.values))
            undecided = frozenset(i for i in chosen if result.values[i] is not decisive)
            if not undecided:
                return result
            with only(undecided):
                value = _truth(_evaluate(node, environment))
        result = _join(op, result, value)
        if result is decisive:
            return decisive
    return result


def _join(op: ast.boolop, left: Any, right: Any) -> Any:
    decisive = isinstance(op, ast.Or)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, bool):  # a known operand decides, or drops out of the formula
            return one if one is decisive else other
    values: list[bool | None] = []
    for a, b in zip(left.values, right.values, strict=True):
        unknown = a is None or b is None
        values.append(decisive if decisive in (a, b) else None if unknown else not decisive)
    known = left.node is not None and right.node is not None
    node = ast.BoolOp(op, _flat(op, [left.node, right.node])) if known else None
    return vary(node, values, kept=left.kept or right.kept)


def _flat(op: ast.boolop, nodes: list[ast.expr]) -> list[ast.expr]:
    first = nodes[0]
    if isinstance(first, ast.BoolOp) and type(first.op) is type(op):
        return [*first.values, *nodes[1:]]
    return nodes


def _truth(value: Any) -> Any:
    if isinstance(value, Varying):
        if all(isinstance(v, bool) or v is None for v in value.values):
            return value
        raise TypeError("`and`, `or` and `not` work on true and false; write a comparison")
    if not isinstance(value, bool):
        raise TypeError("`and`, `or` and `not` work on true and false; write a comparison")
    return value


def _comparison(
    left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], environment: Mapping[str, Any]
) -> Any:
    result: Any = True
    current = _evaluate(left, environment)
    for op, node in zip(ops, rest, strict=True):
        following = _evaluate(node, environment)
        value = compare(op, _explained(op, COMPARE[type(op)]), current, following)
        result = _join(ast.And(), result, value)
        current = following
    return result


def _index(sequence: Any, index: Any) -> Any:
    if not isinstance(sequence, list | str):
        raise TypeError("only a list can be indexed")

    if isinstance(index, Varying) and any(isinstance(item, Varying) for item in sequence):
        index = index.decide()  # no formula says which of the list's own formulas is meant

    def item(at: Any) -> Any:
        if isinstance(at, bool) or not isinstance(at, int):
            raise TypeError("an index is a whole number")
        if not -len(sequence) <= at < len(sequence):
            raise IndexError(f"index {at} is outside a list of {len(sequence)}")
        return sequence[at]

    return apply(item, [index], lambda n: _subscript(sequence, n[0]))


def _sliced(sequence: Any, start: Any, stop: Any) -> list[Any]:
    if not isinstance(sequence, list):
        raise TypeError("only a list can be sliced")
    bounds = [b.decide() if isinstance(b, Varying) else b for b in (start, stop)]
    if any(isinstance(b, bool) or not isinstance(b, int | None) for b in bounds):
        raise TypeError("the ends of a slice are whole numbers")
    return sequence[slice(*bounds)]


def _subscript(sequence: list[Any] | str, index: ast.expr) -> ast.expr:
    return ast.Subscript(constant(sequence).node, index, ast.Load())


def _call(name: str, arguments: list[Any]) -> Any:
    function = FUNCTIONS[name]
    if name in FOLDS:
        match arguments:
            case [list() as items] if not any(isinstance(item, str | list) for item in items):
                operation, none = FOLDS[name]
                return reduce(partial(_binary, operation), items) if items else none
        raise TypeError(f"`{name}` takes one list of numbers")
    varying = any(isinstance(argument, Varying) for argument in arguments)
    if not varying or name == "len":
        return function(*arguments)
    return apply(function, arguments, lambda n: ast.Call(ast.Name(name), n, []))
