"""Steps that are named and wired, as plain values for YAML: each as short as people write it."""

from __future__ import annotations

from typing import Any

from netspec.unparse.document import Braces, Brackets
from netspec.unparse.steps import Row, Step

SHORT = 2
"""So many steps without any inside are written behind one another."""


def written(row: Row) -> list[Any]:
    """Steps as a list."""
    return [_step(step) for step in row]


def short(row: Row) -> list[Any]:
    """Steps of a part: in brackets where they are few and simple."""
    found = written(row)
    simple = all(isinstance(step, str) or _is_simple(step) for step in found)
    return Brackets(_flat(step) for step in found) if simple and len(found) <= SHORT else found


def _is_simple(step: dict[str, Any]) -> bool:
    ((_, value), *others) = step.items()
    return not others and (value is None or isinstance(value, Braces))


def _flat(step: Any) -> Any:
    return step if isinstance(step, str) else Braces(step)


def _step(step: Step) -> Any:
    found: dict[str, Any] = {}
    if step.name:
        found["name"] = step.name
    if step.results:
        found["as"] = step.results[0] if len(step.results) == 1 else Brackets(step.results)
    if step.origins:
        is_list = step.lists
        found["from"] = Brackets(step.origins) if is_list else step.origins[0]
    if step.kind == "merge" and step.word != "add":
        found["merge"] = step.word
    if step.kind in ("merge", "pass"):
        return Braces(found) if not step.name else found
    value = _value(step)
    if not value and step.kind in ("op", "call"):
        return {**found, step.word: None} if found else step.word
    return {**found, step.word: value}


def _value(step: Step) -> Any:
    match step.kind:
        case "sequence":
            return written(step.parts[""])
        case "hold":
            return Braces(step.said) if step.said else Brackets()
        case "repeat":
            return {"times": len(step.rounds), "body": written(step.rounds[0])}
        case "when":
            sides = {key: _one(part, short(part)) for key, part in step.parts.items() if part}
            return {**step.said, **sides}
        case "part":
            bodies = {key: _part(step, key, part) for key, part in step.parts.items()}
            merge = step.said.get("merge", "add")
            more = {} if merge == "add" else {"merge": merge}
            return {key: body for key, body in bodies.items() if body is not None} | more
    return step.said


def _part(step: Step, key: str, part: Row) -> Any:
    """A part of a combinator; None where it may be left out."""
    if key == "shortcut":
        return _one(part, written(part)) if part else None
    found = short(part) if step.word == "branches" else written(part)
    return found or Brackets()


def _one(part: Row, steps: list[Any]) -> Any:
    """Steps where a single one need be no list: a `when` stands for itself."""
    return steps[0] if len(part) == 1 and part[0].kind == "when" else steps
