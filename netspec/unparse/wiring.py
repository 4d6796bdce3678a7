"""The inputs of steps: what flows in, and `from` and `as` for all that does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from netspec.ir import Value
from netspec.unparse.body import unprintable
from netspec.unparse.document import Braces
from netspec.unparse.steps import Row, Step, every


class Wiring:
    """Wires the steps of one scope.

    Args:
        hints: what values are called, by id, where somebody has said so.
        given: the values that have names in the scope already, by id.
    """

    def __init__(self, hints: Mapping[int, str], given: Mapping[int, str]) -> None:
        self._hints = dict(hints)
        self.names = dict(given)
        self._taken = {*given.values(), "output"}
        self._alike: dict[int, int] = {}
        self._needed: dict[int, None] = {}

    def wire(self, row: Row, source: Value, end: Value | None = None) -> Value:
        """Let each step of a row take what it takes; steps are added where ``end`` is not what flows out."""
        flowing = source
        for step in row:
            flowing = self._step(step, flowing)
        if end is not None and flowing.id != end.id:
            row.append(self._passing(end))
            flowing = end
        return flowing

    def _passing(self, value: Value) -> Step:
        self.need(value)
        return Step("pass", takes=(value,), gives=(value,), origins=[str(value.id)])

    def need(self, value: Value) -> None:
        """A value has to have a name."""
        self._needed.setdefault(value.id)

    def _step(self, step: Step, flowing: Value) -> Value:
        by_name = (
            step.lists or step.kind == "pass" or (step.takes and step.takes[0].id != flowing.id)
        )
        if by_name:
            taken = step.takes if step.lists else step.takes[:1]
            step.origins = [str(value.id) for value in taken]
        for value in step.takes if step.lists else step.takes[0 if by_name else 1 :]:
            self.need(value)
        if len(step.gives) > 1:
            for value in step.made.values():
                self.need(value)
        for key, part in step.parts.items():
            self.wire(part, step.takes[0], step.ends[key])
            self._name_sides(step, key, part)
        for each in step.rounds[:1]:
            self.wire(each, step.takes[0])
        if step.gives:
            return step.gives[0]
        return step.takes[0] if step.takes else flowing

    def _name_sides(self, step: Step, key: str, part: Row) -> None:
        """Give what is used behind a choice, besides what flows, one name on both sides."""
        made = {value.id for inner in every(part) for value in inner.gives}
        for merged in step.merged:
            value = merged.then if key == "then" else merged.other
            self.need(merged.result)
            if value.id in made and value.id not in self._alike:
                self._alike[value.id] = merged.result.id
                continue
            end = step.ends[key]
            alias = self._passing(value)
            alias.gives = (merged.result,)
            part += [alias, self._passing(end)]

    # Names

    def settle(self, *rows: tuple[Row, Value], declares: bool = False) -> None:
        """Name all that is taken by name, in the rows of a scope, each with the value that enters it.

        What enters gets a step that names it, unless the scope ``declares`` what enters.
        """
        producers: dict[int, list[tuple[Step, int]]] = {}
        self._hints = {self._root(id): name for id, name in reversed(self._hints.items())}
        entered = {value.id: row for row, value in reversed(rows)}
        for step in self._written([row for row, _ in rows]):
            if step.kind != "pass" or step.gives != step.takes:
                for index, value in step.made.items():
                    producers.setdefault(self._root(value.id), []).append((step, index))
        for id in [*self._needed]:
            root = self._root(id)
            if root in self.names:
                continue
            found = _outermost(producers.get(root, []))
            name = self.names[root] = self._fresh(root, [step for step, _ in found])
            if not found and root not in entered:
                raise unprintable("a step that takes what another block gives, by no name", None)
            if not found and not declares:
                entered[root].insert(0, Step("hold", "sequence", results=[name]))
            for step, index in found:
                step.results += [""] * (len(step.gives) - len(step.results))
                step.results[index] = name
        for step in self._written([row for row, _ in rows]):
            step.origins = [self.name_of(int(origin)) for origin in step.origins]
            if step.like:
                step.said = Braces({**step.said, step.like: self.name_of(step.takes[1].id)})
            if (
                len(step.gives) > 1
            ):  # what is handed on gets a further name, as all of several results
                step.results += [""] * (len(step.gives) - len(step.results))
                step.results = [n or self._free(step.word) for n in step.results]

    def _written(self, rows: Iterable[Row]) -> Iterator[Step]:
        """The steps that are written: of a `repeat`, those of the first round."""
        for row in rows:
            for step in row:
                yield step
                yield from self._written((*step.parts.values(), *step.rounds[:1]))

    def name_of(self, id: int) -> str:
        """What a value is called, by its id."""
        return self.names[self._root(id)]

    def _root(self, id: int) -> int:
        while id in self._alike:
            id = self._alike[id]
        return id

    def _fresh(self, id: int, producers: Sequence[Step]) -> str:
        paths = [step.path or step.word for step in producers]
        word = self._hints.get(id) or (paths[0].rpartition(".")[2] if paths else "entering")
        word = re.sub(r"\W", "_", word)
        if not word.isascii() or not word.isidentifier() or word[0] == "_":
            word = f"result_{word}"
        return self._free(word)

    def _free(self, word: str) -> str:
        name, number = word, 1
        while name in self._taken:
            number += 1
            name = f"{word}_{number}"
        self._taken.add(name)
        return name


def _outermost(found: Sequence[tuple[Step, int]]) -> list[tuple[Step, int]]:
    """Of the steps that give a value, those that stand in no other of them."""
    inner = {id(step) for outer, _ in found for row in outer.inner for step in every(row)}
    return [each for each in found if id(each[0]) not in inner]
