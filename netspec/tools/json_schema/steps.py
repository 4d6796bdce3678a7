"""Schemas of steps: words, and mappings with one op, combinator, role or block."""

from __future__ import annotations

from itertools import combinations

from netspec.elaborate.lookup import LANGUAGE_ROLES
from netspec.lang import library
from netspec.lang.schema import models
from netspec.lang.schema.attributes import op_model
from netspec.ops import OPS, Op, attributes_of
from netspec.tools.json_schema.describe import attribute_text, op_markdown
from netspec.tools.json_schema.models import object_schema
from netspec.tools.json_schema.parameters import block_arguments
from netspec.tools.json_schema.values import (
    Schema,
    identifier,
    mapping_of,
    reference,
    suggestions,
)

ROLES = tuple(models.DefaultsModel.model_fields)

_ONE_KEY = "A step has one key besides " + ", ".join(f"`{key}`" for key in models.META)


_DOCS = ("description", "markdownDescription")


def step_definitions() -> dict[str, Schema]:
    """The definitions for steps and lists of steps."""
    actions = _actions()
    return {
        "step": {
            "type": ["string", "object"],
            "errorMessage": "Expected a step: a word, or a mapping with an op, combinator or block",
            **suggestions(_words(), _word()),
            "allOf": [{"if": {"type": "object"}, "then": reference("step_mapping")}],
        },
        "step_mapping": _step_mapping(actions),
        "step_list": {"type": "array", "items": reference("step")},
        "steps": {
            "type": ["array", "string", "object"],
            "errorMessage": "Expected a list of steps, or one step",
            "allOf": [
                {"if": {"type": ["string", "object"]}, "then": reference("step")},
                {"items": reference("step")},
            ],
        },
        "call": {
            **mapping_of(True),
            "type": ["object", "null"],
            "errorMessage": "A block takes its arguments as a mapping",
        },
        **{f"op_{kind}": _op(op) for kind, op in OPS.items()},
        **{f"block_{name}": block_arguments(library.built_in_block(name)) for name in _built_in()},
    }


def _built_in() -> list[str]:
    return sorted(library.built_in_blocks())


def _op(op: type[Op]) -> Schema:
    """The attributes of an op; none is required, since `defaults` may fill it."""
    schema = object_schema(op_model(op.kind))
    for name, info in attributes_of(op).items():
        schema["properties"][name]["description"] = attribute_text(info)
    return {**schema, "type": ["object", "null"], "markdownDescription": op_markdown(op)}


def _actions() -> dict[str, Schema]:
    """What a step of each known kind takes, by the key that says the kind."""
    return {
        **{role: _role(role) for role in ROLES},
        **{kind: reference(f"op_{kind}") for kind in OPS},
        **{name: _combinator(name) for name in models.COMBINATORS},
        **{name: reference(f"block_{name}") for name in _built_in()},
    }


def _combinator(name: str) -> Schema:
    description = {"description": models.Step.model_fields[name].description or ""}
    if name == "sequence":
        return {**description, **reference("step_list")}
    return {**description, **reference(name)}


def combinator_definitions() -> dict[str, Schema]:
    """The definitions for the combinators that take a mapping."""
    return {
        name: object_schema(model)
        for name, model in models.COMBINATOR_TYPES.items()
        if name != "sequence"
    }


def _role(role: str) -> Schema:
    """What a step gives to the step that a role stands for; whose attributes these are is not known."""
    module = OPS[LANGUAGE_ROLES[role]].__module__
    known: dict[str, Schema] = {}
    for op in OPS.values():
        if op.__module__ == module:
            for name, info in attributes_of(op).items():
                known.setdefault(name, {"description": info.doc})
    return {
        "description": models.DefaultsModel.model_fields[role].description or "",
        "type": ["object", "null"],
        "properties": known,
        "propertyNames": reference("own_name"),
    }


def _words() -> dict[str, str]:
    """The words that are a step as they stand, with their meanings."""
    roles = {role: models.DefaultsModel.model_fields[role].description or "" for role in ROLES}
    ops = {
        kind: op.__doc__ or ""
        for kind, op in OPS.items()
        if not (op.one_of or any(info.required for info in attributes_of(op).values()))
    }
    blocks = {name: library.built_in_block(name) for name in _built_in()}
    complete = {
        name: block.doc
        for name, block in blocks.items()
        if all(param.default is not None for param in block.params.values())
    }
    return {**roles, **ops, **complete}


def _word() -> Schema:
    """A step in a word: an op, role, block or slot, and no combinator."""
    taken = {
        "if": {"enum": [*models.META, *models.COMBINATORS]},
        "then": {"type": "object", "errorMessage": "This is no step without a value"},
    }
    return {"if": {"type": "string"}, "then": {**identifier("the name of a step"), **taken}}


def _step_mapping(actions: dict[str, Schema]) -> Schema:
    """A step with values: exactly one key besides those that every step takes."""
    common = object_schema(models.StepBase)["properties"]
    allowed = {
        action: {
            "properties": {action: schema},
            "propertyNames": {"enum": [action, *models.META], "errorMessage": _ONE_KEY},
        }
        for action, schema in actions.items()
    }
    no_action = {"propertyNames": {"enum": list(models.META)}}
    needed = {"required": ["from"], "errorMessage": "A step needs an op, a combinator or a block"}
    return {
        "properties": common,
        "dependencies": allowed,
        "if": {"anyOf": [{"required": [action]} for action in actions]},
        "else": {
            "properties": {**_offers(actions), **common},
            "propertyNames": reference("own_name"),
            "additionalProperties": reference("call"),
            "allOf": [_one_key(), {"if": no_action, "then": needed}],
        },
    }


def _offers(actions: dict[str, Schema]) -> dict[str, Schema]:
    """The actions for completion alone: what is a step in a word is completed without a colon."""
    complete = _words()
    offers: dict[str, Schema] = {}
    for action, schema in actions.items():
        shown = _op(OPS[action]) if action in OPS else schema
        docs: Schema = {key: shown[key] for key in _DOCS if key in shown}
        offers[action] = docs if action in complete else {**docs, "anyOf": [{}]}
    return offers


def _one_key() -> Schema:
    """At most one key besides those of :data:`models.META`, whatever it is."""
    schema: Schema = {"maxProperties": 1}
    for size in range(1, len(models.META) + 1):
        present = [{"required": list(keys)} for keys in combinations(models.META, size)]
        schema = {"if": {"anyOf": present}, "then": {"maxProperties": size + 1}, "else": schema}
    return schema
