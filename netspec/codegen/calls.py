"""Symbolic calls: what a backend's row says a layer is. Executed for live models, printed for source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from netspec.errors import InternalError
from netspec.symbolic import Varying


@dataclass(frozen=True, eq=False)
class Raw:
    """A constant that has no literal, as source text: ``float("-inf")``."""

    text: str
    value: Any


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a dotted name; arguments are numbers, texts, tuples, or calls in turn."""

    target: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def execute(call: Call, resolve: Callable[[str], Any]) -> Any:
    """The result of a call on concrete arguments; ``resolve`` gives the object behind a name."""
    arguments = [_concrete(argument, resolve) for argument in call.args]
    keywords = {name: _concrete(value, resolve) for name, value in call.kwargs.items()}
    return resolve(call.target)(*arguments, **keywords)


def _concrete(value: Any, resolve: Callable[[str], Any]) -> Any:
    if isinstance(value, Call):
        return execute(value, resolve)
    if isinstance(value, Raw):
        return value.value
    if isinstance(value, tuple | list):
        return type(value)(_concrete(item, resolve) for item in value)
    if isinstance(value, Varying):
        raise InternalError(f"a varying number in a concrete call: {value}")
    return value
