"""Schemas of the language's mappings, from the Pydantic models that validate them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from netspec.lang.schema import models
from netspec.lang.schema.fields import Number
from netspec.lang.schema.parameters import Param
from netspec.tools.json_schema.values import (
    Schema,
    any_number,
    identifier,
    mapping_of,
    number,
    reference,
)

_NAME: Schema = {
    "type": ["string", "integer"],
    "minLength": 1,
    "maxLength": 200,
    "errorMessage": "Expected a name, in which {expressions} are filled in",
}

_KNOWN: tuple[tuple[Any, Schema], ...] = (
    (Any, {}),
    (str, {"type": "string"}),
    (bool, {"type": "boolean"}),
    (Number, any_number()),
    (models.Identifier, reference("identifier")),
    (models.Name, _NAME),
    (Param, reference("parameter")),
    (models.Step, reference("step")),
    (list[models.Step], reference("step_list")),
    (models.Steps, reference("steps")),
    (models.BlockBody, reference("block")),
    (models.Defaults, reference("defaults")),
    (models.Output, reference("output")),
    (models.Input, reference("input")),
)

_EXPRESSIONS: dict[str, type] = {
    "times": int,
    "repeat": int,
    "channels": int,
    "size": int,
    "test": bool,
}
"""What the expressions under these keys give; the elaborator checks the same of their values."""


def object_schema(model: type[BaseModel], special: typing.Mapping[str, Schema] = {}) -> Schema:
    """The schema of a model's mapping; ``special`` holds keys whose type says too little."""
    hints = typing.get_type_hints(model, include_extras=True)
    properties: Schema = {}
    required: list[str] = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        value = special[key] if key in special else _fragment(hints[name], key)
        properties[key] = {**_description(info), **value}
        if info.is_required():
            required.append(key)
    return {
        "description": model.__doc__ or "",
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": model.model_config.get("extra") != "forbid",
    }


def _description(info: FieldInfo) -> Schema:
    return {"description": info.description} if info.description else {}


def _fragment(annotation: Any, key: str) -> Schema:
    """The schema of a field's type; raises KeyError for one that is not known here."""
    if annotation == Number and key in _EXPRESSIONS:
        return number(_EXPRESSIONS[key])
    for known, schema in _KNOWN:
        if annotation == known:
            return schema
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        present = [part for part in arguments if part is not type(None)]
        found = [_fragment(part, key) for part in present]
        return found[0] if len(found) == 1 else _union(found)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _fragment(arguments[0], key)}
    if origin is dict:
        nullable = type(None) in get_args(arguments[1])
        values = _fragment(arguments[1], key)
        if arguments[0] != models.Identifier:
            return {"type": "object", "additionalProperties": values}
        return mapping_of({**values, "type": ["object", "null"]} if nullable else values)
    if origin is Annotated:
        schema = _fragment(arguments[0], key)
        return {**schema, **_bounds(arguments[1:], of_text=schema.get("type") == "string")}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return object_schema(annotation)
    raise KeyError(f"`{key}`: no schema for {annotation}")


def _union(schemas: list[Schema]) -> Schema:
    """A name or a list of names: what `from` takes."""
    single, several = schemas
    return {
        **identifier("a name, or a list of names"),
        "type": ["string", several["type"]],
        "allOf": [{"if": {"type": "string"}, "then": single}, {"items": several["items"]}],
    }


def _bounds(metadata: Iterable[Any], *, of_text: bool) -> Schema:
    """The least and the greatest length of a text, or number of items."""
    keys = ("minLength", "maxLength") if of_text else ("minItems", "maxItems")
    result: Schema = {}
    for item in metadata:
        for bound in getattr(item, "metadata", ()):
            for name, key in zip(("min_length", "max_length"), keys, strict=True):
                if hasattr(bound, name):
                    result[key] = getattr(bound, name)
    return result
