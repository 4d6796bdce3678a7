"""Makes an op of a step: its attributes filled in, its type inferred."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from netspec.elaborate.arguments import default_attribute, evaluate_attribute
from netspec.elaborate.bounds import MAX_CHANNELS, MAX_FEATURES, MAX_LENGTH
from netspec.elaborate.scope import Environment
from netspec.errors import NetspecError, Span, fail
from netspec.lang.expression.unknown import Parts
from netspec.lang.schema.fields import place_of
from netspec.lang.schema.several import ResultName
from netspec.lang.schema.syntax import AttributeValue, OpAction, Step
from netspec.ops import OPS, Op, OpError, attributes_of
from netspec.ops.types import TensorType


class Filling(NamedTuple):
    """What the attributes of an op are filled from.

    Attributes:
        step: the step.
        action: what it does.
        path: what the op is called.
        environment: what the step's own attributes are evaluated under.
        defaults: what fills the attributes that the step leaves open.
        outer: what these are evaluated under.
    """

    step: Step
    action: OpAction
    path: str
    environment: Environment
    defaults: Mapping[str, AttributeValue]
    outer: Environment

    def place(self, attribute: str | None) -> Span:
        """Where an attribute is given: in the step, among the defaults, or nowhere but by the step."""
        if attribute is None:
            return self.step.span
        if attribute in self.action.attributes:
            return self.action.spans.find((attribute,))
        default = self.defaults.get(attribute)
        return (place_of(default) if default is not None else None) or self.step.span

    def misfit(self, error: OpError) -> NetspecError:
        """What an op has against its input or its attributes, told at the attribute to blame."""
        span = self.place(error.attribute)
        return fail(error.code, error.message, span, help=error.help, path=self.path)


Typed = tuple[Op, tuple[TensorType, ...]]
"""An op, and the types of its results."""


def make_op(filling: Filling, *sources: TensorType) -> Typed:
    """The op that a step makes on ``sources``, and the types that it gives.

    Raises :class:`NetspecError` when an attribute is missing or the op does not fit its input.
    """
    values = fill_attributes(filling, sources[0].rank)
    try:
        op = OPS[filling.action.kind](**values).resolve(sources[0])
        types = op.types(*sources)
    except OpError as error:
        raise filling.misfit(error) from None
    for target in types:
        beyond = too_large(target)
        if beyond is not None:
            raise fail("NS504", beyond, filling.place("out"), path=filling.path)
    return op, types


def too_large(target: TensorType) -> str | None:
    """What is beyond the bounds of a tensor's channels and lengths."""
    most = MAX_CHANNELS if target.size else MAX_FEATURES
    if target.channels > most:
        what = "channels" if target.size else "features"
        return f"{target.channels:,} {what}; at most {most:,}"
    for length in target.size:
        if length > MAX_LENGTH:
            return f"a map of {length:,} positions along an axis; at most {MAX_LENGTH:,}"
    return None


def fill_attributes(filling: Filling, rank: int) -> dict[str, Any]:
    """The value of every attribute; raises :class:`NetspecError` with what is wrong with any."""
    action, defaults = filling.action, filling.defaults
    kind = OPS[action.kind]
    known = attributes_of(kind)
    values = dict(_default_attributes(kind, rank))
    parts = Parts()
    for name, info in known.items():
        if info.required and name not in action.attributes and name not in defaults:
            with parts:
                message = f"`{action.kind}` needs `{name}`: {info.doc}"
                raise fail("NS208", message, filling.step.span, path=filling.path)
    if kind.one_of and not any(
        name in given for name in kind.one_of for given in (action.attributes, defaults)
    ):
        with parts:
            names = " or ".join(f"`{name}`" for name in kind.one_of)
            raise fail(
                "NS208", f"`{action.kind}` needs {names}", filling.step.span, path=filling.path
            )
    for name, value in defaults.items():
        if name not in action.attributes:
            with parts:
                type = known[name].type
                if isinstance(value, ResultName):
                    message = f"`{name}` names a result of a step's own block; `defaults` have none"
                    raise fail("NS225", message, value.span, help="give it to the step")
                values[name] = evaluate_attribute(name, type, value, filling.outer, rank)
    for name, value in action.attributes.items():
        with parts:
            type = known[name].type
            values[name] = evaluate_attribute(name, type, value, filling.environment, rank)
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
