"""Blocks that were expanded and need not be expanded again: in this file, and in all files.

What a block comes to depends on its definition, its arguments, what enters it, the calls on the way,
and the defaults of the spec. A built-in block whose arguments hold nothing of a spec's own is the same
in every file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netspec import tree
from netspec.elaborate.lookup import Calls
from netspec.elaborate.scope import BlockValue, StepsValue
from netspec.library import BUILT_IN
from netspec.schema.syntax import BlockDefinition, OpAction, Spec
from netspec.types import TensorType
from netspec.unknown import is_unknown
from netspec.validate.problems import Key as ProblemKey

Key = tuple[Any, ...]

MAX_SHARED = 5_000

_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Instance:
    """A block that was expanded.

    Attributes:
        block: the node, under the path where it was first.
        layers: how many layers it has.
        problems: what was found in it.
        blocks: the names by which other blocks were found on the way.
    """

    block: tree.Block
    layers: int
    problems: frozenset[ProblemKey]
    blocks: frozenset[str]


_SHARED: dict[tuple[str, Key], Instance] = {}


class Known:
    """The blocks that checking a file has expanded so far.

    Attributes:
        files: the blocks that were found outside the spec, by name.
        trail: the names by which blocks were found, in order.
    """

    def __init__(self, spec: Spec, defaults: Any) -> None:
        self.files: dict[str, BlockDefinition] = {}
        self.trail: list[str] = []
        self._instances: dict[Key, Instance] = {}
        self._words: dict[int, frozenset[str]] = {}
        self._defaults = json.dumps(defaults, sort_keys=True, default=str)
        words = _WORD.findall(self._defaults)
        self._default_names = sorted({*words} & {*spec.params, *spec.let})
        roles = spec.defaults.roles.values()
        self._is_shareable = all(isinstance(role.action, OpAction) for role in roles)

    def key(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Any],
        source: TensorType,
        calls: Calls,
        environment: Mapping[str, Any],
    ) -> Key:
        """Equal for blocks that come to the same; ``environment`` is the spec's."""
        return (
            id(definition),
            tuple(self._frozen(environment.get(name)) for name in self._default_names),
            tuple(self._frozen(value) for value in arguments.values()),
            _type_key(source),
            tuple(name for name, _ in calls),
        )

    def find(self, key: Key) -> Instance | None:
        """The block of this key, from this file or another."""
        found = self._instances.get(key)
        if found is None and self._is_shareable:
            found = _SHARED.get((self._defaults, key))
        return found

    def add(
        self,
        key: Key,
        definition: BlockDefinition,
        arguments: Mapping[str, Any],
        instance: Instance,
    ) -> None:
        """Remember a block, for all files where nothing in it is this spec's own."""
        self._instances[key] = instance
        is_shared = (
            self._is_shareable
            and len(_SHARED) < MAX_SHARED
            and not instance.problems
            and _is_built_in(definition)
            and all(_is_common(value) for value in arguments.values())
            and all(name in self.files for name in instance.blocks)
            and all(_is_built_in(self.files[name]) for name in instance.blocks)
        )
        if is_shared:
            _SHARED[self._defaults, key] = instance

    def _frozen(self, value: Any) -> Key:
        if isinstance(value, list):
            return ("list", *(self._frozen(item) for item in value))
        if isinstance(value, BlockValue):
            return ("block", id(value.definition))
        if not isinstance(value, StepsValue):
            return (type(value).__name__, repr(value) if is_unknown(value) else value)
        if not value.steps:
            return ("steps",)
        if value.environment is None:
            return ("steps", id(value.raw))
        environment = value.environment
        names = sorted(self._names_in(value.raw) & environment.keys())
        calls = tuple(name for name, _ in value.calls or ())
        seen = tuple((name, self._frozen(environment[name])) for name in names)
        return ("steps", id(value.raw), calls, seen)

    def _names_in(self, raw: Any) -> frozenset[str]:
        if id(raw) not in self._words:
            self._words[id(raw)] = frozenset(_WORD.findall(json.dumps(raw, default=str)))
        return self._words[id(raw)]


def _type_key(source: TensorType) -> Key:
    shape = tuple(repr(number) if is_unknown(number) else number for number in source.shape)
    flat = source.flat
    layout = (flat.order, flat.channels, flat.size) if flat is not None else None
    return (shape, source.non_negative, layout)


def _is_built_in(definition: BlockDefinition) -> bool:
    return definition.span.file.startswith(BUILT_IN)


def _is_common(value: Any) -> bool:
    """Whether a value holds nothing that belongs to one spec."""
    if isinstance(value, BlockValue):
        return _is_built_in(value.definition)
    if isinstance(value, StepsValue):
        return not value.steps or value.environment is None
    return not is_unknown(value)
