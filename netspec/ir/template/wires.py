"""The edges of a template: which of its values stands for which of an instance's."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from netspec.ir.program import Value
from netspec.ir.template.data import Column, Merged, Split
from netspec.lang.expression.symbolic import Varying, merge
from netspec.ops.types import TensorType


@dataclass(frozen=True)
class _Closed:
    """A choice that is complete: how it comes out, and the last value that there was."""

    outcomes: Column[bool]
    test: Varying
    merged: list[Merged]
    last: int


class Wires:
    """Values of a template, and what they are in each of so many shapes.

    A value of an instance may be several of the template: where a choice does nothing, what enters it and
    what leaves it are one value there, and two in the template.

    Attributes:
        flowing: what the step before gave; it is taken where several values would do.
    """

    def __init__(self, shapes: int) -> None:
        self._ids = count()
        self._known: list[dict[int, dict[int, Value]]] = [{} for _ in range(shapes)]
        self._closed: list[_Closed] = []
        self._joined: set[int] = set()
        self.flowing: Value | None = None

    def new(self, type: TensorType) -> Value:
        """A further value of the template."""
        return Value(next(self._ids), type)

    def bind(self, column: Column[Value], value: Value) -> None:
        """Let ``value`` stand for what is in the column."""
        for index, own in column.items():
            self._known[index].setdefault(own.id, {})[value.id] = value

    def close(self, outcomes: Column[bool], test: Varying, merged: list[Merged]) -> None:
        """A choice is complete; values behind it are added to ``merged`` as they are needed."""
        self._closed.append(_Closed(outcomes, test, merged, next(self._ids)))

    def resolve(self, column: Column[Value], place: str) -> Value:
        """The one value that stands for a column; behind a choice it may be merged of two.

        Raises :class:`Split` where there is no such value.
        """
        found = self._find(column)
        if found is None:
            producers = {
                i: next(iter(self._known[i].get(v.id, ())), None) for i, v in column.items()
            }
            raise Split("wired in another way", place, producers)
        return found

    def _find(self, column: Column[Value]) -> Value | None:
        known = [self._known[index].get(value.id, {}) for index, value in column.items()]
        fewest = min(known, key=len)
        if self.flowing is not None and all(self.flowing.id in other for other in known):
            return self.flowing
        for id in reversed(fewest):  # the latest is the likeliest
            if all(id in other for other in known):
                return fewest[id]
        for closed in reversed(self._closed):
            then = {i: value for i, value in column.items() if closed.outcomes.get(i) is True}
            other = {i: value for i, value in column.items() if closed.outcomes.get(i) is False}
            if then and other and len(then) + len(other) == len(column):
                found = self._merge(closed, self._find(then), self._find(other))
                if found is not None:
                    self.bind(column, found)
                    return found
        return None

    def _merge(self, closed: _Closed, then: Value | None, other: Value | None) -> Value | None:
        """What is one value or another behind a choice; None where it does not know both."""
        if then is None or other is None or then.type.rank != other.type.rank:
            return None
        if any(v.id > closed.last and v.id not in self._joined for v in (then, other)):
            return None
        found = self.new(_merged_type(closed.test, then.type, other.type))
        closed.merged.append(Merged(found, then, other))
        self._joined.add(found.id)
        return found


def _merged_type(test: Varying, then: TensorType, other: TensorType) -> TensorType:
    """``then``'s numbers and facts where the test holds, ``other``'s elsewhere."""
    size = tuple(merge(test, a, b) for a, b in zip(then.size, other.size, strict=True))
    channels = merge(test, then.channels, other.channels)
    return TensorType(channels, size, merge(test, then.non_negative, other.non_negative))
