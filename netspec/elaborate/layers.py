"""Makes a layer of the IR of a primitive op: its attributes filled in, its type inferred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec import ir
from netspec.elaborate.arguments import default_attribute, evaluate_attribute
from netspec.elaborate.scope import Environment
from netspec.errors import fail
from netspec.ops import OPS, Op, OpError, attributes_of
from netspec.schema.syntax import AttributeValue, OpAction, Step
from netspec.types import TensorType

MAX_OUTPUT_CHANNELS = 2**32


def make_layer(
    step: Step,
    action: OpAction,
    source: TensorType,
    path: str,
    environment: Environment,
    defaults: Mapping[str, AttributeValue],
    outer: Environment,
) -> ir.Layer:
    """The layer that an op step makes on ``source``.

    The step's own attributes are evaluated under ``environment``, those of ``defaults`` under ``outer``.
    Raises :class:`NetspecError` when an attribute is missing or the op does not fit its input.
    """
    kind = OPS[action.kind]
    values = _attributes(kind, step, action, source, path, environment, defaults, outer)
    try:
        op = kind(**values).resolve(source)
        target = op.infer(source)
    except OpError as error:
        given = error.attribute in action.attributes if error.attribute else False
        span = action.spans.find((error.attribute,)) if given and error.attribute else step.span
        raise fail(error.code, error.message, span, help=error.help, path=path) from None
    if target.channels > MAX_OUTPUT_CHANNELS:
        raise fail("NS504", f"{target.channels:,} channels", step.span, path=path)
    return ir.Layer(source=source, target=target, path=path, op=op, span=step.span)


def _attributes(
    kind: type[Op],
    step: Step,
    action: OpAction,
    source: TensorType,
    path: str,
    environment: Environment,
    defaults: Mapping[str, AttributeValue],
    outer: Environment,
) -> dict[str, Any]:
    rank = source.rank
    values: dict[str, Any] = {}
    for name, info in attributes_of(kind).items():
        own = action.attributes.get(name)
        if own is not None:
            values[name] = evaluate_attribute(name, info.type, own, environment, rank)
        elif name in defaults:
            values[name] = evaluate_attribute(name, info.type, defaults[name], outer, rank)
        elif info.required:
            raise fail("NS208", f"`{action.kind}` needs `{name}`: {info.doc}", step.span, path=path)
        else:
            values[name] = default_attribute(info.type, info.default, rank)
    return values
