"""Pydantic's errors as diagnostics: keyed on their types, never on their English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from netspec.errors import Diagnostic, Span, by_position, did_you_mean, nearest
from netspec.lang.schema import models
from netspec.lang.schema.elsewhere import attribute_help, mapping_help, step_help
from netspec.lang.schema.refusal import Refusal
from netspec.lang.source import Location, SpanTree
from netspec.ops import OPS

MAX_PROBLEMS = 50

_EXPECTED: Mapping[str, str] = {
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
}


def diagnostics(
    error: ValidationError, data: Any, spans: SpanTree, within: Location = ()
) -> list[Diagnostic]:
    """One diagnostic for each problem of ``data``, in the order of the text.

    ``within`` is where ``data`` stands, when that is not the whole document.
    """
    problems = [
        {**problem, "loc": tuple(p for p in problem["loc"] if p not in models.INPUT_TAGS)}
        for problem in error.errors(include_input=False, include_url=False)[:MAX_PROBLEMS]
    ]
    found: dict[tuple[str, Span | None], Diagnostic] = {}
    for problem in problems:
        if _is_consequence(problem, problems, spans):
            continue
        diagnostic = _diagnostic(problem, data, spans, within)
        # The members of a union fail one by one; the first says enough.
        kind = "" if diagnostic.code in ("NS103", "NS104") else diagnostic.message
        found.setdefault((kind, diagnostic.span), diagnostic)
    for diagnostic in found.values():
        if diagnostic.code == "NS108":
            return [diagnostic]  # what else is wrong may be right in that version
    return sorted(found.values(), key=by_position)


def _is_consequence(
    problem: Mapping[str, Any], problems: Sequence[Mapping[str, Any]], spans: SpanTree
) -> bool:
    """Whether another problem says it better.

    A key is missing because it is misspelt; or the value is of one member of a union and has a
    problem inside, so that the other members have nothing to say.
    """
    location: Location = problem["loc"]
    if problem["type"] == "missing":
        return any(
            other["type"] == "extra_forbidden"
            and other["loc"][:-1] == location[:-1]
            and nearest(str(other["loc"][-1]), [str(location[-1])]) is not None
            for other in problems
        )
    if problem["type"] not in _EXPECTED:
        return False
    places = [spans.find(other["loc"]) for other in problems if other is not problem]
    return any(spans.find(location).surrounds(place) for place in places)


def _diagnostic(
    problem: Mapping[str, Any], data: Any, spans: SpanTree, within: Location
) -> Diagnostic:
    location: Location = problem["loc"]
    kind, context = problem["type"], problem.get("ctx", {})
    span = spans.find(location)
    key = location[-1] if location else ""
    match kind:
        case "extra_forbidden":
            return Diagnostic(
                "NS101",
                f"unknown key `{key}`",
                spans.find_key(location),
                _key_help(str(key), (*within, *location)),
            )
        case "missing":
            return Diagnostic("NS102", f"missing key `{key}`", spans.find_key(location[:-1]))
        case "value_error":
            return _refusal(context["error"], location, spans)
        case "literal_error" if (*within, *location) == ("netspec",):
            message = f"this release knows version {context['expected']} of the language"
            return Diagnostic("NS108", message, span, f"write `netspec: {context['expected']}`")
        case "string_pattern_mismatch" if key == "[key]":
            message = f"`{location[-2]}` is not an identifier: letters, digits and `_`"
            return Diagnostic("NS104", message, spans.find_key(location[:-1]))
        case "string_pattern_mismatch":
            message = (
                f"{_look_up(data, location)[1]} must be an identifier: letters, digits and `_`"
            )
            return Diagnostic("NS104", message, span)
    found, label = _look_up(data, location)
    message = f"{label} must be {_expected(kind, context)}"
    if kind in _EXPECTED:
        message += f", got {kind_of(found)}"
    hint = None
    if kind == "model_type" and isinstance(key, str):
        hint = mapping_help(key, found)
    if kind == "list_type" and isinstance(found, str | int | float):
        hint = f"write it as a list: [{found}]"
        if location[:1] == ("input",) and key == "size":
            hint = f"one length for each spatial axis, such as [{found}, {found}]"
    return Diagnostic("NS103", message, span, hint)


def _refusal(error: Exception, location: Location, spans: SpanTree) -> Diagnostic:
    if not isinstance(error, Refusal):
        return Diagnostic("NS103", str(error), spans.find(location))
    place = (*location, *error.at)
    span = spans.find_key(place) if error.on_key else spans.find(place)
    return Diagnostic(error.code, error.message, span, error.help)


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "literal_error":
            return "one of " + str(context["expected"]).replace("'", "`").replace(" or ", ", ")
        case "too_short":
            return f"a list of {context['min_length']} or more"
        case "too_long":
            return f"a list of at most {context['max_length']}"
        case "string_too_short":
            return "a text, not empty"
        case "string_too_long":
            return f"at most {context['max_length']} characters"
    return _EXPECTED.get(kind, "another value")


def _look_up(data: Any, location: Location) -> tuple[Any, str]:
    """The value at ``location``, as far as that leads through what exists, and what people call it.

    That is its key, or the item of the list under a key; Pydantic's tags of unions are passed over.
    """
    found, key, label = data, "the value", "the value"
    for part in location:
        if isinstance(found, dict) and part in found:
            found, key = found[part], f"`{part}`"
            label = key
        elif isinstance(found, list) and isinstance(part, int) and part < len(found):
            found, label = found[part], f"item {part + 1} of {key}"
    return found, label


def kind_of(value: Any) -> str:
    """What kind of value this is, in the words of the language."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    words = {int: "a number", float: "a number", str: "a text", list: "a list", dict: "a mapping"}
    return words.get(type(value), type(value).__name__)


def _key_help(key: str, location: Location) -> str | None:
    parents = [part for part in location[:-1] if isinstance(part, str)]
    if parents and parents[-1] in OPS:
        return attribute_help(key, parents[-1])
    if parents[-1:] == ["defaults"]:
        return step_help(key, ["norm", "act", *OPS])
    return did_you_mean(key, _known_keys(parents))


def _known_keys(parents: Sequence[str]) -> list[str]:
    """The keys that a mapping below ``parents`` may have, for the nearest name."""
    if not parents:
        return sorted({*models.SpecModel.model_fields, *models.BlockFile.model_fields})
    parent = parents[-1]
    by_parent: dict[str, type[BaseModel]] = {
        "input": models.InputModel,
        "residual": models.Residual,
        "gate": models.Gate,
        "concat": models.Concat,
        "repeat": models.Repeat,
        "when": models.When,
    }
    model = by_parent.get(parent)
    if model is None and len(parents) > 1:
        by_grandparent: dict[str, type[BaseModel]] = {
            "blocks": models.BlockBody,
            "checkpoints": models.CheckpointModel,
            "input": models.InputModel,
        }
        model = by_grandparent.get(parents[-2])
    return [] if model is None else [f.alias or name for name, f in model.model_fields.items()]
