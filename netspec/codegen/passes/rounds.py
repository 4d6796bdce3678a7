"""Code that comes in rounds: which nodes in a row say the same again and again, but for what counts up."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.codegen.stages import INDEX, LOOP_FROM

FEWEST_COUNTING = 4
"""So many rounds are a loop where a number that is no part of a name counts: of three, any may by chance."""

LONGEST = 12
"""A round has at most so many nodes."""

_DIGITS = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]*)(?![0-9])")


@dataclass(frozen=True)
class Counting:
    """What counts up by as much from round to round.

    Attributes:
        first: its value in the first round.
        step: how much it grows by.
        is_in_name: whether it is a number in a text.
    """

    first: int
    step: int
    is_in_name: bool


@dataclass(frozen=True, eq=False)
class Rounds:
    """Nodes in a row that are several rounds of the same.

    Attributes:
        start: where the first begins.
        length: how many nodes a round has.
        count: how many rounds there are.
        counting: what counts up, by its place among all that could.
        base: what the loop's index is in the first round.
    """

    start: int
    length: int
    count: int
    counting: Mapping[int, Counting]
    base: int

    @property
    def stop(self) -> int:
        """Where the last ends."""
        return self.start + self.length * self.count

    def range(self) -> ast.expr:
        """The call of `range` that the loop runs over."""
        stop = ast.Constant(self.base + self.count)
        bounds: list[ast.expr] = [ast.Constant(self.base), stop] if self.base else [stop]
        return ast.Call(ast.Name("range"), bounds, [])

    def body(self, nodes: Sequence[Any]) -> list[Any]:
        """The nodes of a round, in which the index stands for what counts."""
        writer = _Counted(self)
        return [writer.visit(node) for node in nodes[self.start : self.start + self.length]]

    @property
    def variable(self) -> str:
        """The name of the index; nobody asks for it where nothing counts."""
        return INDEX if self.counting else "_"

    def counted(self, counting: Counting) -> ast.expr:
        """A number that counts, as a formula of the index."""
        rest = counting.first - counting.step * self.base
        found: ast.expr = ast.Name(INDEX)
        if counting.step != 1:
            found = ast.BinOp(ast.Constant(counting.step), ast.Mult(), found)
        if not rest:
            return found
        if rest > 0 and counting.step != 1:
            return ast.BinOp(ast.Constant(rest), ast.Add(), found)
        return ast.BinOp(found, ast.Add() if rest > 0 else ast.Sub(), ast.Constant(abs(rest)))


def rounds_of(nodes: Sequence[ast.AST]) -> Iterator[Rounds]:
    """The rounds among nodes in a row, from the first on: what covers most of them, in the shortest rounds."""
    said = [_Said.of(node) for node in nodes]
    at = 0
    while at < len(nodes):
        found = [each for size in range(1, LONGEST + 1) if (each := _from(said, at, size))]
        if not found:
            at += 1
            continue
        best = max(found, key=lambda each: (each.length * each.count, -each.length))
        yield best
        at = best.stop


@dataclass(frozen=True)
class _Said:
    """A node as what it says but for its numbers, and these."""

    text: str
    numbers: tuple[tuple[int, bool], ...]
    names: frozenset[str]

    @staticmethod
    def of(node: ast.AST) -> _Said:
        reader = _Masked()
        text = ast.dump(reader.visit(node))
        names = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
        return _Said(text, tuple(reader.numbers), names)


def _from(said: Sequence[_Said], start: int, length: int) -> Rounds | None:
    """The rounds of a length that begin at a node; None where there are too few."""
    first = said[start : start + length]
    count = 1
    counting: Mapping[int, Counting] = {}
    if len(first) < length or any(INDEX in each.names for each in first):
        return None
    texts = [each.text for each in first]
    tables = [_numbers(first)]
    while True:
        following = said[start + length * count : start + length * (count + 1)]
        if [each.text for each in following] != texts:
            break
        known = _counting([*tables, _numbers(following)])
        if known is None:
            break
        tables.append(_numbers(following))
        counting, count = known, count + 1
    is_counted = any(not each.is_in_name for each in counting.values())
    if count < (FEWEST_COUNTING if is_counted else LOOP_FROM):
        return None
    names = [each.first for each in counting.values() if each.step == 1 and not is_counted]
    return Rounds(start, length, count, counting, min(names, default=0))


def _numbers(said: Sequence[_Said]) -> list[tuple[int, bool]]:
    return [number for each in said for number in each.numbers]


def _counting(tables: Sequence[Sequence[tuple[int, bool]]]) -> Mapping[int, Counting] | None:
    """What counts up over rounds, by its place among the numbers; None where one does something else."""
    found = {}
    for place, row in enumerate(zip(*tables, strict=True)):
        values = [number for number, _ in row]
        step = values[1] - values[0]
        if any(b - a != step for a, b in itertools.pairwise(values)) or step < 0:
            return None
        if step:
            found[place] = Counting(values[0], step, row[0][1])
    return found


class _Numbers(ast.NodeTransformer):
    """Goes through a node's whole numbers, those in texts too, in order; nodes are not changed but copied."""

    def number(self, value: int) -> ast.expr:
        """What stands for a number."""
        raise NotImplementedError

    def text(self, value: str) -> list[ast.expr]:
        """What stands for a text, in the parts of an f-string."""
        raise NotImplementedError

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """A number or a text."""
        if type(node.value) is int:
            return self.number(node.value)
        if isinstance(node.value, str):
            parts = self.text(node.value)
            is_plain = all(isinstance(part, ast.Constant) for part in parts)
            return node if is_plain and len(parts) < 2 else ast.JoinedStr(parts)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """A text with expressions in it."""
        parts: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts += self.text(str(part.value))
            else:
                parts.append(part)
        return ast.JoinedStr(parts)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """A copy of the node, whose parts are visited."""
        fields = {
            name: [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
            if isinstance(value, list)
            else (self.visit(value) if isinstance(value, ast.AST) else value)
            for name, value in ast.iter_fields(node)
        }
        return type(node)(**fields)


class _Masked(_Numbers):
    """Takes the numbers out."""

    def __init__(self) -> None:
        self.numbers: list[tuple[int, bool]] = []

    def number(self, value: int) -> ast.expr:
        self.numbers.append((value, False))
        return ast.Constant(0)

    def text(self, value: str) -> list[ast.expr]:
        self.numbers += [(int(found), True) for found in _DIGITS.findall(value)]
        return [ast.Constant(_DIGITS.sub("#", value)), ast.Constant("")]


class _Counted(_Numbers):
    """Puts the index in the place of the numbers that count."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._place = 0

    def _next(self) -> ast.expr | None:
        counting = self._rounds.counting.get(self._place)
        self._place += 1
        return None if counting is None else self._rounds.counted(counting)

    def number(self, value: int) -> ast.expr:
        return self._next() or ast.Constant(value)

    def text(self, value: str) -> list[ast.expr]:
        parts: list[ast.expr] = []
        done = 0
        for found in _DIGITS.finditer(value):
            counted = self._next()
            if counted is not None:
                before = value[done : found.start()]
                parts += [ast.Constant(before)] if before else []
                parts.append(ast.FormattedValue(counted, -1))
                done = found.end()
        rest = value[done:]
        return [*parts, ast.Constant(rest)] if rest or not parts else parts
