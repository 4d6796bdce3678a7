"""The steps of a spec as data: what is to be written, before names and wiring are settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from netspec.ir import Value
from netspec.ir.template import Merged
from netspec.lang.expression.symbolic import Varying

Row = list["Step"]
"""Steps in order."""


@dataclass(eq=False)
class Step:
    """One step.

    Attributes:
        kind: ``op``, ``call``, ``merge`` (of `from` alone), ``part`` (a combinator), ``sequence`` (a named one),
            ``when``, ``repeat``, ``pass`` (a single `from` alone) or ``hold`` (does nothing).
        word: the key that it is written under; how a ``merge`` merges.
        path: what it has to be called, from the block on; empty where it has no name.
        label: what it is called by itself, with a number where there are several; empty for none.
        numbered: whether the label always has a number.
        takes: the values that it takes, the one that flows in first.
        gives: the values that it gives, the one that flows out first; none where it gives what it takes.
        said: its attributes or arguments, as YAML has them.
        parts: the steps inside, by the key that they stand under.
        ends: the value that each part has to end with.
        test: of a ``when``, which shapes go the first way.
        merged: of a ``when``, what is used behind it besides what flows.
        rounds: of a ``repeat``, the steps of each round; the first are written.
        fitted: what the steps of these say where numbers follow the index.
        like: the attribute that names a further value that it takes.
        name: the name that it is given, where its label does not do.
        origins: the values that it takes by name; empty where it takes what flows.
        results: the names that its values get.
    """

    kind: str
    word: str = ""
    path: str = ""
    label: str = ""
    numbered: bool = False
    takes: tuple[Value, ...] = ()
    gives: tuple[Value, ...] = ()
    said: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Row] = field(default_factory=dict)
    ends: dict[str, Value] = field(default_factory=dict)
    test: Varying | None = None
    merged: tuple[Merged, ...] = ()
    rounds: list[Row] = field(default_factory=list)
    fitted: list[tuple[Step, dict[str, Any]]] = field(default_factory=list)
    like: str = ""
    name: str = ""
    origins: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    @property
    def lists(self) -> bool:
        """Whether it lists all that it takes: a merge, and a call of a block of several inputs."""
        return self.kind == "merge" or (self.kind == "call" and len(self.takes) > 1)

    @property
    def made(self) -> dict[int, Value]:
        """What it gives and does not only hand on, by position."""
        taken = {value.id for value in self.takes}
        found: dict[int, Value] = {}
        for index, value in enumerate(self.gives):
            if value.id not in taken:
                found[index] = value
                taken.add(value.id)
        return found

    @property
    def inner(self) -> list[Row]:
        """The rows inside, those of all rounds."""
        return [*self.parts.values(), *self.rounds]

    def values(self) -> Iterator[Value]:
        """All that it takes or has to end with, and what its steps do."""
        yield from self.takes
        yield from self.ends.values()
        for merged in self.merged:
            yield from (merged.then, merged.other)
        for row in self.inner:
            for step in row:
                yield from step.values()


def every(row: Row) -> Iterator[Step]:
    """Steps and those inside them, in order."""
    for step in row:
        yield step
        for inner in step.inner:
            yield from every(inner)
