"""Makes a layer of the IR of a primitive op: its attributes filled in, its type inferred."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from netspec.codegen.second import tree
from netspec.codegen.second.arguments import default_attribute, evaluate_attribute
from netspec.codegen.second.scope import Environment
from netspec.elaborate.bounds import MAX_CHANNELS, MAX_FEATURES, MAX_LENGTH
from netspec.errors import NetspecError, Span, fail
from netspec.ir.formula import Formulas, Indices
from netspec.ops import OPS, Op, OpError, attributes_of
from netspec.schema.fields import place_of
from netspec.schema.syntax import AttributeValue, OpAction, Step
from netspec.types import TensorType
from netspec.unknown import Parts

Noted = tuple[Formulas, Indices]
"""The formulas of a layer's attributes, and the values of the names that count at its place."""


def make_layer(
    step: Step,
    action: OpAction,
    source: TensorType,
    path: str,
    environment: Environment,
    defaults: Mapping[str, AttributeValue],
    outer: Environment,
    noted: Noted,
) -> tree.Layer:
    """The layer that an op step makes on ``source``.

    The step's own attributes are evaluated under ``environment``, those of ``defaults`` under ``outer``;
    ``noted`` is kept beside them.
    Raises :class:`NetspecError` when an attribute is missing or the op does not fit its input.
    """
    kind = OPS[action.kind]
    values = fill_attributes(kind, step, action, source, path, environment, defaults, outer)
    try:
        op = kind(**values).resolve(source)
        target = op.infer(source)
    except OpError as error:
        raise misfit(error, step, action, defaults, path) from None
    check_extent(target, _place("out", step, action, defaults), path)
    formulas, indices = noted
    return tree.Layer(
        source=source,
        target=target,
        path=path,
        op=op,
        span=step.span,
        formulas=formulas,
        indices=indices,
    )


def misfit(
    error: OpError,
    step: Step,
    action: OpAction,
    defaults: Mapping[str, AttributeValue],
    path: str,
) -> NetspecError:
    """What an op has against its input or its attributes, told at the attribute to blame."""
    span = _place(error.attribute, step, action, defaults)
    return fail(error.code, error.message, span, help=error.help, path=path)


def _place(
    attribute: str | None,
    step: Step,
    action: OpAction,
    defaults: Mapping[str, AttributeValue],
) -> Span:
    """Where an attribute is given: in the step, among the defaults, or nowhere but by the step."""
    if attribute is None:
        return step.span
    if attribute in action.attributes:
        return action.spans.find((attribute,))
    return (place_of(defaults[attribute]) if attribute in defaults else None) or step.span


def check_extent(target: TensorType, span: Span | None, path: str | None) -> None:
    """A tensor's channels and lengths must lie within the bounds; raises :class:`NetspecError`."""
    most = MAX_CHANNELS if target.size else MAX_FEATURES
    what = "channels" if target.size else "features"
    if target.channels > most:
        message = f"{target.channels:,} {what}; at most {most:,}"
        raise fail("NS504", message, span, path=path)
    for length in target.size:
        if length > MAX_LENGTH:
            message = f"a map of {length:,} positions along an axis; at most {MAX_LENGTH:,}"
            raise fail("NS504", message, span, path=path)


def fill_attributes(
    kind: type[Op],
    step: Step,
    action: OpAction,
    source: TensorType,
    path: str,
    environment: Environment,
    defaults: Mapping[str, AttributeValue],
    outer: Environment,
) -> dict[str, Any]:
    """The value of every attribute; raises :class:`NetspecError` with what is wrong with any."""
    rank = source.rank
    known = attributes_of(kind)
    values = dict(_default_attributes(kind, rank))
    parts = Parts()
    for name, info in known.items():
        if info.required and name not in action.attributes and name not in defaults:
            with parts:
                message = f"`{action.kind}` needs `{name}`: {info.doc}"
                raise fail("NS208", message, step.span, path=path)
    for name, value in defaults.items():
        if name not in action.attributes:
            with parts:
                values[name] = evaluate_attribute(name, known[name].type, value, outer, rank)
    for name, value in action.attributes.items():
        with parts:
            values[name] = evaluate_attribute(name, known[name].type, value, environment, rank)
    parts.finish()
    return values


@cache
def _default_attributes(kind: type[Op], rank: int) -> Mapping[str, Any]:
    """The attributes that have a default, on maps of ``rank`` axes."""
    return {
        name: default_attribute(info.type, info.default, rank)
        for name, info in attributes_of(kind).items()
        if not info.required
    }
