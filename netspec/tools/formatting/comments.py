"""Gives every comment its place in the tree: ahead of an entry, behind one, or at the end of several.

A comment on a line of its own goes with what follows it, unless its indentation says that it ends the
collection before. One behind something goes with that. Where neither form can be kept, such as between
a key and its value, a comment goes ahead of the entry.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator

from netspec.tools.formatting.tree import Collection, Entry, Remark, Tree


def attach_comments(tree: Tree) -> list[Remark]:
    """Hang the comments of ``tree`` into it; returns those ahead of everything, which stay there.

    Marks the entries that follow a blank line, too.
    """
    return _Attachment(tree).run()


class _Attachment:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.entries = list(_entries(tree.root))
        self.starts = [entry.start for entry in self.entries]
        self.header: list[Remark] = []
        self.last: tuple[int, Collection | None] = (-1, None)
        """Behind which entry the last comment was, and the collection whose end it is."""

    def run(self) -> list[Remark]:
        for entry in self.entries:
            entry.blank = self.tree.follows_blank(entry.start)
        for start, end in self.tree.comments:
            self._attach(start, self.tree.text[start:end].rstrip(" \t"))
        return self.header

    def _attach(self, place: int, text: str) -> None:
        remark = Remark(text, self.tree.follows_blank(place))
        number = bisect(self.starts, place)
        if number == 0:
            self.header.append(remark)
            return
        before = self.entries[number - 1]
        following = self.entries[number] if number < len(self.entries) else None
        inside = _flow_around(before, place)
        if inside is not None:
            self._attach_in_flow(inside, before, following, place, remark)
            return
        before = _out_of_flow(before)
        if not self.tree.lines.is_first(place):
            _put_behind(before, text)
            return
        value = before.value
        if value.start > place:  # between a key or dash and what belongs to it
            nested = isinstance(value, Collection) and not value.flow and value.entries
            (nested[0] if nested else before).leading.append(remark)
            return
        target = _out_of_flow(following) if following is not None else None
        self._attach_between(number, before, target, place, remark)

    def _attach_in_flow(
        self,
        flow: Collection,
        before: Entry,
        following: Entry | None,
        place: int,
        remark: Remark,
    ) -> None:
        behind = _child_of(flow, before) or flow.owner
        if not flow.entries:
            assert flow.owner is not None
            flow.owner.leading.append(remark)
        elif self.tree.lines.is_first(place):
            ahead = _child_of(flow, following) if following is not None else None
            (ahead.leading if ahead is not None else flow.tail).append(remark)
        elif behind is not None:
            _put_behind(behind, remark.text)
        else:
            self.header.append(remark)

    def _attach_between(
        self, number: int, before: Entry, following: Entry | None, place: int, remark: Remark
    ) -> None:
        """A comment between two entries: ahead of the second, or at the end of what the first ends."""
        column = self.tree.lines.column(place)
        level = self.last[1] if self.last[0] == number else None
        closed = list(_collections_around(before))
        if level is not None and level in closed:
            closed = closed[closed.index(level) :]
        for collection in closed:
            if following is not None and following.parent is collection:
                break
            if self._content_column(collection) <= column or collection.owner is None:
                collection.tail.append(remark)
                self.last = (number, collection)
                return
        assert following is not None
        following.leading.append(remark)
        self.last = (number, following.parent)

    def _content_column(self, collection: Collection) -> int:
        """From which column on a comment is the collection's; a list may begin below its own key."""
        column = self.tree.lines.column(collection.start)
        if collection.owner is None or collection.flow:
            return column
        return max(column, self.tree.lines.column(collection.owner.parent.start) + 1)


def _entries(collection: Collection) -> Iterator[Entry]:
    for entry in collection.entries:
        yield entry
        if isinstance(entry.value, Collection):
            yield from _entries(entry.value)


def _collections_around(entry: Entry) -> Iterator[Collection]:
    """The collections that an entry is in, innermost first."""
    current: Entry | None = entry
    while current is not None:
        yield current.parent
        current = current.parent.owner


def _flow_around(entry: Entry, place: int) -> Collection | None:
    """The innermost flow collection around ``place``, which is behind the start of ``entry``."""
    around = list(_collections_around(entry))
    if isinstance(entry.value, Collection):
        around.insert(0, entry.value)
    for collection in around:
        if collection.flow and collection.start < place < collection.end:
            return collection
    return None


def _out_of_flow(entry: Entry) -> Entry:
    """The entry itself, or the one whose flow collection it is in."""
    while entry.parent.flow and entry.parent.owner is not None:
        entry = entry.parent.owner
    return entry


def _child_of(collection: Collection, entry: Entry) -> Entry | None:
    """The entry of ``collection`` that is or holds ``entry``; None where it is elsewhere."""
    current: Entry | None = entry
    while current is not None and current.parent is not collection:
        current = current.parent.owner
    return current


def _put_behind(entry: Entry, text: str) -> None:
    """A comment behind an entry; one that is there already goes ahead of it."""
    if entry.trailing is not None:
        entry.leading.append(Remark(entry.trailing, False))
    entry.trailing = text
