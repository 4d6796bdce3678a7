"""Schemas of single values: expressions, words, padding, initialisers, references to parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from netspec.lang import library
from netspec.lang.expression import expr
from netspec.lang.schema import fields
from netspec.lang.schema.names import IDENTIFIER

Schema = dict[str, Any]

IDENTIFIER_PATTERN = f"^{IDENTIFIER}$"

MAX_RANK = 3


def reference(name: str) -> Schema:
    """What ``definitions`` holds under ``name``."""
    return {"$ref": f"#/definitions/{name}"}


def identifier(what: str = "an identifier") -> Schema:
    """A name that a user chooses."""
    return {
        "type": "string",
        "pattern": IDENTIFIER_PATTERN,
        "maxLength": 64,
        "errorMessage": f"Expected {what}: letters, digits and `_`, no digit first",
    }


def mapping_of(values: Schema | bool) -> Schema:
    """A mapping whose keys are the user's names."""
    return {
        "type": "object",
        "propertyNames": reference("own_name"),
        "additionalProperties": values,
    }


def mapping(
    properties: Mapping[str, Schema], required: Iterable[str] = (), *, nullable: bool = False
) -> Schema:
    """A mapping of fixed keys."""
    return {
        "type": ["object", "null"] if nullable else "object",
        "properties": dict(properties),
        **({"required": list(required)} if required else {}),
        "additionalProperties": False,
    }


def words(choices: Iterable[str], others: Schema, message: str | None = None) -> Schema:
    """One of ``choices``, or what ``others`` allows; ``message`` lists the words unless given."""
    told = {"errorMessage": message} if message else {}
    return {"anyOf": [{"enum": list(choices), **told}, others]}


def suggestions(choices: Mapping[str, str], allowed: Schema) -> Schema:
    """What ``allowed`` allows, some of it named, with its meaning; messages are those of ``allowed``."""
    return {"anyOf": [allowed, {"enum": list(choices), "enumDescriptions": list(choices.values())}]}


_NAME: Schema = {
    "type": ["string", "integer"],
    "minLength": 1,
    "maxLength": 200,
    "errorMessage": "Expected a name, in which {expressions} are filled in",
}

NOT_A_TEXT: Schema = {"not": {"type": "string"}}

_NUMBERS: Mapping[type, tuple[str, str, str]] = {
    int: ("whole_number", "integer", "a whole number"),
    float: ("number", "number", "a number"),
    bool: ("flag", "boolean", "true or false"),
}
"""What a definition is called, its type in JSON Schema, and that in words."""


def number(kind: type) -> Schema:
    """A number or flag, or an expression that gives one."""
    return reference(_NUMBERS[kind][0])


def any_number() -> Schema:
    """What an expression may give: a number, a flag, or a list of these."""
    scalar = {"type": ["number", "boolean"]}
    message = "Expected a number, true, false or an expression"
    return {
        **_or_expression(["number", "boolean", "array"], message),
        "allOf": [{"items": scalar}],
    }


def _or_expression(types: list[str], message: str) -> Schema:
    return {
        "type": ["string", *types],
        "maxLength": expr.MAX_LENGTH,
        "pattern": "^[\\x00-\\x7F]+$",
        "errorMessage": message,
    }


def _axes() -> Schema:
    """A whole number for all axes, or one per axis."""
    message = "Expected a whole number, an expression, or a list of one per axis"
    return {
        **_or_expression(["integer", "array"], message),
        "allOf": [{"items": number(int), "minItems": 1, "maxItems": MAX_RANK}],
    }


def _list(kind: type[int] | type[float], what: str) -> Schema:
    """A list of numbers of a kind."""
    message = f"Expected a list of {what}, or an expression that gives one"
    return {
        **_or_expression(["array"], message),
        "allOf": [{"items": number(kind), "minItems": 1}],
    }


def _padding() -> Schema:
    """A padding rule, or explicit numbers."""
    side = {"items": number(int), "minItems": 1, "maxItems": 2}
    message = "Expected `symmetric`, `same`, `valid`, numbers, or {param: name}"
    not_a_word = {"not": {"type": "string", "pattern": rf"^\s*{IDENTIFIER}\s*$"}}
    return {
        **_or_expression(["integer", "array", "object"], message),
        **words(fields.PADDING_RULES, not_a_word),
        "allOf": [
            {
                "items": {**_or_expression(["integer", "array"], message), "allOf": [side]},
                "minItems": 1,
                "maxItems": MAX_RANK,
            },
            reference("parameter_reference"),
        ],
    }


def _initializer() -> Schema:
    """An initialiser: a word, a constant, or a mapping with one key."""
    return {
        "type": ["string", "number", "object"],
        "errorMessage": "Expected the name of an initialiser, a number, or a mapping with one key",
        **words(fields.PLAIN_INITS, NOT_A_TEXT),
        "allOf": [reference("initializer_mapping")],
    }


def word(choices: Iterable[str]) -> Schema:
    """One of a fixed set of words, or a parameter that holds one."""
    listed = ", ".join(f"`{choice}`" for choice in choices)
    return {
        "type": ["string", "object"],
        "errorMessage": f"Expected one of {listed}, or {{param: name}}",
        **words(choices, NOT_A_TEXT),
        "allOf": [reference("parameter_reference")],
    }


def block_name() -> Schema:
    """A block by name: a built-in one, the user's, or a parameter that holds one."""
    built_in = sorted(library.built_in_blocks())
    known = {name: library.built_in_block(name).doc for name in built_in}
    return {"type": "string", **suggestions(known, identifier("the name of a block"))}


def value_definitions() -> dict[str, Schema]:
    """The definitions that the schemas of this module refer to."""
    fans = {"enum": list(fields.FANS)}
    given: dict[str, Schema] = dict.fromkeys(fields.FAN_INITS, fans)
    given |= {name: number(float) for name in fields.NUMBER_INITS}
    given["uniform"] = suggestions({"fan_in": "within ±1 / sqrt(fan_in)"}, number(float))
    given["variance_scaling"] = mapping(
        {
            "scale": number(float),
            "mode": fans,
            "distribution": {"enum": list(fields.DISTRIBUTIONS)},
        }
    )
    name = {"description": "the parameter whose value is taken", **reference("identifier")}
    numbers = {
        name: _or_expression([kind], f"Expected {what}, or an expression over parameters")
        for name, kind, what in _NUMBERS.values()
    }
    return {
        **numbers,
        "value": any_number(),
        "identifier": identifier(),
        "name": _NAME,
        "own_name": {**identifier("a name"), "doNotSuggest": True},
        "axes": _axes(),
        "sizes": _list(int, "whole numbers"),
        "numbers": _list(float, "numbers"),
        "padding": _padding(),
        "initializer": _initializer(),
        "parameter_reference": _for_mappings(mapping({"param": name}, ["param"])),
        "initializer_mapping": _for_mappings(
            {**mapping(given), "minProperties": 1, "maxProperties": 1}
        ),
    }


def _for_mappings(schema: Schema) -> Schema:
    """``schema`` for mappings, and no constraint on anything else."""
    return {key: value for key, value in schema.items() if key != "type"}
