"""Values for parameters and attributes: what a written value means under a scope."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from netspec.elaborate.lookup import Lookup
from netspec.elaborate.reader import is_for_each_block
from netspec.elaborate.scope import BlockValue, Environment, StepsValue
from netspec.errors import Span, did_you_mean, fail
from netspec.lang.expression.magnitude import MAX_MAGNITUDE
from netspec.lang.expression.unknown import UNKNOWN, Parts, require_known
from netspec.lang.schema.fields import (
    AxesValue,
    InitValue,
    PaddingValue,
    Word,
    check_integer,
    show,
)
from netspec.lang.schema.syntax import Argument, AttributeValue, BlockDefinition, Param
from netspec.ops import Axes
from netspec.ops.base import LISTS


def evaluate_argument(
    param: Param, argument: Argument, environment: Environment, lookup: Lookup
) -> Any:
    """The value that ``argument`` gives to ``param``, under the names of whoever wrote it."""
    if param.type == "steps":
        return _steps(argument, environment, lookup)
    if param.type == "block":
        return _block(param, argument, environment, lookup)
    if param.type == "str":
        return _text(param, argument, environment)
    if param.type.startswith("list[") and isinstance(argument.value, list):
        item = dataclasses.replace(param, type=param.type[5:-1])
        items = lookup.reader.items(argument)
        return [evaluate_argument(item, each, environment, lookup) for each in items]
    value = argument.value
    is_plain = isinstance(value, int | float) and -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE
    if not is_plain:
        value = lookup.reader.expression(argument).evaluate(environment)
    return check_type(value, param.type, param.name, argument.span)


def _steps(argument: Argument, environment: Environment, lookup: Lookup) -> Any:
    value = argument.value
    if isinstance(value, StepsValue):
        return value
    if isinstance(value, str) and isinstance(require_known(environment.get(value)), StepsValue):
        return environment[value]
    return StepsValue(lookup.reader.steps(argument), environment, value)


def _block(
    param: Param, argument: Argument, environment: Environment, lookup: Lookup
) -> BlockValue:
    name = argument.value
    if isinstance(name, BlockValue):
        return name
    if not isinstance(name, str):
        raise fail("NS205", f"`{param.name}` needs the name of a block", argument.span)
    known = require_known(environment.get(name))
    if isinstance(known, BlockValue):
        return known
    return BlockValue(lookup.find_block(name, argument.span))


def _text(param: Param, argument: Argument, environment: Environment) -> str:
    value = argument.value
    if isinstance(value, dict) and set(value) == {"param"}:
        value = require_known(environment.get(value["param"]))
    if not isinstance(value, str):
        raise fail("NS205", f"`{param.name}` needs a text", argument.span)
    return value


def check_type(value: Any, kind: str, name: str, span: Span | None) -> Any:
    """``value`` as a parameter of type ``kind``; raises :class:`NetspecError` when it is none."""
    if kind.startswith("list["):
        if not isinstance(value, list):
            raise fail("NS205", f"`{name}` needs a list, got {show(value)}", span)
        return [check_type(item, kind[5:-1], name, span) for item in value]
    if kind == "int":
        check_integer(value, name, span)
        return value
    if kind == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, str):
        return value
    words = {"float": "a number", "bool": "true or false", "str": "a text"}
    raise fail("NS205", f"`{name}` needs {words.get(kind, kind)}, got {show(value)}", span)


def evaluate_attribute(
    name: str, kind: Any, value: AttributeValue, environment: Environment, rank: int
) -> Any:
    """The value of an op's attribute of type ``kind`` on maps of ``rank`` axes."""
    if isinstance(value, PaddingValue):
        return value.evaluate(environment, rank)
    if isinstance(value, AxesValue):
        span = value.items[0].span
        if kind in LISTS:
            found = value.evaluate(environment)
            return tuple(check_type(require_known(found), LISTS[kind], name, span))
        return spread_axes(name, value.evaluate(environment), rank, span)
    if isinstance(value, InitValue | Word):
        return value.evaluate(environment)
    result = value.evaluate(environment)
    words = {bool: "bool", float: "float"}
    return check_type(result, words.get(kind, "int"), name, value.span)


def spread_axes(name: str, value: Any, rank: int, span: Span | None) -> Axes:
    """A number for all axes, or a list of one per axis, as a tuple of ``rank`` numbers."""
    items = value if isinstance(value, list) else [value] * rank
    if len(items) != rank:
        raise fail(
            "NS205", f"`{name}` has {len(items)} numbers, the map has {rank} spatial axes", span
        )
    for item in items:
        check_integer(item, name, span)
    return tuple(items)


def default_attribute(kind: Any, default: Any, rank: int) -> Any:
    """An attribute's own default, spread over ``rank`` axes where it is per axis."""
    if kind in (Axes, Axes | None) and isinstance(default, int):
        return (default,) * rank
    return default


def for_block(argument: Argument, index: int, count: int) -> Argument:
    """What one of a stage's ``count`` blocks is given: an entry of ``{each: […]}``, or all of it."""
    if not is_for_each_block(argument):
        return argument
    values = argument.value["each"]
    if not isinstance(values, list):
        raise fail("NS215", "`each` takes a list, one value for each block", argument.span)
    if len(values) != count:
        raise fail(
            "NS215", f"`each` has {len(values)} values, the stage {count} blocks", argument.span
        )
    return Argument(values[index], argument.spans.subtree(("each", index)))


def unknown_argument(what: str, name: str, span: Span, known: Mapping[str, Any]) -> Exception:
    """An argument that a block does not take."""
    return fail("NS206", f"{what} has no parameter `{name}`", span, help=did_you_mean(name, known))


def bind_arguments(
    definition: BlockDefinition,
    arguments: Mapping[str, Argument],
    environment: Environment,
    span: Span,
    lookup: Lookup,
) -> dict[str, Any]:
    """The value of every parameter of a block, given or by default.

    Raises :class:`NetspecError` with what is wrong with any of them.
    """
    parts = Parts()
    what = f"block `{definition.name}`"
    strays = [name for name in arguments if name not in definition.params]
    for name in strays:
        with parts:
            raise unknown_argument(what, name, arguments[name].key_span, definition.params)
    values: dict[str, Any] = {}
    for name, param in definition.params.items():
        given = arguments.get(name)
        with parts:
            if given is not None:
                values[name] = evaluate_argument(param, given, environment, lookup)
            elif param.default is not None:
                value = evaluate_argument(param, param.default, values, lookup)
                if isinstance(value, StepsValue):
                    # A slot's default is written in the block: it sees all of the block's names.
                    value = dataclasses.replace(value, environment=None)
                values[name] = value
            elif not strays:  # a name that is misspelt is missing too
                raise fail("NS209", f"{what} needs `{name}` ({param.type})", span)
        values.setdefault(name, UNKNOWN)
    parts.finish()
    return values
