"""Schemas of declared parameters, and of the values that calls and stages give to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netspec.lang.schema.parameters import PARAM_TYPES, ParamModel
from netspec.lang.schema.syntax import BlockDefinition, Param
from netspec.tools.json_schema.describe import as_flow
from netspec.tools.json_schema.values import (
    NOT_A_TEXT,
    Schema,
    block_name,
    mapping,
    number,
    reference,
    words,
)


def _text() -> Schema:
    return {
        "type": ["string", "object"],
        "errorMessage": "Expected a text, or {param: name}",
        "allOf": [reference("parameter_reference")],
    }


def _list_of(kind: str, what: str) -> Schema:
    return {
        "type": ["string", "array"],
        "errorMessage": f"Expected a list of {what}, or an expression that gives one",
        "allOf": [{"items": {"type": kind}}],
    }


_BY_TYPE: Mapping[str, Callable[[], Schema]] = {
    "int": lambda: number(int),
    "float": lambda: number(float),
    "bool": lambda: number(bool),
    "str": _text,
    "block": block_name,
    "steps": lambda: reference("steps"),
    "list[int]": lambda: _list_of("integer", "whole numbers"),
    "list[float]": lambda: _list_of("number", "numbers"),
    "list[bool]": lambda: _list_of("boolean", "flags"),
    "list[str]": lambda: {
        "type": "string",
        "errorMessage": "Expected an expression that gives a list of texts",
    },
}


def argument(kind: str) -> Schema:
    """The value of a parameter of type ``kind``."""
    return _BY_TYPE[kind]()


def stage_argument(kind: str) -> Schema:
    """The value of a block's parameter in a stage, which may differ from block to block."""
    per_block = {"required": ["each"]}
    return {
        "if": {"type": "object", **per_block},
        "then": reference("each"),
        "else": argument(kind),
    }


def described_parameter(param: Param, schema: Schema) -> Schema:
    """``schema``, with what is known of the parameter that it is for."""
    if param.default is None:
        how = f"`{param.type}`, required"
    else:
        how = f"`{param.type}`, `{as_flow(param.default.value)}` unless given"
    doc = f"{param.doc} ({how})" if param.doc else how
    return {"description": doc, **schema}


def block_arguments(block: BlockDefinition) -> Schema:
    """What a step that calls ``block`` passes to it."""
    properties = {
        name: described_parameter(param, argument(param.type))
        for name, param in block.params.items()
    }
    required = [name for name, param in block.params.items() if param.default is None]
    nullable = not required
    return {"description": block.doc, **mapping(properties, required, nullable=nullable)}


_EXPECTED = (
    "Expected a number, a flag or a list of numbers as default, or a type; what has a text or "
    "an expression as default is written {type: …, default: …}"
)


def parameter_definitions() -> dict[str, Schema]:
    """The definitions for declared parameters."""
    by_type = [
        {
            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
            "then": {"properties": {"default": argument(kind)}},
        }
        for kind in PARAM_TYPES
    ]
    docs = {name: field.description or "" for name, field in ParamModel.model_fields.items()}
    written = {
        "type": {"description": docs["type"], "enum": list(PARAM_TYPES)},
        "default": {"description": docs["default"]},
        "doc": {"description": docs["doc"], "type": "string"},
    }
    uniform = [{"items": {"type": "number"}}, {"items": {"type": "boolean"}}]
    return {
        "parameter": {
            "type": ["string", "object", "number", "boolean", "array"],
            "errorMessage": _EXPECTED,
            **words(PARAM_TYPES, NOT_A_TEXT, _EXPECTED),
            "allOf": [{"minItems": 1, "anyOf": uniform}, reference("parameter_mapping")],
        },
        "parameter_mapping": {
            "properties": written,
            "required": ["type"],
            "additionalProperties": False,
            "allOf": by_type,
        },
    }


def each() -> Schema:
    """``{each: […]}``: a value for each block of a stage."""
    values = {"description": "one value for each block of the stage, in order", "type": "array"}
    return mapping({"each": values}, ["each"])
