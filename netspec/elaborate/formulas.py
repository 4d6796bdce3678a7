"""The formulas of what a spec says: of attributes, arguments and values, read off their syntax."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from netspec.ir.formula import IN_CHANNELS, NETWORK_SCOPE, Formulas
from netspec.lang.expression.expr import Expression
from netspec.lang.schema.fields import (
    AxesValue,
    InitValue,
    PaddingValue,
    ParamReference,
    Word,
    to_expression,
)
from netspec.lang.schema.refusal import Refusal
from netspec.lang.schema.syntax import Argument, AttributeValue, Param


def of_attributes(
    attributes: Mapping[str, AttributeValue],
    scope: str,
    defaults: Mapping[str, AttributeValue],
) -> Formulas:
    """The formulas of an op's attributes.

    Args:
        attributes: those that the step gives.
        scope: whose names they use.
        defaults: those of the spec, which use the network's names.
    """

    def read(name: str, value: AttributeValue) -> ast.expr | None:
        return _of_attribute(value)

    return Formulas((defaults, NETWORK_SCOPE, read), (attributes, scope, read))


def of_arguments(
    params: Mapping[str, Param], arguments: Mapping[str, Argument], scope: str, callee: str
) -> Formulas:
    """The formulas of a block's arguments; those of defaults use the names of the block itself.

    Args:
        params: what the block takes.
        arguments: what the call gives.
        scope: whose names the call uses.
        callee: the block's name.
    """

    def read(name: str, argument: Argument) -> ast.expr | None:
        return _of_argument(params[name].type, argument.value) if name in params else None

    defaults = {name: param.default for name, param in params.items() if param.default is not None}
    return Formulas((defaults, callee, read), (arguments, scope, read))


def of_network(values: Mapping[str, Expression], channels: Expression) -> Formulas:
    """The formulas of a network: of what ``let`` names, and of the channels of its input."""
    written = {IN_CHANNELS: channels, **values}
    return Formulas((written, NETWORK_SCOPE, lambda name, value: value.node))


def _of_attribute(value: AttributeValue) -> ast.expr | None:
    match value:
        case Expression():
            return value.node
        case AxesValue():
            nodes = [item.node for item in value.items]
            return ast.List(nodes, ast.Load()) if value.per_axis else nodes[0]
        case Word():
            word = value.value
            return _name(word.name) if isinstance(word, ParamReference) else ast.Constant(word)
        case PaddingValue():
            if value.rule is not None:
                return _of_attribute(value.rule)
            pads = [_of_attribute(pad) for pad in value.pads]
            if len(pads) == 1 and not value.pads[0].per_axis:
                return pads[0]
            return ast.List([pad for pad in pads if pad is not None], ast.Load())
        case InitValue():
            return value.numbers[0].node if value.numbers else None


def _of_argument(kind: str, value: Any) -> ast.expr | None:
    """The syntax of an argument for a parameter of type ``kind``."""
    if kind == "block":
        return None
    if (
        kind == "steps"
    ):  # a slot that is passed on has the name of one; what else may is not known here
        return _name(value) if isinstance(value, str) and value.isidentifier() else None
    if kind == "str":
        if isinstance(value, dict) and set(value) == {"param"}:
            return _name(value["param"])
        return ast.Constant(value) if isinstance(value, str) else None
    if kind.startswith("list[") and isinstance(value, list):
        return _listed([_of_argument(kind[5:-1], item) for item in value])
    try:
        return to_expression(value).node
    except Refusal:  # pragma: no cover
        return None


def _listed(nodes: Sequence[ast.expr | None]) -> ast.expr | None:
    known = [node for node in nodes if node is not None]
    return ast.List(known, ast.Load()) if len(known) == len(nodes) else None


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())
