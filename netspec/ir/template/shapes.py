"""Regions by their shape: all that is in them, with paths and values counted from their own start.

Regions of one shape are one for whoever compares them (hash-consing, after Ershov, 1958), so that a
thousand equal blocks cost what one does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from netspec.errors import NetspecError
from netspec.ir.definition import plain
from netspec.ir.formula import (
    HERE,
    IN_CHANNELS,
    IN_SIZE,
    NETWORK_SCOPE,
    Formula,
    Formulas,
    qualify,
)
from netspec.ir.program import Node, Program, Region, Value
from netspec.lang.expression.symbolic import Varying
from netspec.ops.base import frozen
from netspec.ops.types import TensorType

Key = tuple[Any, ...]

NAMING = ("block", "inline")
"""Kinds of regions that have a scope of their own."""


class Surroundings:
    """What names mean around the regions of programs."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = {id(program.main): program for program in programs}

    def name_of(self, value: Value, block: Region) -> str | None:
        """What the spec calls a result of ``block``, or of a whole network; None for most."""
        main = block
        while id(main) in self._around:
            main = self._around[id(main)]
        return self._programs[id(main)].names.get(value.id, {}).get(block.path)

    @cached_property
    def _around(self) -> Mapping[int, Region]:
        """The region around each, by identity."""
        found: dict[int, Region] = {}
        waiting = [program.main for program in self._programs.values()]
        while waiting:
            region = waiting.pop()
            inner = [item for item in region.items if isinstance(item, Region)]
            found.update((id(item), region) for item in inner)
            waiting += inner
        return found

    def outside(self, region: Region, name: str) -> Any:
        """What a qualified name means where ``region`` stands; raises KeyError where it means nothing.

        Names that count are left out: nodes and regions carry those themselves.
        """
        scope, _, own = name.rpartition(".")
        around = self._around.get(id(region))
        while around is not None:
            if _scope_of(around) == scope:
                return self.inside(around, own)
            around = self._around.get(id(around))
        raise KeyError(name)

    def inside(self, region: Region, name: str) -> Any:
        """What a name of its own means in ``region``; raises KeyError where it means nothing."""
        if name in region.arguments:
            return plain(region.arguments[name])
        if name == IN_CHANNELS and region.kind in NAMING:
            return region.source.type.channels
        if name == IN_SIZE and region.kind in NAMING:
            return list(region.source.type.size)
        if region.definition is None or name not in region.definition.let:
            raise KeyError(name)
        try:
            return region.definition.let[name].evaluate(_Inside(self, region))
        except NetspecError:
            raise KeyError(name) from None


def _scope_of(region: Region) -> str | None:
    """The scope that a region has; None for one that gives no names."""
    if region.kind == "network":
        return NETWORK_SCOPE
    if region.kind in NAMING and region.definition is not None:
        return region.definition.name
    return None


class _Inside(Mapping[str, Any]):
    """The names of a region itself, qualified."""

    def __init__(self, surroundings: Surroundings, region: Region) -> None:
        self._surroundings = surroundings
        self._region = region

    def __getitem__(self, name: str) -> Any:
        scope, _, own = name.rpartition(".")
        if scope != _scope_of(self._region):
            raise KeyError(name)
        return self._surroundings.inside(self._region, own)

    def __iter__(self) -> Iterator[str]:
        return (qualify(_scope_of(self._region) or "", name) for name in self._region.arguments)

    def __len__(self) -> int:
        return len(self._region.arguments)


class Shapes:
    """Keys of regions, equal for regions of one shape."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def key(self, region: Region) -> Key:
        """The shape of a block, and the values of the names of other scopes that it uses."""
        walk = _Walk(region)
        outer: list[Key] = []
        for name in sorted(walk.outer_names()):
            try:
                outer.append((name, frozen(self._surroundings.outside(region, name))))
            except KeyError:
                continue
        return (walk.key, tuple(outer))


class _Walk:
    """One way through a region, which numbers its values and notes its formulas."""

    def __init__(self, region: Region) -> None:
        self._start = len(region.path) + 1 if region.path else 0
        self._numbers: dict[int, int] = {}
        for value in region.inputs:
            self._numbers.setdefault(value.id, len(self._numbers))
        self._formulas: set[Formulas] = set()
        self._tests: set[Formula] = set()
        self._scopes: set[str] = set()
        self._root = region
        self.key = self._region(region)

    def outer_names(self) -> set[str]:
        """The qualified names of other scopes that formulas inside mention."""
        names: set[str] = set()
        for formulas in self._formulas:
            names |= formulas.names
        for test in self._tests:
            names |= test.names
        return {
            name
            for name in names
            if name not in HERE and name.rpartition(".")[0] not in self._scopes
        }

    def _region(self, region: Region) -> Key:
        if region.kind in NAMING and region.definition is not None:
            self._scopes.add(region.definition.name)
        if region is not self._root:
            self._formulas.add(region.formulas)
        if region.test is not None:
            self._tests.add(region.test)
        path = region.path[self._start :]
        items = tuple(
            self._node(item) if isinstance(item, Node) else self._region(item)
            for item in region.items
        )
        return (
            region.kind,
            path,
            region.definition and region.definition.name,
            frozen([plain(value) for value in region.arguments.values()]),
            region.outcome,
            region.position,
            _counted(region) if region is not self._root else (),
            tuple([type_key(v.type) for v in region.inputs]) if region is self._root else (),
            tuple([self._numbers[v.id] for v in (*region.inputs, *region.outputs)]),
            items,
        )

    def _node(self, node: Node) -> Key:
        self._formulas.add(node.formulas)
        inputs = tuple(self._numbers[value.id] for value in node.inputs)
        for value in node.outputs:
            self._numbers[value.id] = len(self._numbers)
        return (node.op.key, node.path[self._start :], inputs, _counted(node))


def _counted(item: Node | Region) -> Key:
    """The values of the names that count and that formulas mention."""
    if not item.indices:
        return ()
    names = item.formulas.names
    if isinstance(item, Region) and item.test is not None:
        names = names | item.test.names
    return tuple((name, item.indices[name]) for name in sorted(names & item.indices.keys()))


def type_key(type: TensorType) -> Key:
    """Equal for types with the same numbers and facts."""
    flat = type.flat
    layout = None if flat is None else (flat.order, flat.channels, flat.size)
    return (type.channels, type.size, type.non_negative, layout)


def is_plain(type: TensorType) -> bool:
    """Whether no number of a type varies, and no fact."""
    numbers = (*type.shape, type.non_negative, type.flat.channels if type.flat else 0)
    return not any(isinstance(number, Varying) for number in numbers)
