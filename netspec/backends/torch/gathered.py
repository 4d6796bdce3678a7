"""Containers whose members stand in several parts of a body and run one after another. Needs no PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.ir import Node, Region, Value
from netspec.ir.program import MERGING
from netspec.ir.template import Choice
from netspec.ir.template.data import children, result_of

Item = Node | Region | Choice
"""What stands in a body."""

Place = tuple["Row", int]
"""A row, and the index of a member in it."""


@dataclass(frozen=True, eq=False)
class Row:
    """What a `nn.Sequential` holds.

    Attributes:
        path: its own.
        members: its modules in order, and what holds the place of an index that nothing has.
        names: their names in it; empty for a member that has ``sides``.
        sides: of members that only some instances have, what is there where the test holds, and elsewhere.
    """

    path: str
    members: tuple[Item, ...]
    names: tuple[str, ...]
    sides: Mapping[Item, tuple[Row, Row]] = field(default_factory=dict)

    @property
    def all_names(self) -> list[str]:
        """The names of all members that any instance has."""
        found: dict[str, None] = {}
        for name, member in zip(self.names, self.members, strict=True):
            sides = self.sides.get(member)
            found |= dict.fromkeys(
                [n for side in sides for n in side.all_names] if sides else [name]
            )
        return [*found]

    @property
    def is_numbered(self) -> bool:
        """Whether its members are called by their index."""
        return self.names == self.indices(self.members)

    @staticmethod
    def indices(members: Sequence[object]) -> tuple[str, ...]:
        """The names of members that are called so."""
        return tuple(map(str, range(len(members))))


Children = Mapping[str, Collection[str]]
"""The names in each container, in order, by its path."""


class Gathered:
    """The outermost containers that no region is the whole of, and that are rows all the same.

    Their members come of the stem, of stages and of the head, or of a sequence of which a value is taken out. They
    stand side by side, each takes what the one ahead of it gives, and nothing else has a name among them. A value
    between two members may be taken by others as well, unless a member is there in some instances alone. A row may
    stand in a part of a combinator, or on a side of a choice.

    Attributes:
        whole: the body itself, where it is a row whose members are called by their index.

    Args:
        items: the body's.
        row: the row that a region is, or None.
        is_unit: whether an item is one module.
        children: gives the names in each container, but for those on some sides of choices.
        uses: how often each value is taken, by its id.
        inner: takes the rows inside of these, by the regions that are made to stand for them.
        refused: the paths of containers that are none in models.
    """

    def __init__(
        self,
        items: Iterable[Item],
        row: Callable[[Item], Row | None],
        is_unit: Callable[[Item], bool],
        children: Callable[[Collection[Region]], Children],
        uses: Mapping[int, int],
        inner: dict[Item, Row],
        refused: Collection[str] = (),
    ) -> None:
        self._inner = inner
        self._row, self._is_unit = row, is_unit
        self._children, self._uses = children, uses
        self._refused = refused
        self._places: dict[Item, Place] = {}
        self._members: dict[Item, Item] = {}
        leaves = [*self._leaves(items)]
        parts = (item for item in items if isinstance(item, Region))
        self._empty = [p.path for p in parts if p.kind == "stage" and not p.blocks]
        whole = self._row_of("", leaves, children(()))
        self.whole = whole if whole is not None and whole.members and whole.is_numbered else None
        self._gather_all(leaves, ())

    # What is asked

    def holds(self, item: Item) -> bool:
        """Whether an item of the body is a member of a row here, or stands in one."""
        return item in self._members

    def row_from(self, item: Item) -> Row | None:
        """The row whose first module an item of the body is, or stands first in."""
        row = self.row_around(item)
        if row is None or next(self._leaves_of(row.members[0])) is not item:
            return None
        return row

    def place(self, item: Item) -> Place | None:
        """Where an item of :meth:`line` stands in a row that the line has member by member."""
        return self._places.get(item)

    def row_around(self, item: Item) -> Row | None:
        """The outermost row that an item of the body stands in."""
        member = self._members.get(item)
        return None if member is None else self._places[member][0]

    def line(self, items: Iterable[Item], cuts: Collection[Item] = ()) -> Iterator[Item]:
        """The items in the order of running, members of rows one by one; those of rows that hold ``cuts`` too."""
        for item in items:
            leaves = [*self._leaves([item])]
            if not leaves and isinstance(item, Region) and item.kind != "stage":
                continue  # nothing runs, and what runs around it is one row
            if leaves == [item] or any(e in self._members or self._cut(e, cuts) for e in leaves):
                for leaf in leaves:
                    yield from self._in_line(leaf, cuts)
            else:
                yield item

    def _in_line(self, leaf: Item, cuts: Collection[Item]) -> Iterator[Item]:
        member = self._members.get(leaf)
        cut = None if member is not None else self._cut(leaf, cuts)
        if member is not None:
            if next(self._leaves_of(member)) is leaf:
                yield member
        elif cut is not None:
            self._places |= {each: (cut, index) for index, each in enumerate(cut.members)}
            yield from (each for each in cut.members if _path(each))
        else:
            yield _without_ahead(leaf)

    def _cut(self, item: Item, cuts: Collection[Item]) -> Row | None:
        """The row that an item is, if it holds one of ``cuts``."""
        row = self._row(item)
        return None if row is None or {*row.members}.isdisjoint(cuts) else row

    # Finding rows

    def _leaves(self, items: Iterable[Item]) -> Iterator[Item]:
        """What may be a member, and what stands between: blocks, ops, choices, regions that are one module."""
        for item in items:
            if not isinstance(item, Region) or item.kind == "block" or merges(item):
                yield item
            elif self._row(item) is not None:
                yield from self._leaves(item.ahead if item.kind == "stage" else ())
                yield item
            else:
                yield from self._leaves(children(item))

    def _gather_all(self, leaves: Sequence[Item], absent: Sequence[Region]) -> None:
        """Find the rows among these, which stand beside each other; sides of choices are ``absent``."""
        known = self._children(absent)
        names = (path.partition(".")[0] for leaf in leaves for path in self._paths(leaf))
        for name in dict.fromkeys(names):
            self._gather(name, leaves, known)
        for leaf in leaves:
            if leaf in self._members:
                continue
            match leaf:
                case Choice(then=then, other=other):
                    self._gather_all([*self._leaves(children(then))], [*absent, other])
                    self._gather_all([*self._leaves(children(other))], [*absent, then])
                case Region() if merges(leaf):
                    for part in children(leaf):
                        self._gather_all([*self._leaves([part])], absent)

    def _gather(self, path: str, leaves: Sequence[Item], known: Children) -> None:
        """Find the rows at a path and below, the outermost."""
        start = f"{path}."
        at = [
            i
            for i, leaf in enumerate(leaves)
            if any(p.startswith(start) for p in self._paths(leaf))
        ]
        if not at:
            return
        inside = leaves[at[0] : at[-1] + 1]
        row = None
        if len(inside) == len(at) and path not in self._refused:
            row = self._row_of(path, inside, known, is_tapped=True)
        if row is None:
            below = (p for i in at for p in self._paths(leaves[i]) if p.startswith(start))
            for name in dict.fromkeys(p[len(start) :].partition(".")[0] for p in below):
                self._gather(start + name, leaves, known)
            return
        self._places |= {member: (row, index) for index, member in enumerate(row.members)}
        for member in row.members:
            self._members |= dict.fromkeys(self._leaves_of(member), member)

    def _paths(self, leaf: Item) -> Iterator[str]:
        """The paths of what may be a member in a leaf, on both sides of a choice."""
        if isinstance(leaf, Choice):
            for side in (leaf.then, leaf.other):
                for inner in self._leaves(children(side)):
                    yield from self._paths(inner)
        else:
            yield leaf.path

    def _leaves_of(self, member: Item) -> Iterator[Item]:
        if member not in self._inner:
            yield member
            return
        for each in self._inner[member].members:
            yield from self._leaves_of(each)

    def _row_of(
        self, path: str, leaves: Sequence[Item], known: Children, is_tapped: bool = False
    ) -> Row | None:
        """The row of a container that holds these; values inside may be taken by others where it is tapped."""
        start = f"{path}." if path else ""
        paths = [p for leaf in leaves for p in self._paths(leaf)]
        if not all(p and p.startswith(start) for p in paths):
            return None
        if any(empty.startswith(start) for empty in self._empty):
            return None
        row = self._line_of(path, leaves, known, is_tapped)
        if row is None or row.all_names != [*known.get(path, ())] or not any(row.names):
            return None
        return row

    def _line_of(
        self, path: str, leaves: Sequence[Item], known: Children, is_tapped: bool
    ) -> Row | None:
        """The members of a container that these are, if each takes what the one ahead of it gives."""
        start = f"{path}." if path else ""
        members: list[Item] = []
        names: list[str] = []
        sides: dict[Item, tuple[Row, Row]] = {}
        for name, found in itertools.groupby(leaves, lambda leaf: self._name_in(start, leaf)):
            group = [*found]
            if isinstance(name, Choice) or all(isinstance(leaf, Choice) for leaf in group):
                for choice in group:
                    assert isinstance(choice, Choice)
                    parts = self._sides(path, choice, known)
                    if parts is None:
                        return None
                    members.append(choice)
                    names.append("")
                    sides[choice] = parts
                continue
            member = self._member(start + name, group, known)
            if member is None:
                return None
            members.append(member)
            names.append(name)
        for one, other in itertools.pairwise(members):
            given = result_of(one)
            is_taken_besides = self._uses[given.id] != _uses_of(given, other)
            if given is not source_of(other) or (is_taken_besides and (sides or not is_tapped)):
                return None
        return Row(path, tuple(members), tuple(names), sides)

    def _name_in(self, start: str, leaf: Item) -> str | Choice:
        """The name that a leaf has, or stands in, below a path; a choice of what has the name itself is a member."""
        found = {path[len(start) :].partition(".") for path in self._paths(leaf)}
        first = {name for name, _, _ in found}
        if isinstance(leaf, Choice) and (len(first) != 1 or any(not dot for _, dot, _ in found)):
            return leaf
        return first.pop()

    def _member(self, path: str, group: Sequence[Item], known: Children) -> Item | None:
        """The module at a path, which these are or stand in."""
        if len(group) == 1 and not isinstance(group[0], Choice) and group[0].path == path:
            return group[0] if self._is_unit(group[0]) and _is_unary(group[0]) else None
        inner = self._row_of(path, group, known) if path not in self._refused else None
        if inner is None:
            return None
        items: tuple[Any, ...] = tuple(map(_without_ahead, group))
        made = Region("sequence", items, (source_of(group[0]),), (result_of(group[-1]),), path)
        self._inner[made] = inner
        return made

    def _sides(self, path: str, choice: Choice, known: Children) -> tuple[Row, Row] | None:
        """The members of a container that either side of a choice is; none where one is anything else."""
        found: list[Row] = []
        (merged,) = choice.merged if len(choice.merged) == 1 else (None,)
        if merged is None:
            return None
        for side, result in ((choice.then, merged.then), (choice.other, merged.other)):
            row = self._line_of(path, [*self._leaves(children(side))], known, False)
            if row is None:
                return None
            taken = given = choice.then.source
            if row.members:
                taken, given = source_of(row.members[0]), result_of(row.members[-1])
                if self._uses[given.id] != 1:
                    return None
            if taken is not choice.then.source or given is not result:
                return None
            found.append(row)
        return found[0], found[1]


def _without_ahead(leaf: Item) -> Item:
    """A stage without the steps ahead of its blocks, which are leaves themselves; any other leaf as it is."""
    if not (isinstance(leaf, Region) and leaf.kind == "stage" and leaf.ahead):
        return leaf
    ends = (leaf.blocks[0].source,), leaf.outputs
    return Region("stage", leaf.blocks, *ends, leaf.path, span=leaf.span)


def _uses_of(value: Value, item: Item) -> int:
    """How often an item takes a value that flows into it; a side that is empty takes it too, to hand it on."""
    match item:
        case Choice():
            sides = [inner for side in (item.then, item.other) for inner in children(side)]
            handed = sum(each is value for m in item.merged for each in (m.then, m.other))
            return handed + sum(_uses_of(value, inner) for inner in sides)
        case Region() if item.kind != "block":
            return sum(_uses_of(value, inner) for inner in children(item))
    return sum(each is value for each in item.inputs)


def _path(item: Item) -> str:
    return "" if isinstance(item, Choice) else item.path


def source_of(item: Item) -> Value:
    """What flows into a member; into a stage behind the steps ahead of its blocks."""
    if isinstance(item, Choice):
        return item.then.source
    if isinstance(item, Region) and item.kind == "stage":
        return item.blocks[0].source
    return item.inputs[0]


def _is_unary(member: Item) -> bool:
    """Whether a member takes one value and gives another one."""
    if isinstance(member, Choice) or len(member.inputs) + len(member.outputs) > 2:
        return False
    return result_of(member) is not source_of(member)


def merges(region: Region) -> bool:
    """Whether a region is a combinator, whose parts do not run one after another."""
    return region.kind in MERGING
