"""Columns of numbers, one an instance, as one number: plain, a formula, or a parameter."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import is_
from typing import Any

from netspec.ir.formula import Formula
from netspec.ir.template.data import Column, Split
from netspec.lang.expression.symbolic import Varying, has_long_number, same_value, value_at
from netspec.ops import Op
from netspec.ops.base import attributes_of, field_names
from netspec.ops.geometry import Padding

MISSING: Any = object()
"""In the place of a number: there is no formula for it."""

Place = tuple[str | int, ...]
"""Where a number is: the path of an op or region, and the way to the number inside it."""

Number = Callable[[Column[Any], Place, Varying | None], Any]
"""Gives what stands for numbers that differ at a place, whose formula is known or not."""


def is_number(value: Any) -> bool:
    """Whether a value can vary: numbers and truth values can, texts and None cannot."""
    return isinstance(value, int | float | Varying)


def spread(column: Column[Any], count: int) -> list[Any]:
    """A value for each of ``count`` shapes, None for those that are not in the column."""
    return [column.get(number) for number in range(count)]


def fits(candidate: Any, column: Column[Any]) -> bool:
    """Whether a number has these values where they are known."""
    if isinstance(candidate, Varying):
        return all(same_value(candidate.values[i], value) for i, value in column.items())
    return all(same_value(candidate, value) for value in column.values())


def unify(
    column: Column[Any],
    candidate: Any,
    place: Place,
    number: Number,
) -> Any:
    """One value for a column, numbers inside it unified each on its own.

    Args:
        column: plain values: numbers, texts, None, tuples of them, or frozen dataclasses.
        candidate: the same by formulas, or MISSING; taken as far as it has the right values.
        place: where it stands.
        number: what to take for numbers that differ.

    Raises:
        Split: the values differ in more than numbers.
    """
    values = list(column.values())
    first = values[0]
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        _require(column, type, "kind", place)
        parts = {}
        for field in dataclasses.fields(first):
            inner = {i: getattr(value, field.name) for i, value in column.items()}
            made = getattr(candidate, field.name) if type(candidate) is type(first) else MISSING
            parts[field.name] = unify(inner, made, (*place, field.name), number)
        return type(first)(**parts)
    if isinstance(first, tuple | list):
        _require(column, lambda value: (type(value), len(value)), "number of axes", place)
        alike = isinstance(candidate, tuple | list) and len(candidate) == len(first)
        return type(first)(
            unify(
                {i: value[index] for i, value in column.items()},
                candidate[index] if alike else MISSING,
                (*place, index),
                number,
            )
            for index in range(len(first))
        )
    if not all(is_number(value) for value in values):
        _require(column, lambda value: value, "value", place)
        return first
    has_text = not isinstance(candidate, Varying) or candidate.node is not None
    has_formula = has_text and is_number(candidate) and fits(candidate, column)
    if has_formula and isinstance(candidate, Varying):
        return number(column, place, candidate)
    if all(same_value(value, first) for value in values[1:]):
        return candidate if has_formula else first
    return number(column, place, None)


def at(value: Any, shape: int) -> Any:
    """A value with its numbers taken at a shape."""
    if isinstance(value, tuple | list):
        items = [at(item, shape) for item in value]
        return value if all(map(is_, items, value)) else type(value)(items)
    kind: Any = type(value)
    names = field_names(kind)
    if names is None:
        return value_at(value, shape)
    found = {name: getattr(value, name) for name in names}
    taken = {name: at(part, shape) for name, part in found.items()}
    if all(taken[name] is part for name, part in found.items()):
        return value
    return kind(**taken)


def _require(column: Column[Any], of: Callable[[Any], Any], what: str, place: Place) -> None:
    """Raise :class:`Split` unless all values are alike in ``of``."""
    found = {i: of(value) for i, value in column.items()}
    first = next(iter(found.values()))
    if any(type(value) is not type(first) or value != first for value in found.values()):
        where, *part = place
        raise Split(f"another {what} of {'.'.join(map(str, part))}", str(where), found)


def fit(column: Column[Any], candidates: Iterable[Varying]) -> Varying | None:
    """A formula for numbers that differ: ``p``, or of whole ones ``p * c`` or ``p // c``; None without one.

    Args:
        column: the numbers.
        candidates: what ``p`` may be, the likeliest first.
    """
    kinds = {type(value) for value in column.values()}
    if kinds == {float}:
        return next((parameter for parameter in candidates if fits(parameter, column)), None)
    if kinds != {int}:
        return None
    for parameter in candidates:
        known = {i: parameter.values[i] for i in column}
        if not all(type(value) is int and value > 0 for value in known.values()):
            continue
        if fits(parameter, column):
            return parameter
        index, number = next(iter(column.items()))
        if number < 1:
            continue
        for made in (
            parameter * (number // known[index]),
            parameter // (known[index] // number or 1),
        ):
            if isinstance(made, Varying) and fits(made, column):
                return made
    return None


def evaluated(formula: Formula, environment: Mapping[str, Any], count: int = 1) -> Any:
    """The value of a formula over ``count`` shapes, by a formula where its digits are none that people write.

    So a fraction that does not vary may be a varying number all the same: what varies is how it is said.
    Raises what :meth:`Formula.evaluate` does.
    """
    value = formula.evaluate(environment)
    node = formula.written_out(environment) if has_long_number(value) else None
    if node is None or isinstance(node, ast.Constant):
        return value
    if isinstance(value, Varying):
        return Varying(node, value.values, value.kept)
    return Varying(node, (value,) * count, False)


# Attributes from the values of their formulas


def op_of(op: Op, made: dict[str, Any]) -> Op | None:
    """An op like ``op`` before it saw its input, with these values of formulas; None where they do not fit.

    Attributes without a formula have the op's default.
    """
    values = {}
    for name, info in attributes_of(type(op)).items():
        like = getattr(op, name)
        if name in made:
            found = shaped(made[name], like)
        elif info.required:
            found = like
        else:
            found = (info.default,) * len(like) if _is_spread(info.default, like) else info.default
        if found is MISSING:
            return None
        values[name] = found
    return type(op)(**values)


def _is_spread(default: Any, like: Any) -> bool:
    return isinstance(like, tuple) and isinstance(default, int)


def shaped(value: Any, like: Any) -> Any:
    """The value of a formula as an attribute like ``like``: spread over axes and sides; else MISSING."""
    if isinstance(like, Padding):
        return _padding(value, like)
    if isinstance(like, tuple):
        return _axes(value, len(like))
    if dataclasses.is_dataclass(like) and not isinstance(like, type):
        numbers = [f.name for f in dataclasses.fields(like) if is_number(getattr(like, f.name))]
        return dataclasses.replace(like, **{numbers[0]: value}) if len(numbers) == 1 else MISSING
    return value


def _axes(value: Any, rank: int) -> Any:
    items: Sequence[Any] = value if isinstance(value, list) else [value] * rank
    return tuple(items) if len(items) == rank else MISSING


def _padding(value: Any, like: Padding) -> Any:
    if isinstance(value, str):
        return Padding(value)  # type: ignore[arg-type]
    axes = _axes(value, len(like.pads))
    if axes is MISSING:
        return MISSING
    pads = [tuple(side) if isinstance(side, list) else (side, side) for side in axes]
    return Padding("explicit", tuple(pads)) if all(len(pad) == 2 for pad in pads) else MISSING
