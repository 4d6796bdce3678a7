"""The names of steps: none where the language comes to the same by itself, else the one that is needed.

The language's own rules (``elaborate/scope.py``) are run over the steps, and what they give is compared
with what each step has to be called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from netspec.elaborate.scope import Names
from netspec.lang.expression.symbolic import value_at
from netspec.unparse.steps import Row, Step

MOST_HELD = 4
"""So many indices are held at most; beyond that, names are shorter."""


class Unrolled(Exception):
    """A `repeat` whose rounds have other names than it would give them."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


def count(row: Row) -> Counter[str]:
    """How many layers of each label steps name by themselves, both sides of a `when` seen."""
    total: Counter[str] = Counter()
    for step in row:
        if step.kind == "when":
            sides = [count(part) for part in step.parts.values()]
            total += sides[0] | sides[1]
        elif step.kind == "repeat":
            body = count(step.rounds[0])
            total += body + body
        else:
            if step.label and not step.name:
                total[step.label] += 1
            if step.kind != "sequence":
                for part in step.parts.values():
                    total += count(part)
    return total


class Namer:
    """Gives names to the steps of one naming scope that need one.

    Args:
        rows: the rows that are named together, in order, each as often as it comes.
        shapes: the numbers of the shapes, which may go different ways.
    """

    def __init__(self, rows: Sequence[Row], shapes: Iterable[int]) -> None:
        self._rows = rows
        self._shapes = [*shapes]
        self._is_changed = True
        self._shape = 0
        self._repeats: list[Step] = []

    def settle(self) -> None:
        """Name what needs it."""
        while self._is_changed:
            self._is_changed = False
            total: Counter[str] = Counter()
            for row in self._rows:
                total += count(row)
            for shape in self._shapes:
                self._shape = shape
                names = Names("", total)
                for row in self._rows:
                    self._row(row, names)

    def _row(self, row: Row, names: Names) -> None:
        for step in [*row]:
            self._step(step, row, names)

    def _step(self, step: Step, row: Row, names: Names) -> None:
        match step.kind:
            case "when":
                self._when(step, names)
            case "repeat":
                self._repeats.append(step)
                for each in step.rounds:
                    self._row(each, names)
                self._repeats.pop()
            case "sequence":
                self._path(step, row, names)
                inner = Names(names.join(_own(step.path, names)), Counter(), indexed=True)
                self._row(step.parts[""], inner)
            case "hold":
                names.position += names.indexed and step.word == "when"
            case _:
                if step.label:
                    self._path(step, row, names)
                for part in step.parts.values():
                    self._row(part, names)

    def _when(self, step: Step, names: Names) -> None:
        then, other = step.parts["then"], step.parts["else"]
        width = count(then) | count(other)
        holds = step.test is not None and bool(value_at(step.test, self._shape))
        with names.alternative(width, max(len(then), len(other))):
            self._row(then if holds else other, names)

    def _path(self, step: Step, row: Row, names: Names) -> None:
        """Settle the name of a step that has one; what holds its place stands ahead where that does."""
        if not step.name and step.label:
            self._hold(step, row, names)
            before, position = Counter(names.counts), names.position
            if names.automatic(step.label, step.numbered) == step.path:
                return
            names.counts, names.position = before, position
        own = _own(step.path, names)
        if step.name != own:
            if self._repeats:
                raise Unrolled(self._repeats[0])
            step.name = own
            self._is_changed = True
        names.explicit(own, None)

    def _hold(self, step: Step, row: Row, names: Names) -> None:
        """In a container, let steps that do nothing take the indices that are left out ahead of one."""
        own = _own(step.path, names)
        if not names.indexed or len(self._shapes) > 1 or self._repeats:
            return
        if not own.isdecimal() or str(int(own)) != own:
            return
        missing = int(own) - names.position
        if 0 < missing <= MOST_HELD:
            at = row.index(step)
            row[at:at] = [Step("hold", "when", said={"test": False}) for _ in range(missing)]
            names.position += missing


def _own(path: str, names: Names) -> str:
    return path[len(names.prefix) + 1 :] if names.prefix else path
