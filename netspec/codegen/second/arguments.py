"""Values for parameters and attributes: what a written value means under a scope."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from netspec.codegen.second.scope import BlockValue, Environment, StepsValue
from netspec.errors import Span, did_you_mean, fail
from netspec.expr import MAX_MAGNITUDE, Expression
from netspec.ops import Axes
from netspec.schema.bind import bind_steps
from netspec.schema.fields import (
    AxesValue,
    InitValue,
    PaddingValue,
    Word,
    check_integer,
    show,
    to_expression,
)
from netspec.schema.refusal import Refusal
from netspec.schema.syntax import Argument, AttributeValue, BlockDefinition, Param, Step
from netspec.symbolic import Varying
from netspec.unknown import UNKNOWN, Parts, require_known

FindBlock = Callable[[str, Span], BlockDefinition]


_BOUND: WeakKeyDictionary[Argument, tuple[Step, ...]] = WeakKeyDictionary()
"""The steps that arguments hold; each block of a stage evaluates the same arguments."""

_EXPRESSIONS: WeakKeyDictionary[Argument, Expression] = WeakKeyDictionary()
"""The expressions that they are."""


def evaluate_argument(
    param: Param, argument: Argument, environment: Environment, find_block: FindBlock
) -> Any:
    """The value that ``argument`` gives to ``param``, under the names of whoever wrote it."""
    if param.type == "steps":
        return _steps(argument, environment)
    if param.type == "block":
        return _block(param, argument, environment, find_block)
    if param.type == "str":
        return _text(param, argument, environment)
    if param.type.startswith("list[") and isinstance(argument.value, list):
        return _items(param, argument, environment, find_block)
    value = argument.value
    is_plain = isinstance(value, int | float) and -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE
    if not is_plain:
        value = _expression(argument).evaluate(environment)
    return check_type(value, param.type, param.name, argument.span)


def _items(
    param: Param, argument: Argument, environment: Environment, find_block: FindBlock
) -> list[Any]:
    """A list item by item: each is read as a value of its own would be."""
    item_param = dataclasses.replace(param, type=param.type[5:-1])
    return [
        evaluate_argument(
            item_param, Argument(item, argument.spans.subtree((index,))), environment, find_block
        )
        for index, item in enumerate(argument.value)
    ]


def _expression(argument: Argument) -> Expression:
    known = _EXPRESSIONS.get(argument)
    if known is not None:
        return known
    try:
        parsed = to_expression(argument.value)
    except Refusal as error:
        raise fail(error.code, error.message, argument.span, help=error.help) from None
    found = _EXPRESSIONS[argument] = Expression(parsed.text, parsed.node, argument.span)
    return found


def _steps(argument: Argument, environment: Environment) -> Any:
    value = argument.value
    if isinstance(value, StepsValue):
        return value
    if isinstance(value, str) and isinstance(require_known(environment.get(value)), StepsValue):
        return environment[value]
    steps = _BOUND.get(argument)
    if steps is None:
        steps = _BOUND[argument] = bind_steps(value, argument.spans)
    return StepsValue(steps, environment, value)


def _block(
    param: Param, argument: Argument, environment: Environment, find_block: FindBlock
) -> BlockValue:
    name = argument.value
    if isinstance(name, BlockValue):
        return name
    if not isinstance(name, str):
        raise fail("NS205", f"`{param.name}` needs the name of a block", argument.span)
    known = require_known(environment.get(name))
    if isinstance(known, BlockValue):
        return known
    return BlockValue(find_block(name, argument.span))


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
    if isinstance(value, Varying):
        for each in value.values:
            if each is not None:
                check_type(each, kind, name, span)
        return value
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


def is_for_each_block(argument: Argument) -> bool:
    """Whether a value is a list of one for each block of a stage: ``{each: […]}``."""
    return isinstance(argument.value, dict) and set(argument.value) == {"each"}


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
    find_block: FindBlock,
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
                values[name] = evaluate_argument(param, given, environment, find_block)
            elif param.default is not None:
                value = evaluate_argument(param, param.default, values, find_block)
                if isinstance(value, StepsValue):
                    # A slot's default is written in the block: it sees all of the block's names.
                    value = dataclasses.replace(value, environment=None)
                values[name] = value
            elif not strays:  # a name that is misspelt is missing too
                raise fail("NS209", f"{what} needs `{name}` ({param.type})", span)
        values.setdefault(name, UNKNOWN)
    parts.finish()
    return values
