"""Schemas of whole files: specs, and blocks in files of their own."""

from __future__ import annotations

from typing import Any

from netspec.lang import library
from netspec.lang.schema import models
from netspec.ops import OPS
from netspec.tools.json_schema.models import object_schema
from netspec.tools.json_schema.parameters import (
    described_parameter,
    each,
    parameter_definitions,
    stage_argument,
)
from netspec.tools.json_schema.steps import combinator_definitions, step_definitions
from netspec.tools.json_schema.values import (
    Schema,
    block_name,
    mapping_of,
    reference,
    value_definitions,
)

_OF_THE_STAGE = [key for key in models.STAGE_KEYS if key not in ("block", "stride")]
"""What a stage says once, and `first` and `last` cannot change."""


def spec_schema() -> dict[str, Any]:
    """The schema of a spec."""
    return {
        "title": "netspec network",
        **object_schema(models.SpecModel, {"stages": _stages()}),
        "definitions": {
            **_shared_definitions(),
            "block": object_schema(models.BlockBody),
            "checkpoint": object_schema(models.CheckpointModel),
            "defaults": _defaults(),
            "each": each(),
            "input": _input(),
            "output": _output(),
            "stage": _stage(),
            "tensor": _tensor(),
        },
    }


def block_file_schema() -> dict[str, Any]:
    """The schema of a file that holds a block."""
    return {
        "title": "netspec block",
        **object_schema(models.BlockFile),
        "definitions": _shared_definitions(),
    }


def _shared_definitions() -> dict[str, Schema]:
    return {
        **step_definitions(),
        **combinator_definitions(),
        **parameter_definitions(),
        **value_definitions(),
    }


def _defaults() -> Schema:
    """Attributes of every op, and the roles."""
    schema = object_schema(models.DefaultsModel)
    for kind, op in OPS.items():
        schema["properties"][kind] = {"description": op.__doc__ or "", **reference(f"op_{kind}")}
    return {
        **schema,
        "description": "",
        "additionalProperties": False,
    }  # whoever refers to it has one


def _stages() -> Schema:
    return {
        "type": ["object", "array"],
        "errorMessage": "Expected a stage, or a list of stages",
        "allOf": [
            {"if": {"type": "object"}, "then": reference("stage")},
            {"items": reference("stage")},
        ],
    }


def _input() -> Schema:
    """One input, or several by name."""
    one = object_schema(models.InputModel)
    is_one = {"anyOf": [{"required": [key]} for key in one["properties"]]}
    several = {**mapping_of(one), "minProperties": 1}
    return {"type": "object", "if": is_one, "then": one, "else": several}


def _output() -> Schema:
    """An output: the name of a result, or a mapping that says more."""
    written_out = object_schema(models.OutputModel)
    return {
        **written_out,
        "type": ["string", "object"],
        "minLength": 1,
        "maxLength": 200,
        "errorMessage": "Expected the name of a result, or {from: name, when: training}",
    }


def _tensor() -> Schema:
    """What a single parameter is called in published files."""
    return {
        **object_schema(models.TensorModel),
        "type": ["string", "object"],
        "minLength": 1,
        "maxLength": 200,
        "errorMessage": "Expected the name of a tensor, or {name: …, shape: […]}",
    }


def _stage() -> Schema:
    """A stage: its own keys, and the arguments of its blocks."""
    exchanged = {
        **mapping_of(True),
        "properties": {"block": block_name(), **dict.fromkeys(_OF_THE_STAGE, False)},
    }
    stage = object_schema(
        models.Stage,
        {
            "block": block_name(),
            "stride": _stride(),
            "first": exchanged,
            "last": exchanged,
        },
    )
    blocks = [_stage_of(name) for name in sorted(library.built_in_blocks())]
    return {**stage, "propertyNames": reference("own_name"), "allOf": blocks}


def _stride() -> Schema:
    """The stride of one block: an expression, a list, or one for each block."""
    return {
        "type": ["string", "integer", "array", "object"],
        "errorMessage": "Expected a whole number, an expression, or {each: […]}",
        "allOf": [{"if": {"type": "object"}, "then": reference("each")}],
    }


def _stage_of(name: str) -> Schema:
    """The arguments of a stage whose blocks are the built-in block ``name``."""
    block = library.built_in_block(name)
    keys = [info.alias or field for field, info in models.Stage.model_fields.items()]
    arguments = {
        param.name: described_parameter(param, stage_argument(param.type))
        for param in block.params.values()
        if param.name not in keys
    }
    return {
        "if": {"properties": {"block": {"const": name}}, "required": ["block"]},
        "then": {
            "properties": arguments,
            "propertyNames": {"enum": [*keys, *arguments]},
        },
    }
