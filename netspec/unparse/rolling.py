"""Rows that come several times, written once: what a `repeat` can say, and what it cannot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from netspec.ir import Value
from netspec.unparse.steps import Row, Step, every

LONGEST_WRITTEN_OUT = 2
"""So many calls alike are written one below the other where the program has no `repeat` around them."""


def flow(row: Row, source: int) -> int:
    """What flows out of steps that ``source`` enters, by id."""
    for step in row:
        source = _leaves(step, source)
    return source


def _leaves(step: Step, flowing: int) -> int:
    if step.gives:
        return step.gives[0].id
    return step.takes[0].id if step.takes else flowing


def named(row: Row, source: int, found: set[int]) -> int:
    """What flows out, as :func:`flow`; to ``found`` are added the values that steps take by name."""
    flowing = source
    for step in row:
        by_name = step.takes if step.lists else step.takes[1:]
        found |= {value.id for value in by_name}
        if step.takes and step.takes[0].id != flowing:
            found.add(step.takes[0].id)
        for key, part in step.parts.items():
            if named(part, step.takes[0].id, found) != step.ends[key].id:
                found.add(step.ends[key].id)
        if step.rounds:
            named(step.rounds[0], step.takes[0].id, found)
        for merged in step.merged:
            found |= {merged.then.id, merged.other.id}
        flowing = _leaves(step, flowing)
    return flowing


class Rolling:
    """Finds the repeats of a whole body.

    Args:
        body: all its steps.
        outside: the values that are used beside them.
        refused: the first steps of repeats whose names do not allow it.
    """

    def __init__(self, body: Row, outside: Iterable[Value], refused: set[int]) -> None:
        self._uses = Counter(value.id for step in body for value in step.values())
        self._uses.update(value.id for value in outside)
        self._refused = refused

    def roll(self, row: Row) -> Row:
        """The row with its repeats, where they can be; calls alike in a row become one."""
        found: Row = []
        for step in row:
            step.parts = {key: self.roll(part) for key, part in step.parts.items()}
            step.rounds = [self.roll(each) for each in step.rounds]
            if step.kind == "repeat" and not self._holds(step):
                found += [inner for each in step.rounds for inner in each]
            else:
                found.append(step)
        return self._calls(found)

    def _calls(self, row: Row) -> Row:
        found: Row = []
        at = 0
        while at < len(row):
            run = self._run(row, at)
            step = row[at]
            if run > LONGEST_WRITTEN_OUT:
                rounds = [[each] for each in row[at : at + run]]
                made = Step(
                    "repeat",
                    "repeat",
                    takes=step.takes,
                    gives=row[at + run - 1].gives,
                    rounds=rounds,
                )
                if self._holds(made):
                    found.append(made)
                    at += run
                    continue
            found.append(step)
            at += 1
        return found

    @staticmethod
    def _run(row: Row, start: int) -> int:
        """How many steps from ``start`` on call the same block alike, one behind the other."""
        first, length = row[start], 1
        while start + length < len(row) and first.kind == "call" and not first.lists:
            before, step = row[start + length - 1], row[start + length]
            alike = (step.kind, step.word, _text(step)) == (first.kind, first.word, _text(first))
            if not alike or len(before.gives) != 1 or step.takes[0].id != before.gives[0].id:
                break
            length += 1
        return length

    def _holds(self, repeat: Step) -> bool:
        """Whether all rounds say the same, and nothing outside knows what is inside one."""
        if not repeat.rounds[0] or id(repeat.rounds[0][0]) in self._refused:
            return False
        source, keys = repeat.takes[0].id, set()
        for number, each in enumerate(repeat.rounds):
            known = {source: 0}
            keys.add(json.dumps([_key(step, known) for step in each]))
            by_name: set[int] = set()
            end = named(each, source, by_name)
            following = repeat.rounds[number + 1 : number + 2]
            if source in by_name or self._is_known_outside(each, end, following):
                return False
            source = end
        return len(keys) == 1 and (not repeat.gives or repeat.gives[0].id == source)

    def _is_known_outside(self, row: Row, end: int, following: list[Row]) -> bool:
        """Whether what a round makes is used elsewhere; what flows out, beyond the round that follows."""
        inside = Counter(value.id for step in row for value in step.values())
        made = {value.id for step in every(row) for value in step.gives} - {end}
        if any(self._uses[value] > inside[value] for value in made):
            return True
        behind = Counter(value.id for each in following for step in each for value in step.values())
        return bool(following) and self._uses[end] > inside[end] + behind[end]


def _text(step: Step) -> str:
    return json.dumps(step.said)


def _key(step: Step, known: dict[int, int]) -> Any:
    """Equal for steps that say the same; values are counted."""
    taken = [known.get(value.id, f"outside {value.id}") for value in step.takes]
    inner = []
    for key, part in step.parts.items():
        inside = [_key(each, known) for each in part]
        inner.append([key, inside, known.get(step.ends[key].id, f"outside {step.ends[key].id}")])
    rounds = [[_key(each, known) for each in row] for row in step.rounds]
    merged = [[known.get(m.then.id, -1), known.get(m.other.id, -1)] for m in step.merged]
    for value in (*step.gives, *(m.result for m in step.merged)):
        known.setdefault(value.id, len(known))
    return [step.kind, step.word, step.said, taken, inner, rounds, merged]
