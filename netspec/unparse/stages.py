"""Stages: a block with what its instances are given, and stages that differ by a formula as one entry."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.elaborate.scope import STAGE_NAMES
from netspec.errors import NetspecError
from netspec.ir import Program, Region, Value
from netspec.ir.definition import plain
from netspec.ir.formula import HERE, NETWORK_SCOPE, qualify
from netspec.lang.expression.symbolic import Diverges, Varying, named, names_of, same, same_value
from netspec.unparse.blocks import NONE, PrintedBlock
from netspec.unparse.document import Braces, Brackets, is_short
from netspec.unparse.layout import short
from netspec.unparse.numbers import Numbers, fit, text_of
from netspec.unparse.steps import Row

ROLLED_FROM = 3
"""So many stages alike are written as one entry with `times`."""

LISTED = 8
"""So many values that differ are listed, one for each block, rather than the first and the last set apart."""

ALL_ENDS = ((1, 0), (0, 1), (1, 1))
"""Which of the first and the last block have an argument of their own."""

_NUMBER = re.compile(r"\d+")

MISSING: Any = object()
"""In the place of an argument that the block does not take, or of a value that cannot be written."""


@dataclass(eq=False)
class Stage:
    """A stage that is to be written.

    Attributes:
        path: its name.
        number: how many stages stand ahead of it.
        running: how many blocks these have.
        blocks: its blocks in the program.
        printed: what each of them is written as.
        arguments: what each gets, by parameter of the template.
        between: the steps ahead of the blocks.
        source: what enters it.
        entering: what flows to its first block.
        gives: what its last block gives.
        takes: what its first block takes by name; nothing where it takes what flows, or what the stage ahead gives.
        made: what its blocks make, by id.
        origins: the names of what it takes.
    """

    path: str
    number: int
    running: int
    blocks: tuple[Region, ...]
    printed: tuple[PrintedBlock, ...]
    arguments: tuple[Mapping[str, Any], ...]
    between: Row
    source: Value
    entering: Value
    gives: tuple[Value, ...]
    takes: tuple[Value, ...]
    made: set[int]
    origins: list[str] = field(default_factory=list)

    @property
    def block(self) -> PrintedBlock:
        """What most of its blocks are: the first and the last may be others."""
        return self.printed[len(self.printed) // 2 if len(self.printed) > 2 else 0]


class Stages:
    """Writes the stages of a network.

    Args:
        program: the program, which knows formulas.
        numbers: writes the numbers of the network.
    """

    def __init__(self, program: Program, numbers: Numbers) -> None:
        self._program = program
        self._numbers = numbers

    def can_say(self, stage: Stage) -> bool:
        """Whether there is an entry for a stage."""
        return self._entry([stage]) is not None

    def written(self, stages: Sequence[Stage]) -> list[dict[str, Any]]:
        """The entries under `stages`, as few as can be."""
        found: list[dict[str, Any]] = []
        at = 0
        while at < len(stages):
            for count in range(len(stages) - at, 0, -1):
                if 1 < count < ROLLED_FROM:
                    continue
                entry = self._entry(stages[at : at + count])
                if entry is not None:
                    ahead = short(stages[at].between)
                    whole = {**entry, "between": ahead} if ahead else entry
                    short_enough = count == 1 and not ahead and is_short(whole)
                    found.append(Braces(whole) if short_enough else whole)
                    at += count
                    break
        return found

    def _entry(self, stages: Sequence[Stage]) -> dict[str, Any] | None:
        """Stages as one entry; None where they differ by more than numbers that follow the stage's."""
        first, times = stages[0], len(stages)
        if times > 1 and any(each.between or each.takes for each in stages):
            return None
        if any(each.block is not first.block for each in stages):
            return None
        if any(other is not first.block for each in stages for other in each.printed[1:-1]):
            return None
        count = fit([len(each.blocks) for each in stages], "stage", first.number)
        name = _template([each.path for each in stages], "stage", first.number)
        block_name = self._block_name(stages)
        arguments = self._arguments(stages)
        if None in (count, name, block_name, arguments):
            return None
        assert arguments is not None
        found: dict[str, Any] = {"times": times} if times > 1 else {}
        if name != "layer{stage + 1}" and name != f"layer{first.number + 1}":
            found["name"] = name
        found["block"] = first.block.name
        if block_name != "{index}":
            found["block_name"] = block_name
        if first.origins:
            several = len(first.origins) > 1
            found["from"] = Brackets(first.origins) if several else first.origins[0]
        if count != 1:
            found["repeat"] = count
        return {**found, **arguments}

    @staticmethod
    def _block_name(stages: Sequence[Stage]) -> str | None:
        """The template of the names of blocks, which is the same for all stages."""
        names = [[_last(block.path) for block in each.blocks] for each in stages]
        longest = max(names, key=len)
        if all(each == longest[: len(each)] for each in names):
            return "{index}" if longest == ["0"] else _template(longest, "index", 0)
        flat = [name for each in names for name in each]
        return _template(flat, "running_index", stages[0].running)

    # Arguments

    def _arguments(self, stages: Sequence[Stage]) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        ends: dict[str, dict[str, Any]] = {"first": Braces(), "last": Braces()}
        for key, index in (("first", 0), ("last", -1)):
            others = {each.printed[index] for each in stages} - {stages[0].block}
            if len(others) > 1 or (others and any(_lacks(each, index, others) for each in stages)):
                return None
            for other in others:
                ends[key]["block"] = other.name
        names = dict.fromkeys(
            (name, spelt, default)
            for stage in stages
            for block in stage.printed
            for name, (spelt, _, default) in block.params.items()
        )
        for name, spelt, default in _merged(names):
            table = [
                [
                    arguments.get(name, MISSING) if name in block.params else MISSING
                    for block, arguments in zip(stage.printed, stage.arguments, strict=True)
                ]
                for stage in stages
            ]
            given = self._argument(stages, name, spelt, table, default)
            if given is None:
                return None
            whole, of_ends = given
            found |= whole
            for key, value in of_ends.items():
                ends[key][spelt] = value
        return {**found, **{key: value for key, value in ends.items() if value}}

    def _argument(
        self,
        stages: Sequence[Stage],
        name: str,
        spelt: str,
        table: Sequence[Sequence[Any]],
        default: Any,
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """What says an argument of all blocks: keys of the entry, and what the first and the last get."""
        start = stages[0].number

        def over(values: Sequence[Any]) -> Any:
            written = [self._numbers.write(value) for value in values]
            return _fit(written, start)

        flat = [value for row in table for value in row]
        if all(value is MISSING or _same(value, default) for value in flat):
            return {}, {}
        if spelt == "stride" and MISSING not in flat:
            for at, key in ((0, "first"), (-1, "last")):
                if all(_is_stride(row, at) for row in table):
                    value = over([row[at] for row in table])
                    more = {} if key == "first" else {"stride_at": key}
                    return None if value is None else ({"stride": value, **more}, {})
        if MISSING not in flat and all(_same(v, row[0]) for row in table for v in row):
            value = over([row[0] for row in table])
            if value is not None and not (spelt == "stride" and _is_apart(table)):
                return {spelt: value}, {}
        if MISSING not in flat:
            text = self._formula(stages, name, flat)
            if text is not None and not (spelt == "stride" and "index" not in text):
                return {spelt: text}, {}
        is_list = len(stages) == 1 and MISSING not in flat
        for ends in ((1, 0), (0, 1)) if is_list and len(flat) <= LISTED else ALL_ENDS:
            found = self._ends(ends, spelt, table, default, over)
            if found is not None:
                return found
        if is_list:
            return {spelt: Braces(each=Brackets(self._numbers.write(v) for v in flat))}, {}
        return None

    @staticmethod
    def _ends(
        ends: tuple[int, int],
        spelt: str,
        table: Sequence[Sequence[Any]],
        default: Any,
        over: Callable[[Sequence[Any]], Any],
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """An argument that the first or the last block has of its own, as ``ends`` says."""
        first, last = ends
        inner = [row[first : len(row) - last] for row in table]
        if not all(inner) or not all(_same(v, row[0]) for row in inner for v in row):
            return None
        values = [row[0] for row in inner]
        whole: dict[str, Any] = {}
        if any(value is MISSING for value in values):
            if any(value is not MISSING for value in values):
                return None
        elif spelt == "stride":  # it reaches one block
            return None
        elif not all(_same(value, default) for value in values):
            whole = {spelt: over(values)}
        found: dict[str, Any] = {}
        for key, is_own, at in (("first", first, 0), ("last", last, -1)):
            of_end = [row[at] for row in table]
            if is_own:
                found[key] = None if MISSING in of_end else over(of_end)
        return None if None in (*whole.values(), *found.values()) else (whole, found)

    def _formula(self, stages: Sequence[Stage], name: str, values: Sequence[Any]) -> str | None:
        """The formula that the program has for an argument of all these blocks; None without one."""
        blocks = [block for stage in stages for block in stage.blocks]
        formulas = [block.formulas.get(name) for block in blocks]
        first = formulas[0]
        if first is None or any(f is None or f.key != first.key for f in formulas):
            return None
        arguments = self._program.main.arguments
        around = {qualify(NETWORK_SCOPE, key): plain(v) for key, v in arguments.items()}
        for key in STAGE_NAMES:
            qualified = qualify(NETWORK_SCOPE, key)
            if all(qualified in block.indices for block in blocks):
                around[qualified] = named(key, [block.indices[qualified] for block in blocks])
        if not first.names.isdisjoint(HERE) or not first.names <= around.keys():
            return None
        try:
            found = first.evaluate(around)
        except (NetspecError, Diverges):
            return None
        if not isinstance(found, Varying) or found.node is None:
            return None
        if not all(same_value(a, b) for a, b in zip(found.values, values, strict=True)):
            return None
        if any(isinstance(node, ast.List) for node in ast.walk(found.node)):
            return None  # a list of numbers that are looked up is written as one
        return text_of(found.node) if names_of(found) <= {*STAGE_NAMES} else None


def _merged(names: Mapping[tuple[str, str, Any], None]) -> list[tuple[str, str, Any]]:
    """Each parameter once; where blocks have other defaults, none counts."""
    found: dict[str, tuple[str, str, Any]] = {}
    for name, spelt, default in names:
        known = found.get(name)
        if known is not None and not (known[2] is default or _same(known[2], default)):
            default = NONE
        found[name] = (name, spelt, default)
    return [*found.values()]


def _lacks(stage: Stage, index: int, others: set[PrintedBlock]) -> bool:
    return stage.printed[index] not in others


def _is_stride(row: Sequence[Any], at: int) -> bool:
    rest = row[1:] if at == 0 else row[:-1]
    return all(type(value) is int and value == 1 for value in rest)


def _is_apart(table: Sequence[Sequence[Any]]) -> bool:
    """Whether a stage has several blocks, of which a `stride` would reach one alone."""
    return any(len(row) > 1 for row in table)


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(_same, value, other))
    if isinstance(value, Varying) or isinstance(other, Varying):
        return isinstance(value, Varying) and isinstance(other, Varying) and same(value, other)
    return same_value(value, other)


def _fit(values: Sequence[Any], start: int) -> Any:
    if all(value == values[0] and type(value) is type(values[0]) for value in values):
        return values[0]
    if any(isinstance(value, str | list) for value in values):
        return None
    return fit(values, "stage", start)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _template(names: Sequence[str], counter: str, start: int) -> str | None:
    """One name for several: a number in it follows ``counter``; None where no template gives them."""
    first = names[0]
    if len(names) == 1:
        return first
    for match in _NUMBER.finditer(first):
        before, after, number = first[: match.start()], first[match.end() :], int(match[0])
        if all(name == f"{before}{number + i}{after}" for i, name in enumerate(names)):
            shift = number - start
            sign = "+" if shift > 0 else "-"
            inner = f"{counter} {sign} {abs(shift)}" if shift else counter
            return f"{before}{{{inner}}}{after}"
    if counter != "index":
        return None
    listed = ", ".join(f"'{name}'" for name in names)
    return f"{{[{listed}][{counter}]}}" if len(listed) < 150 else None
