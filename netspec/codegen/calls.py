"""Symbolic calls: what a backend's row says a layer is. Executed for live models, printed for source."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netspec.errors import InternalError
from netspec.lang.expression.symbolic import Varying, same, value_at

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
"""Targets that are operators between two arguments. ``-`` of one is its negative."""


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a dotted name or operator; arguments are numbers, texts, tuples, calls, or names of source."""

    target: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def same_call(a: Any, b: Any) -> bool:
    """Whether two calls, or arguments of calls, say the same."""
    if isinstance(a, Call) and isinstance(b, Call):
        alike = a.target == b.target and len(a.args) == len(b.args) and [*a.kwargs] == [*b.kwargs]
        pairs = zip((*a.args, *a.kwargs.values()), (*b.args, *b.kwargs.values()), strict=False)
        return alike and all(same_call(one, other) for one, other in pairs)
    if isinstance(a, ast.expr) and isinstance(b, ast.expr):
        return ast.dump(a) == ast.dump(b)
    if isinstance(a, tuple | list) and type(a) is type(b):
        return len(a) == len(b) and all(map(same_call, a, b))
    return type(a) is type(b) and same(a, b)


def call_at(value: Any, index: int) -> Any:
    """A call, or an argument of one, in one instance."""
    match value:
        case Call(target=target, args=args, kwargs=kwargs):
            more = {name: call_at(each, index) for name, each in kwargs.items()}
            return Call(target, call_at(args, index), more)
        case tuple() | list():
            return type(value)(call_at(each, index) for each in value)
    return value_at(value, index)


def varying_in(value: Any) -> Iterator[Varying]:
    """The numbers in a call, or in an argument of one, that vary."""
    match value:
        case Call(args=args, kwargs=kwargs):
            yield from varying_in((*args, *kwargs.values()))
        case tuple() | list():
            for each in value:
                yield from varying_in(each)
        case Varying():
            yield value


def varies(value: Any) -> bool:
    """Whether a number in a call, or in an argument of one, varies."""
    return next(varying_in(value), None) is not None


def execute(call: Call, resolve: Callable[[str], Any]) -> Any:
    """The result of a call on concrete arguments; ``resolve`` gives the object behind a name."""
    arguments = [_concrete(argument, resolve) for argument in call.args]
    keywords = {name: _concrete(value, resolve) for name, value in call.kwargs.items()}
    if call.target in OPERATORS:
        sign = call.target == "-" and len(arguments) == 1
        return -arguments[0] if sign else OPERATORS[call.target](*arguments)
    return resolve(call.target)(*arguments, **keywords)


def _concrete(value: Any, resolve: Callable[[str], Any]) -> Any:
    if isinstance(value, Call):
        return execute(value, resolve)
    if isinstance(value, tuple | list):
        return type(value)(_concrete(item, resolve) for item in value)
    if isinstance(value, Varying):
        raise InternalError(f"a varying number in a concrete call: {value}")
    return value
