"""Tables, and types and values in words."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from netspec.codegen.printing import Printer
from netspec.lang.expression import expr
from netspec.lang.expression.formula import print_node, print_number
from netspec.lang.schema import fields, models, names, parameters
from netspec.ops import Axes, geometry, initializers
from netspec.ops.base import AttributeInfo, Reals, Result, Sizes


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def code(text: Any) -> str:
    """Text in a fixed font."""
    return f"`{text}`"


def listed(words: Iterable[str]) -> str:
    """Words in a fixed font, one after another."""
    return ", ".join(code(word) for word in words)


def sentence(text: str) -> str:
    """A docstring as one line that ends in a full stop."""
    return " ".join(text.split()).rstrip(".") + "."


PARAMETER_TYPES: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "bool": "`true` or `false`",
    "str": "a text, taken literally; `{param: name}` for the value of another",
    "block": "the name of a block, or of another parameter of this type",
    "steps": "a list of steps, or one step; or the name of another parameter of this type",
    "list[int]": "a list of whole numbers",
    "list[float]": "a list of numbers",
    "list[bool]": "a list of flags",
    "list[str]": "a list of texts, written as an expression: `\"['a', 'b']\"`",
}
"""What each type of parameter takes; a type that is missing here stops the generator."""

NAMED_INITIALIZERS: Mapping[Any, str] = {
    fields._init(name).evaluate({}): name for name in fields.PLAIN_INITS
}

ATTRIBUTE_TYPES: Mapping[Any, str] = {
    int: "whole number",
    int | None: "whole number",
    float: "number",
    bool: "flag",
    Axes: "whole number, or a list of one per axis",
    Axes | None: "whole number, or a list of one per axis",
    Result | None: "[named result](#named-results)",
    Sizes | None: "list: whole number",
    Reals: "list: number",
    geometry.Padding: "[padding](#padding)",
    initializers.Initializer: "[initialiser](#initialisers)",
}

MODEL_TYPES: Mapping[Any, str] = {
    Any: "value",
    int: "whole number",
    bool: "flag",
    expr.Expression: "expression",
    parameters.ParamModel: "[parameter](#parameters)",
    models.InputModel: "[input](#the-file)",
    models.BlockBody: "[block](#blocks)",
    models.CheckpointModel: "[checkpoint](#published-weights)",
    models.TensorModel: "text or [tensor](#published-weights)",
    models.Stage: "[stage](#stages)",
    models.Step: "step",
    models.SpecModel.model_fields["defaults"].annotation: "[defaults](#defaults-and-roles)",
    models.OutputModel: "text or [output](#named-results)",
}


def attribute_type(info: AttributeInfo) -> str:
    """The type of an op's attribute, in words."""
    if typing.get_origin(info.type) is Literal:
        return " or ".join(code(word) for word in typing.get_args(info.type))
    return ATTRIBUTE_TYPES[info.type]


def model_type(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """The type of a key, in words."""
    if annotation == parameters.ParamType:
        return "a [type](#parameters)"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return model_type(arguments[0], arguments[1:])
    if origin is Literal:
        return " or ".join(code(word) for word in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(model_type(part) for part in arguments if part is not type(None))
    if origin is list:
        inner = model_type(arguments[0])
        return "steps" if inner == "step" else f"list: {inner}"
    if origin is dict:
        return f"mapping: {model_type(arguments[0])} → {model_type(arguments[1])}"
    if annotation is str:
        return _text_type(metadata)
    return MODEL_TYPES[annotation]


def _text_type(metadata: Iterable[Any]) -> str:
    for item in metadata:
        if getattr(item, "pattern", None) or any(
            getattr(part, "pattern", None) for part in getattr(item, "metadata", ())
        ):
            return "identifier"
        if getattr(item, "func", None) is names.as_text:
            return "[name](#names-of-weights)"
    return "text"


def default_text(default: Any) -> str:
    """A default as it would stand in a spec."""
    if default is None or default == [] or default == {} or default == "":
        return ""
    if isinstance(default, expr.Expression):
        return code(default.text)
    if isinstance(default, bool):
        return code(str(default).lower())
    if isinstance(default, float):
        return code(print_number(default))
    if isinstance(default, geometry.Padding):
        return code(default.rule)
    if isinstance(default, initializers.Constant | initializers.VarianceScaling):
        return code(NAMED_INITIALIZERS.get(default) or default.value)
    return code(default)


def flow(value: Any) -> str:
    """A plain value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def print_call(value: Any) -> str:
    """A symbolic call as source."""
    return print_node(Printer({}).value(value))
