"""Containers whose members stand in several parts of a body and run one after another. Needs no PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
        names: their names in it.
    """

    path: str
    members: tuple[Item, ...]
    names: tuple[str, ...]

    @property
    def is_numbered(self) -> bool:
        """Whether its members are called by their index."""
        return self.names == self.indices(self.members)

    @staticmethod
    def indices(members: Sequence[object]) -> tuple[str, ...]:
        """The names of members that are called so."""
        return tuple(map(str, range(len(members))))


class Gathered:
    """The outermost containers that no region is the whole of, and that are rows all the same.

    Their members come of the stem, of stages and of the head, or of a sequence of which a value is taken out. They
    stand side by side, each takes what the one ahead of it gives, and nothing else has a name among them. A value
    between two members may be taken by others as well.

    Attributes:
        whole: the body itself, where it is a row whose members are called by their index.

    Args:
        items: the body's.
        row: the row that a region is, or None.
        is_unit: whether an item is one module.
        children: the names in each container, in order, by its path.
        uses: how often each value is taken, by its id.
        inner: takes the rows inside of these, by the regions that are made to stand for them.
    """

    def __init__(
        self,
        items: Iterable[Item],
        row: Callable[[Item], Row | None],
        is_unit: Callable[[Item], bool],
        children: Mapping[str, Collection[str]],
        uses: Mapping[int, int],
        inner: dict[Item, Row],
    ) -> None:
        self._inner = inner
        self._row, self._is_unit = row, is_unit
        self._children, self._uses = children, uses
        self._places: dict[Item, Place] = {}
        self._members: dict[Item, Item] = {}
        leaves = [*self._leaves(items)]
        parts = (item for item in items if isinstance(item, Region))
        self._empty = [p.path for p in parts if p.kind == "stage" and not p.blocks]
        whole = self._row_of("", leaves)
        self.whole = whole if whole is not None and whole.members and whole.is_numbered else None
        for name in dict.fromkeys(_path(leaf).partition(".")[0] for leaf in leaves):
            self._gather(name, leaves)

    # What is asked

    def holds(self, item: Item) -> bool:
        """Whether an item of the body is a member of a row here, or stands in one."""
        return item in self._members

    def row_from(self, item: Item) -> Row | None:
        """The row whose first module an item of the body is, or stands first in."""
        if item not in self._members:
            return None
        row, _ = self._places[self._members[item]]
        return row if next(self._leaves_of(row.members[0])) is item else None

    def place(self, item: Item) -> Place | None:
        """Where an item of :meth:`line` stands in a row that the line has member by member."""
        return self._places.get(item)

    def line(self, items: Iterable[Item], cuts: Collection[Item] = ()) -> Iterator[Item]:
        """The items in the order of running, members of rows one by one; those of rows that hold ``cuts`` too."""
        for item in items:
            leaves = [*self._leaves([item])]
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
        elif isinstance(leaf, Region) and leaf.kind == "stage" and leaf.ahead:
            ends = (leaf.blocks[0].source,), leaf.outputs
            yield Region("stage", leaf.blocks, *ends, leaf.path, span=leaf.span)
        else:
            yield leaf

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

    def _gather(self, path: str, leaves: Sequence[Item]) -> None:
        """Find the rows at a path and below, the outermost."""
        start = f"{path}."
        at = [i for i, leaf in enumerate(leaves) if _path(leaf).startswith(start)]
        if not at:
            return
        inside = leaves[at[0] : at[-1] + 1]
        row = self._row_of(path, inside, is_tapped=True) if len(inside) == len(at) else None
        if row is None:
            for leaf in dict.fromkeys(_path(leaves[i])[len(start) :].partition(".")[0] for i in at):
                self._gather(start + leaf, leaves)
            return
        self._places |= {member: (row, index) for index, member in enumerate(row.members)}
        for member in row.members:
            self._members |= dict.fromkeys(self._leaves_of(member), member)

    def _leaves_of(self, member: Item) -> Iterator[Item]:
        if member not in self._inner:
            yield member
            return
        for each in self._inner[member].members:
            yield from self._leaves_of(each)

    def _row_of(self, path: str, leaves: Sequence[Item], is_tapped: bool = False) -> Row | None:
        """The row of a container that holds these; values inside may be taken by others where it is tapped."""
        members: list[Item] = []
        names: list[str] = []
        start = f"{path}." if path else ""
        if not all(_path(leaf) and _path(leaf).startswith(start) for leaf in leaves):
            return None
        if any(empty.startswith(start) for empty in self._empty):
            return None
        for name, found in itertools.groupby(
            leaves, lambda leaf: _path(leaf)[len(start) :].partition(".")[0]
        ):
            group = [*found]
            names.append(name)
            member = group[0] if len(group) == 1 and _path(group[0]) == start + name else None
            if member is None:
                inner = self._row_of(start + name, group)
                if inner is None:
                    return None
                ends = (source_of(group[0]),), (result_of(group[-1]),)
                member = Region("sequence", _regular(group), *ends, start + name)
                self._inner[member] = inner
            elif not self._is_unit(member) or not _is_unary(member):
                return None
            members.append(member)
        if names != [*self._children.get(path, ())]:
            return None
        for one, other in itertools.pairwise(members):
            given = result_of(one)
            if given is not source_of(other) or not (is_tapped or self._uses[given.id] == 1):
                return None
        return Row(path, tuple(members), tuple(names))


def _regular(items: Iterable[Item]) -> tuple[Node | Region, ...]:
    return tuple(item for item in items if not isinstance(item, Choice))


def _path(item: Item) -> str:
    return "" if isinstance(item, Choice) else item.path


def source_of(item: Item) -> Value:
    """What flows into a member; into a stage behind the steps ahead of its blocks."""
    assert not isinstance(item, Choice)
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
