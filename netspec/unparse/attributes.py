"""The attributes of ops as a step writes them, and what ``defaults`` can say for many steps at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netspec.ir import Node
from netspec.ir.fingerprint import plain
from netspec.ir.template.numbers import at
from netspec.lang.expression.symbolic import Varying
from netspec.ops import Op, OpError, attributes_of
from netspec.ops.base import LISTS, AttributeInfo
from netspec.ops.convolution import Conv
from netspec.ops.geometry import Padding, scalar_or_tuple
from netspec.ops.initializers import (
    GLOROT_UNIFORM,
    ONES,
    ZEROS,
    Constant,
    Initializer,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformFanIn,
    VarianceScaling,
)
from netspec.ops.types import TensorType
from netspec.unparse.document import Braces, Brackets
from netspec.unparse.numbers import Numbers

WORTH = 2
"""So many steps fewer have to say an attribute where `defaults` says it."""

Place = tuple[Node, frozenset[int]]
"""An op of a template, and the shapes that have it."""


class Defaults:
    """The values that attributes have where a step leaves them open.

    Attributes:
        chosen: what a spec's `defaults` say, by kind of op and attribute.
    """

    def __init__(self, places: Iterable[Place] = ()) -> None:
        """Those that make the steps of these ops the shortest."""
        self.chosen: dict[str, dict[str, Any]] = {}
        counts: dict[tuple[str, str], Counter[str]] = {}
        values: dict[str, Any] = {}
        language: dict[tuple[str, str], str] = {}
        for node, _ in places:
            for name, info in attributes_of(type(node.op)).items():
                value = getattr(node.op, name)
                if not _is_habit(info) or _varies(value):
                    continue
                place = (node.op.kind, name)
                language[place] = _key(info.default)
                values.setdefault(_key(value), value)
                counts.setdefault(place, Counter())[_key(value)] += 1
        for place, found in counts.items():
            usual = found.pop(language[place], 0)
            key, count = max(found.items(), key=lambda item: item[1], default=("", 0))
            if count - usual >= WORTH:
                self.chosen.setdefault(place[0], {})[place[1]] = values[key]

    def of(self, op: Op, info: AttributeInfo) -> Any:
        """The value of an attribute of an op where its step does not say it."""
        chosen = self.chosen.get(op.kind, {})
        return chosen.get(info.name, _spread(info, getattr(op, info.name)))

    def written(self) -> dict[str, Any]:
        """What stands under `defaults`."""
        numbers = Numbers(())
        return {
            kind: Braces((name, _value(value, numbers)) for name, value in given.items())
            for kind, given in self.chosen.items()
        }


def _is_habit(info: AttributeInfo) -> bool:
    """Whether an attribute is one that people settle for a whole network, as no stride is."""
    if info.required:
        return False
    return info.type in (Padding, Initializer, float) or info.name in ("bias", "affine")


def _spread(info: AttributeInfo, like: Any) -> Any:
    """The language's default, on as many axes as ``like`` has."""
    is_spread = isinstance(like, tuple) and isinstance(info.default, int)
    return (info.default,) * len(like) if is_spread else info.default


def _key(value: Any) -> str:
    return json.dumps(plain(value))


def _varies(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_varies, value))
    if isinstance(value, Varying):
        return True
    fields = getattr(value, "__dataclass_fields__", ())
    return any(_varies(getattr(value, name)) for name in fields)


@dataclass(frozen=True)
class _Given:
    """An op, and what enters it in each shape."""

    op: Op
    cases: tuple[tuple[Op, TensorType], ...]

    @staticmethod
    def of(place: Place) -> _Given:
        node, shapes = place
        cases = tuple((at(node.op, i), at(node.inputs[0].type, i)) for i in sorted(shapes))
        return _Given(node.op, cases)

    def is_always(self, name: str, value: Any) -> bool:
        """Whether an attribute has this value, and follows no kept argument."""
        own = getattr(self.op, name)
        if _varies(own) and _is_kept(own):
            return False
        return all(_key(getattr(op, name)) == _key(value) for op, _ in self.cases)

    def is_made_by(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
        """Whether a step with these attributes is this op."""
        for op, source in self.cases:
            given = {name: values.get(name, defaults[name]) for name in defaults}
            given = {n: getattr(op, n) if v is _OWN else v for n, v in given.items()}
            try:
                made = type(op)(**given).resolve(source)
            except (OpError, ValueError, AssertionError):
                return False
            if any(_key(getattr(made, n)) != _key(getattr(op, n)) for n in defaults):
                return False
        return True


_OWN: Any = object()
"""The value that an op has itself."""


def _is_kept(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_is_kept, value))
    if isinstance(value, Varying):
        return value.kept
    fields = getattr(value, "__dataclass_fields__", ())
    return any(_is_kept(getattr(value, name)) for name in fields)


def written(place: Place, defaults: Defaults, numbers: Numbers) -> Braces:
    """The attributes that a step has to give so that it is this op."""
    op, given = place[0].op, _Given.of(place)
    known = attributes_of(type(op))
    fallback = {name: defaults.of(op, info) for name, info in known.items()}
    said = {
        name: _OWN
        for name, info in known.items()
        if info.required or not given.is_always(name, fallback[name])
    }
    if isinstance(op, Conv):
        said = _depthwise(said, given, fallback) or said
    for name in [*said]:  # what an op fills in by itself, as the stride of a pooling
        less = {other: value for other, value in said.items() if other != name}
        is_open = known[name].default is None and not _is_kept(getattr(op, name))
        if is_open and given.is_made_by(less, fallback):
            said = less
    return Braces(
        (name, _value(getattr(op, name) if v is _OWN else v, numbers, known[name]))
        for name, v in said.items()
    )


def _depthwise(
    said: Mapping[str, Any], given: _Given, fallback: Mapping[str, Any]
) -> dict[str, Any] | None:
    """A convolution of as many groups as channels, as people write it; None for another."""
    if _is_kept(given.op.groups) or all(op.groups == 1 for op, _ in given.cases):  # type: ignore[attr-defined]
        return None
    found = {name: value for name, value in said.items() if name != "groups"} | {"depthwise": True}
    if not given.is_made_by(found, fallback):
        return None
    return {name: found[name] for name in fallback if name in found}


def _value(value: Any, numbers: Numbers, info: AttributeInfo | None = None) -> Any:
    """The value of an attribute, as YAML has it."""
    if isinstance(value, Padding):
        if value.rule != "explicit":
            return value.rule
        sides = [scalar_or_tuple(pad) for pad in value.pads]
        if not any(isinstance(side, tuple) for side in sides):
            return numbers.write(scalar_or_tuple(sides))
        return Brackets(numbers.write(side) for side in sides)
    if isinstance(value, tuple):
        is_list = info is not None and info.type in LISTS
        return numbers.write(value if is_list else scalar_or_tuple(value))
    if hasattr(type(value), "__dataclass_fields__"):
        return _initializer(value, numbers)
    return numbers.write(value)


def _initializer(value: Initializer, numbers: Numbers) -> Any:
    if not _varies(value):
        for word, known in (("zeros", ZEROS), ("ones", ONES), ("glorot_uniform", GLOROT_UNIFORM)):
            if _key(value) == _key(known):
                return word
    match value:
        case Constant(value=number):
            return Braces(constant=numbers.write(number))
        case Normal(std=number) | TruncatedNormal(std=number):
            return Braces([(value.kind, numbers.write(number))])
        case Uniform(limit=number):
            return Braces(uniform=numbers.write(number))
        case UniformFanIn():
            return Braces(uniform="fan_in")
        case VarianceScaling(scale=float(scale), mode=mode, distribution=distribution) if (
            scale == 2.0 and distribution != "truncated_normal"
        ):
            return Braces([(f"kaiming_{distribution}", mode)])
        case VarianceScaling(scale=scale, mode=mode, distribution=distribution):
            given = Braces(
                scale=_fraction(numbers.write(scale)), mode=mode, distribution=distribution
            )
            return Braces(variance_scaling=given)
    raise AssertionError(value)  # pragma: no cover


def _fraction(value: Any) -> Any:
    """``1 / 3`` for what is no short decimal."""
    if isinstance(value, float) and len(repr(value)) > 8:
        for below in range(3, 10):
            above = round(value * below)
            if above / below == value:
                return f"{above} / {below}"
    return value
