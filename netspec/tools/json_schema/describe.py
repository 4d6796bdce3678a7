"""What the schemas say to people: the ops, their attributes and defaults, plain and as Markdown."""

from __future__ import annotations

import math
from typing import Any

import yaml

from netspec.lang.expression.formula import print_number
from netspec.lang.schema import fields
from netspec.ops import Op, attributes_of
from netspec.ops.base import AttributeInfo
from netspec.ops.geometry import Padding


def attribute_text(info: AttributeInfo) -> str:
    """An attribute's meaning, and its default."""
    if info.required:
        return f"{info.doc} (required)"
    if info.default is None:
        return info.doc
    return f"{info.doc} (`{default_text(info.default)}` unless given)"


def op_markdown(op: type[Op]) -> str:
    """An op's meaning, and its attributes as a list."""
    lines = [f"- `{name}`: {attribute_text(info)}" for name, info in attributes_of(op).items()]
    doc = op.__doc__ or ""
    return "\n".join([doc, "", *lines]) if lines else doc


def default_text(default: Any) -> str:
    """An attribute's default as a spec would say it."""
    if isinstance(default, float):
        return print_number(default)
    if isinstance(default, Padding):
        return default.rule
    for name in fields.PLAIN_INITS:
        if fields.InitValue(name).evaluate({}) == default:
            return name
    return as_flow(getattr(default, "value", default))


def as_flow(value: Any) -> str:
    """A plain value as YAML on one line."""
    listed = yaml.safe_dump([value], default_flow_style=True, sort_keys=False, width=math.inf)
    return listed.rstrip()[1:-1]
