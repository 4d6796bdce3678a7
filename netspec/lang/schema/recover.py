"""Binds a spec or a block file that breaks the schema as far as it is sound, so that the rest is checked too.

What is wrong is cut out: a step becomes one that gives an unknown type, a parameter one of unknown
value. :class:`Broken` says what was cut, so that nobody complains that it is missing.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from netspec.errors import Diagnostic, nearest
from netspec.lang.schema import bind, models
from netspec.lang.schema.problems import diagnostics
from netspec.lang.schema.syntax import BlockDefinition, Spec
from netspec.lang.source import Document, Location

MAX_ROUNDS = 8

_STEP_LISTS = ("stem", "head", "between", "body", "shortcut", "then", "else", "sequence")
_NAMES = ("params", "let", "blocks", "defaults", "variants")


@dataclass
class Broken:
    """What was cut out of a spec or a block file.

    Attributes:
        blocks: words in the place of a block that nobody knows, among them that of a step cut out.
        names: parameters and values that nobody knows.
        muted: codes that may be consequences.
        is_untyped: whether nobody knows what enters, so that no shape is known.
        is_rank_lost: whether steps are gone, so that nobody knows even whether a map or a vector leaves.
    """

    blocks: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    is_untyped: bool = False
    is_rank_lost: bool = False


def bind_recovering(document: Document) -> tuple[Spec | None, list[Diagnostic], Broken]:
    """The sound part of a spec, the problems of its text and schema, and what was cut out.

    The spec is None where nothing of it can be read.
    """
    model, sound, found, broken = _recover(models.SpecModel, document)
    return None if model is None else bind.to_spec(model, sound), found, broken


def bind_block_recovering(
    document: Document,
) -> tuple[BlockDefinition | None, list[Diagnostic], Broken]:
    """The same for the block of a block file."""
    model, sound, found, broken = _recover(models.BlockFile, document)
    return None if model is None else bind.to_block(model, sound), found, broken


def _recover(kind: type[Any], document: Document) -> tuple[Any, Document, list[Diagnostic], Broken]:
    """The model of the sound part of a document, that part, its problems, and what was cut out."""
    found = list(document.problems)
    broken = Broken()
    data = document.data
    if document.unreadable:
        surgery = _Surgery(kind, data, broken)
        for location in document.unreadable:
            surgery.cut(location)
        data = surgery.data
    for _ in range(MAX_ROUNDS):
        try:
            model = kind.model_validate(data)
        except ValidationError as error:
            found += diagnostics(error, data, document.spans)
            if any(diagnostic.code == "NS108" for diagnostic in found):
                break
            problems = error.errors(include_input=False, include_url=False, include_context=False)
            surgery = _Surgery(kind, data, broken)
            for problem in problems:
                surgery.cut(problem["loc"], problem["type"])
            data = surgery.data
        else:
            return model, replace(document, data=data), found, broken
    return None, document, found, broken


class _Surgery:
    def __init__(self, kind: type[Any], data: Any, broken: Broken) -> None:
        self._keys = kind.model_fields
        self._original = data
        self.data = copy.deepcopy(data)
        self._broken = broken
        text = repr(data)
        self._step = next(word for word in _words() if word not in text)
        broken.blocks.add(self._step)

    def cut(self, location: Location, kind: str = "") -> None:
        """Take out what is wrong at ``location``."""
        path = _existing(self._original, location)
        if not path:
            self._add_missing(str(location[0]) if location else "")
            return
        top = str(path[0])
        if kind == "extra_forbidden" and len(path) == 1:
            self.data.pop(top, None)
            self._forget_like(top)
        elif self._cut_step(path):
            pass
        elif top == "stages":
            self._cut_stage(path)
        elif top in _NAMES:
            self._cut_named(top, path)
        elif top in ("stem", "head", "body"):
            self.data[top] = [self._step]
        elif top == "input":
            self._cut_input()
        else:
            self.data.pop(top, None)
            self._add_missing(top)

    def _cut_input(self) -> None:
        given = self._original["input"]
        if isinstance(given, dict) and any(isinstance(each, dict) for each in given.values()):
            self._broken.muted.add("NS225")  # names of inputs are gone
        size = given.get("size") if isinstance(given, dict) else None
        rank = len(size) if isinstance(size, list) and len(size) in (1, 2, 3) else 2
        self.data["input"] = {"channels": 1, "size": [1] * rank}
        self._broken.is_untyped = True

    def _add_missing(self, key: str) -> None:
        match key:
            case "netspec":
                self.data[key] = models.LANGUAGE_VERSION
            case "name":
                self.data[key] = "unnamed"
            case "block":
                self.data[key] = "unnamed"
                self._broken.muted.add("NS116")
            case "body":
                self.data[key] = []
            case "input":
                self.data[key] = {"channels": 1, "size": [1, 1]}
                self._broken.is_untyped = True

    def _forget_like(self, key: str) -> None:
        """A misspelt section is missing as what it was meant to be."""
        meant = nearest(key, self._keys)
        if meant in _NAMES:
            self._broken.muted |= {"NS202", "NS206", "NS207", "NS208", "NS210"}
        if meant in (*_NAMES, "stem", "stages", "input"):
            self._broken.is_untyped = True
        if meant in ("stem", "stages"):
            self._broken.is_rank_lost = True
        self._broken.muted |= {"NS212", "NS214"}

    def _cut_step(self, path: Location) -> bool:
        """Put an unknown step in place of the innermost one around ``path``; False where there is none."""
        place: tuple[Any, str | int] | None = None
        value, keys = self.data, [""]
        for part in path:
            parent = value
            if not isinstance(parent, dict | list) or part not in _parts(parent):
                break  # something around it is cut out already
            value = _at(parent, part)
            if isinstance(part, int):
                if keys[-1] in _STEP_LISTS or keys[-2:-1] == ["branches"]:
                    place = (parent, part)
                continue
            keys.append(part)
            if part in _STEP_LISTS and part not in ("body", "sequence") and isinstance(value, dict):
                place = (parent, part)  # a single step stands for a list of one
        if place is None:
            return False
        container: Any = place[0]
        container[place[1]] = self._unknown(container[place[1]])
        return True

    def _unknown(self, step: Any) -> dict[str, Any]:
        """An unknown step, with the name of the result of the step whose place it takes."""
        result = step.get("as") if isinstance(step, dict) else None
        named = isinstance(result, str) and result.isidentifier() and result.isascii()
        return {self._step: {}, **({"as": result} if named else {})}

    def _cut_stage(self, path: Location) -> None:
        stages, index = self.data["stages"], path[1] if len(path) > 1 else None
        if isinstance(stages, list) and isinstance(index, int):
            stages[index] = {"block": self._step}
        else:
            self.data["stages"] = [{"block": self._step}]
        self._broken.muted.add("NS214")

    def _cut_named(self, section: str, path: Location) -> None:
        if section == "defaults":
            self._broken.is_untyped = True
            self._broken.muted.add("NS208")
        if len(path) == 1:
            self.data[section] = {}
            self._broken.muted |= {"NS202", "NS206", "NS207", "NS210", "NS211"}
            return
        name = str(path[1])
        self.data[section].pop(name, None)
        if section == "blocks":
            self._broken.blocks.add(name)
        elif section == "variants":
            self._broken.muted.add("NS210")
        elif section in ("params", "let"):
            self._broken.names.add(name)


def _words() -> Iterator[str]:
    return (f"unknown_{number}" for number in itertools.count())


def _parts(value: dict[str, Any] | list[Any]) -> Collection[str | int]:
    return value.keys() if isinstance(value, dict) else range(len(value))


def _existing(data: Any, location: Location) -> Location:
    """The part of ``location`` that leads through keys and items, without Pydantic's tags of unions."""
    path: list[str | int] = []
    for part in location:
        if isinstance(data, dict | list) and part in _parts(data):
            data = _at(data, part)
            path.append(part)
    return tuple(path)


def _at(value: Any, part: str | int) -> Any:
    return value[part]
