"""Blocks that were expanded and need not be expanded again: in this file, and in all files.

What a block comes to depends on the call (:mod:`netspec.elaborate.instances`) and on the defaults of the
spec. A built-in block whose arguments hold nothing of a spec's own is the same in every file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from netspec.check.validate.problems import Key as ProblemKey
from netspec.elaborate.instances import Call, Instance, Key, Keys
from netspec.elaborate.reader import Reader
from netspec.elaborate.scope import BlockValue, StepsValue
from netspec.lang.expression.unknown import is_unknown
from netspec.lang.library import BUILT_IN
from netspec.lang.schema.syntax import BlockDefinition, Spec
from netspec.ops.types import TensorType

MAX_SHARED = 5_000

_WORD = re.compile(r"[A-Za-z_]\w*")


class Checked(NamedTuple):
    """A block that was expanded.

    Attributes:
        instance: what it came to.
        is_whole: whether every step of it gave something.
        problems: what was found in it.
        blocks: the names by which other blocks were found on the way.
    """

    instance: Instance
    is_whole: bool
    problems: frozenset[ProblemKey]
    blocks: frozenset[str]


_SHARED: dict[tuple[str, Key], Checked] = {}


class Known:
    """The blocks that checking a file has expanded so far.

    Attributes:
        reader: what was read of the spec.
        files: the blocks that were found outside the spec, by name.
        trail: the names by which blocks were found, in order.
    """

    def __init__(self, spec: Spec, defaults: Any) -> None:
        self.reader = Reader()
        self.files: dict[str, BlockDefinition] = {}
        self.trail: list[str] = []
        self._keys = Keys(spec.defaults)
        self._instances: dict[Key, Checked] = {}
        self._defaults = json.dumps(defaults, sort_keys=True, default=str)
        words = _WORD.findall(self._defaults)
        self._default_names = sorted({*words} & {*spec.params, *spec.let})

    def key(
        self, call: Call, source: TensorType, nesting: int, environment: Mapping[str, Any]
    ) -> Key:
        """Equal for blocks that come to the same; ``environment`` is the spec's."""
        outer = self._keys.frozen(environment.get(name) for name in self._default_names)
        return (outer, self._keys.of(call, source, nesting))

    def find(self, key: Key) -> Checked | None:
        """The block of this key, from this file or another."""
        found = self._instances.get(key)
        if found is None and self._keys.has_plain_roles:
            found = _SHARED.get((self._defaults, key))
        return found

    def add(self, key: Key, checked: Checked) -> None:
        """Remember a block, for all files where nothing in it is this spec's own."""
        self._instances[key] = checked
        call = checked.instance.call
        is_shared = (
            self._keys.has_plain_roles
            and len(_SHARED) < MAX_SHARED
            and checked.is_whole
            and not checked.problems
            and _is_built_in(call.definition)
            and all(_is_common(value) for value in call.arguments.values())
            and all(name in self.files for name in checked.blocks)
            and all(_is_built_in(self.files[name]) for name in checked.blocks)
        )
        if is_shared:
            _SHARED[self._defaults, key] = checked


def _is_built_in(definition: BlockDefinition) -> bool:
    return definition.span.file.startswith(BUILT_IN)


def _is_common(value: Any) -> bool:
    """Whether a value holds nothing that belongs to one spec."""
    if isinstance(value, BlockValue):
        return _is_built_in(value.definition)
    if isinstance(value, StepsValue):
        return not value.steps or value.environment is None
    return not is_unknown(value)
