"""Rows that come several times, written once: what a `repeat` can say, and what it cannot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from netspec.ir import Value
from netspec.unparse.numbers import fit
from netspec.unparse.steps import Row, Step, every

LONGEST_WRITTEN_OUT = 2
"""So many calls alike are written one below the other where the program has no `repeat` around them."""


LOOKED_UP = "][index]"
"""How a number ends that a list has for each round."""


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
        """The row with its runs of calls alike as repeats: equal ones first, then those that count."""
        found: Row = []
        at = 0
        while at < len(row):
            made = self._repeated(row, at, _said) or self._repeated(row, at, _masked)
            found.append(made or row[at])
            at += len(made.rounds) if made else 1
        return found

    def _repeated(self, row: Row, at: int, of: Callable[[Any], Any]) -> Step | None:
        """The calls from a place on that are alike in what ``of`` gives of their arguments, as a repeat."""
        run = _run(row, at, of)
        if run <= LONGEST_WRITTEN_OUT:
            return None
        last = row[at + run - 1]
        made = Step("repeat", "repeat", takes=row[at].takes, gives=last.gives)
        made.rounds = [[each] for each in row[at : at + run]]
        if not self._holds(made) or any(LOOKED_UP in json.dumps(said) for _, said in made.fitted):
            return None  # a list of numbers says no more than the calls do
        return made

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
        if len(keys) > 1 or (repeat.gives and repeat.gives[0].id != source):
            return False
        return _follow_the_index(repeat)

    def _is_known_outside(self, row: Row, end: int, following: list[Row]) -> bool:
        """Whether what a round makes is used elsewhere; what flows out, beyond the round that follows."""
        inside = Counter(value.id for step in row for value in step.values())
        made = {value.id for step in every(row) for value in step.gives} - {end}
        if any(self._uses[value] > inside[value] for value in made):
            return True
        behind = Counter(value.id for each in following for step in each for value in step.values())
        return bool(following) and self._uses[end] > inside[end] + behind[end]


def _run(row: Row, start: int, of: Callable[[Any], Any]) -> int:
    """How many steps from ``start`` on call the same block alike, one behind the other."""
    first, length = row[start], 1
    while start + length < len(row) and first.kind == "call" and not first.lists:
        before, step = row[start + length - 1], row[start + length]
        is_alike = (step.kind, step.word) == (first.kind, first.word)
        if not is_alike or of(step.said) != of(first.said) or len(before.gives) != 1:
            break
        if step.takes[0].id != before.gives[0].id:
            break
        length += 1
    return length


def _said(value: Any) -> Any:
    return json.dumps(value)


def _follow_the_index(repeat: Step) -> bool:
    """Whether the numbers that differ from round to round follow its index; what says so is noted."""
    repeat.fitted = []
    for steps in zip(*repeat.rounds, strict=True):
        for alike in zip(*map(every, map(_listed, steps)), strict=True):
            said = _fitted([step.said for step in alike])
            if said is None or (said != alike[0].said and any(map(_is_inner, steps))):
                return False
            repeat.fitted.append((alike[0], said))
    return True


def _listed(step: Step) -> Row:
    return [step]


def _is_inner(step: Step) -> bool:
    """Whether there is a further repeat, whose index hides the outer one's."""
    return any(each.rounds for each in every([step]))


def _fitted(values: Sequence[Any]) -> Any:
    """What stands for values of each round: one of them, or the same with expressions; None without any."""
    first = values[0]
    if isinstance(first, dict):
        parts = {key: _fitted([value[key] for value in values]) for key in first}
        return None if None in parts.values() else type(first)(parts)
    if isinstance(first, list):
        items = [_fitted(each) for each in zip(*values, strict=True)]
        return None if None in items else type(first)(items)
    return first if all(_is_same(value, first) for value in values) else fit(values, "index")


def _is_same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _masked(value: Any) -> Any:
    """A value without its numbers, which may follow an index."""
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "a number" if is_number else value


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
    return [step.kind, step.word, _masked(step.said), taken, inner, rounds, merged]
