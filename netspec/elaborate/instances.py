"""Blocks that come back: one that was expanded stands elsewhere too, under other names.

What a block comes to depends on its definition, its arguments, what enters it, and the calls on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from netspec.elaborate.lookup import Calls
from netspec.elaborate.scope import BlockValue, StepsValue, given
from netspec.errors import Span
from netspec.ir import Node, Region, Value
from netspec.ir.formula import NO_FORMULAS, NO_INDICES, Formulas, Indices
from netspec.lang.expression.unknown import is_unknown
from netspec.lang.schema.syntax import BlockDefinition, Defaults, OpAction
from netspec.ops.types import TensorType

Key = tuple[Any, ...]

_WORD = re.compile(r"[A-Za-z_]\w*")


class Call(NamedTuple):
    """A call of a block.

    Attributes:
        definition: the block.
        arguments: the value of each of its parameters.
        span: where it is called.
        calls: the blocks and roles on the way here.
        formulas: what the arguments are made of.
        indices: the values of the names in them that count.
    """

    definition: BlockDefinition
    arguments: Mapping[str, Any]
    span: Span
    calls: Calls = ()
    formulas: Formulas = NO_FORMULAS
    indices: Indices = NO_INDICES


class Instance(NamedTuple):
    """A block that was expanded.

    Attributes:
        call: what it came from.
        region: what it came to, under the path where it was first.
        layers: how many layers it has.
        steps: how many steps it took.
    """

    call: Call
    region: Region
    layers: int
    steps: int


class Keys:
    """Says which blocks of a spec with these defaults are equal."""

    def __init__(self, defaults: Defaults) -> None:
        roles = defaults.roles.values()
        self.has_plain_roles = all(isinstance(role.action, OpAction) for role in roles)
        self._words: dict[int, frozenset[str]] = {}
        self._numbers: dict[Key, int] = {}

    def of(self, call: Call, source: TensorType, nesting: int) -> Key:
        """Equal for calls that come to the same, but for names and for the values of what counts."""
        return (
            call.definition,
            nesting,
            self.frozen(call.arguments.values()),
            _type_key(source),
            tuple([name for name, _ in call.calls]),
        )

    def frozen(self, values: Iterable[Any]) -> Key:
        """Equal for values that mean the same."""
        known: dict[int, Key] = {}
        return tuple([self._frozen(value, known) for value in values])

    def _frozen(self, value: Any, known: dict[int, Key]) -> Any:
        if isinstance(value, list):
            return ("list", *(self._frozen(item, known) for item in value))
        if isinstance(value, BlockValue):
            return ("block", value.definition)
        if not isinstance(value, StepsValue):
            return (type(value), repr(value) if is_unknown(value) else value)
        if not value.steps:
            return "steps"
        if value.environment is None:
            return ("steps", id(value.raw))
        if id(value) not in known:
            known[id(value)] = (self, "itself", id(value.raw))  # a slot may be filled by itself
            environment = value.environment
            words = self._words_in(value.raw)
            # What counts around the steps is set anew in a copy, but not told from what counts in them.
            is_counted = "repeat" in words or not self.has_plain_roles
            counted = tuple(value.indices.items()) if is_counted else ()
            names = sorted(words & environment.keys())
            calls = tuple(name for name, _ in value.calls or ())
            seen = tuple((name, self._frozen(environment[name], known)) for name in names)
            content = (id(value.raw), calls, seen, counted)
            known[id(value)] = (self, self._numbers.setdefault(content, len(self._numbers)))
        return known[id(value)]

    def _words_in(self, raw: Any) -> frozenset[str]:
        if id(raw) not in self._words:
            self._words[id(raw)] = frozenset(_WORD.findall(json.dumps(raw, default=str)))
        return self._words[id(raw)]


def _type_key(source: TensorType) -> Key:
    shape = tuple([repr(number) if is_unknown(number) else number for number in source.shape])
    flat = source.flat
    layout = (flat.order, flat.channels, flat.size) if flat is not None else None
    return (shape, source.non_negative, layout)


def again(
    instance: Instance,
    call: Call,
    path: str,
    source: Value,
    ids: Iterator[int],
    names: dict[int, dict[str, str]],
) -> Region:
    """The block of an instance at another call, which comes to the same.

    Its values are counted by ``ids``, and what they are called is added to ``names``.
    """
    first = instance.region
    copy = _Copy(instance, call, path, ids, names)
    copy.values[first.source.id] = source
    return Region(
        "block",
        copy.items(first.items),
        source,
        copy.values[first.result.id],
        path,
        definition=first.definition,
        arguments=given(call.arguments),
        span=call.span,
        formulas=call.formulas,
        indices=call.indices,
        decided=first.decided,
    )


class _Copy:
    def __init__(
        self,
        instance: Instance,
        call: Call,
        path: str,
        ids: Iterator[int],
        names: dict[int, dict[str, str]],
    ) -> None:
        self.values: dict[int, Value] = {}
        self._ids = ids
        self._names = names
        self._block = instance.region.path
        self._start = len(self._block)
        self._path = path
        # What counts around steps that the block was given, where that differs.
        self._counted: dict[str, int] = {}
        for name, value in call.arguments.items():
            if (
                isinstance(value, StepsValue)
                and value.indices != instance.call.arguments[name].indices
            ):
                self._counted |= value.indices

    def items(self, items: tuple[Node | Region, ...]) -> tuple[Node | Region, ...]:
        """The same with other names and values."""
        return tuple(
            [self._node(item) if isinstance(item, Node) else self._region(item) for item in items]
        )

    def _node(self, node: Node) -> Node:
        values = self.values
        inputs = tuple([values[value.id] for value in node.inputs])
        outputs = tuple([self._value(old) for old in node.outputs])
        path = self._path + node.path[self._start :]
        indices = self._indices(node.indices)
        return Node(node.op, inputs, outputs, path, node.span, node.formulas, indices)

    def _value(self, old: Value) -> Value:
        new = self.values[old.id] = Value(next(self._ids), old.type)
        if old.id in self._names:
            self._names[new.id] = {
                self._path + block[self._start :]: name
                for block, name in self._names[old.id].items()
                if f"{block}.".startswith(f"{self._block}.")
            }
        return new

    def _region(self, region: Region) -> Region:
        source, items = self.values[region.source.id], self.items(region.items)
        return Region(
            region.kind,
            items,
            source,
            self.values[region.result.id],
            self._path + region.path[self._start :] if region.path else "",
            region.definition,
            region.arguments,
            region.span,
            region.formulas,
            self._indices(region.indices),
            region.test,
            region.outcome,
            region.position,
            region.decided,
        )

    def _indices(self, indices: Indices) -> Indices:
        if not (self._counted and indices):
            return indices
        return {name: self._counted.get(name, value) for name, value in indices.items()}
