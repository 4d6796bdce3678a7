"""The blocks of a stage as runs of calls alike, so that source grows with kinds and not with depth."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from netspec.codegen.classes import Invocation
from netspec.codegen.nodes import call, constant, filled
from netspec.errors import NetspecError
from netspec.ir import Program, Region
from netspec.ir.definition import plain
from netspec.ir.formula import IN_CHANNELS, NETWORK_SCOPE, Formula, qualify
from netspec.ir.names import counting
from netspec.ir.template import Call, Template
from netspec.ir.template.numbers import evaluated
from netspec.ir.template.text import formula_at
from netspec.lang.expression.symbolic import Diverges, Varying, named, names_of, value_at

LOOP_FROM = 3
"""So many blocks alike in a row are written as a loop; fewer are written out."""

INDEX = "index"
"""The name of the counter in the formulas, from 0 in each stage."""


@dataclass(frozen=True)
class Run:
    """Blocks in a row that are made by the same call.

    Attributes:
        calls: the call of each block.
        names: their names in the stage.
        pattern: their names with ``{index}`` for a number that counts up; None where they have none.
        start: the first of these numbers.
        call: what stands for all: where their arguments differ, by formulas of ``index``.
        is_scheduled: whether there are such formulas.
    """

    calls: tuple[Invocation, ...]
    names: tuple[str, ...]
    pattern: str | None
    start: int
    call: Invocation
    is_scheduled: bool

    @property
    def is_loop(self) -> bool:
        """Whether the run is long enough to be written as a loop."""
        return self.pattern is not None and len(self.names) >= LOOP_FROM

    @property
    def range(self) -> ast.expr:
        """The numbers of the names, as a call of ``range``."""
        stop = self.start + len(self.names)
        return call("range", map(constant, (self.start, stop) if self.start else (stop,)))

    @property
    def counted_name(self) -> ast.expr:
        """The name of the block that :data:`INDEX` counts."""
        return filled(str(self.pattern), index=ast.Name(INDEX))


@dataclass(frozen=True)
class StageCalls:
    """The blocks of a stage, as they are called.

    Attributes:
        blocks: the blocks.
        names: their names in the stage.
        calls: how each is called.
        schedule: the arguments that change from block to block by a formula of ``index``, with their
            value in each block, where ``index`` starts at a number.
    """

    blocks: tuple[Region, ...]
    names: tuple[str, ...]
    calls: tuple[Invocation, ...]
    schedule: Callable[[int], Mapping[str, Varying]]

    def runs(self) -> list[Run]:
        """The blocks as runs whose calls are alike."""
        found: list[Run] = []
        position = 0
        while position < len(self.calls):
            equal = self._longest(position)
            run = self._run(position, equal)
            if equal < LOOP_FROM and equal < len(self.calls) - position:
                run = max(
                    (run, *(self._scheduled_run(position, of) for of in _CHANNELS)),
                    key=lambda each: len(each.names) if each.is_loop else 0,
                )
            found.append(run)
            position += len(run.names)
        return found

    def _longest(self, position: int) -> int:
        """How many calls from ``position`` on are equal, under names that count up."""
        length = 1
        while (
            position + length < len(self.calls)
            and self.calls[position + length].is_like(self.calls[position])
            and _counts_up(self.names, position, length)
        ):
            length += 1
        return length

    def _run(self, start: int, length: int) -> Run:
        own = self.names[start : start + length]
        pattern, number = counting(own[0]) or (None, 0)
        calls = self.calls[start : start + length]
        return Run(calls, own, pattern, number, calls[0], False)

    def _scheduled_run(self, start: int, channels: Channels) -> Run:
        """The longest run from ``start`` on whose calls are alike once formulas stand for numbers."""
        first = self._scheduled(start, start, channels)
        length = 1
        while start + length < len(self.calls):
            call = self._scheduled(start + length, start, channels)
            if not _counts_up(self.names, start, length) or not call.is_like(first):
                break
            length += 1
        return dataclasses.replace(self._run(start, length), call=first, is_scheduled=True)

    def _scheduled(self, index: int, start: int, channels: Channels) -> Invocation:
        """Call ``index`` with formulas for what has them, counted as the names count from ``start`` on."""
        call = self.calls[index]
        pattern = counting(self.names[start])
        offset = pattern[1] - start if pattern is not None else 0
        values = dict(call.values)
        for name, formula in self.schedule(offset).items():
            if name in values and value_at(values[name], 0) == formula.values[index]:
                values[name] = Varying(formula.node, (), False)
        node = channels(self, index, start, offset) if IN_CHANNELS in values else None
        if node is not None:
            values[IN_CHANNELS] = Varying(node, (), False)
        return Invocation(call.source_class, values)


def stage_calls(
    stage: Region,
    names: tuple[str, ...],
    program: Program,
    network: Template,
    invocation: Callable[[Call], Invocation],
) -> StageCalls:
    """The blocks of a stage of the network's template, under ``names``; ``invocation`` says how each is called."""
    called = [network.calls[block] for block in stage.blocks]
    in_program = stage_of(program, stage.path)

    def formulas(start: int) -> Mapping[str, Varying]:
        if len(network.instances) > 1:  # the program is one of several
            return {}
        around = _around(in_program.blocks, program, network, start)
        return {
            **_own_schedule(in_program.blocks, called, around),
            **schedule(in_program, program, network, start),
        }

    return StageCalls(stage.blocks, names, tuple(map(invocation, called)), cache(formulas))


def stage_of(program: Program, path: str) -> Region:
    """The stage called ``path``, as it is in the program."""
    return next(stage for stage in program.stages if stage.path == path)


def schedule(
    stage: Region, program: Program, network: Template, start: int = 0
) -> dict[str, Varying]:
    """The arguments of a stage's blocks that follow a formula of the block's index.

    Arguments that read the channels or size at their place have no formula and are left out.

    Args:
        stage: the stage, as it is in the program.
        program: the program.
        network: its own template, which knows what stays an argument.
        start: what ``index`` is in the first block.
    """
    blocks = stage.blocks
    if not blocks:
        return {}
    around = _around(blocks, program, network, start)
    found: dict[str, Varying] = {}
    for name in dict.fromkeys(name for block in blocks for name in block.arguments):
        formulas = {block.formulas.get(name): None for block in blocks}
        for formula in formulas:
            value = None if formula is None else _value(formula, around)
            if isinstance(value, Varying) and INDEX in names_of(value) and not _looks_up(value):
                found[name] = value
                break
    return found


def _own_schedule(
    blocks: Sequence[Region], called: Sequence[Call], around: Mapping[str, Any]
) -> dict[str, Varying]:
    """The same for arguments that a block has for numbers in steps that it was given."""
    found: dict[str, Varying] = {}
    for block, made in zip(blocks, called, strict=True):
        for name, parameter in made.template.parameters.items():
            if name in found:
                continue
            value = around.get(parameter.qualified or "")
            if parameter.qualified is None:
                formula = formula_at(block, parameter.place, {})
                value = None if formula is None else _value(formula, around)
            if isinstance(value, Varying) and value.node is not None and INDEX in names_of(value):
                found[name] = value
    return found


def _around(
    blocks: Sequence[Region], program: Program, network: Template, start: int
) -> Mapping[str, Any]:
    """What names mean to the arguments of a stage's blocks, a value for each block."""
    found = {qualify(NETWORK_SCOPE, k): plain(v) for k, v in program.main.arguments.items()}
    for parameter in network.parameters.values():
        if parameter.qualified is not None and isinstance(parameter.value, Varying):
            values = parameter.value.values * len(blocks)
            found[parameter.qualified] = Varying(parameter.value.node, values, True)
    found |= blocks[0].indices
    first = blocks[0].indices.get(qualify(NETWORK_SCOPE, "running_index"), 0)
    index = named(INDEX, [start + number for number in range(len(blocks))]) - start
    found[qualify(NETWORK_SCOPE, INDEX)] = index
    found[qualify(NETWORK_SCOPE, "running_index")] = index + first
    return found


def _value(formula: Formula, around: Mapping[str, Any]) -> Any:
    try:
        return evaluated(formula, around)
    except (NetspecError, Diverges):
        return None


def _looks_up(value: Varying) -> bool:
    """Whether a formula takes an element of a list that it holds: the elements say it better."""
    nodes = ast.walk(value.node) if value.node is not None else ()
    return any(isinstance(n, ast.Subscript) and isinstance(n.value, ast.List) for n in nodes)


def _counts_up(names: Sequence[str], start: int, length: int) -> bool:
    """Whether the name behind a run of ``length`` from ``start`` on goes on counting."""
    pattern = counting(names[start])
    if pattern is None:
        return False
    text, number = pattern
    return names[start + length] == text.format(index=number + length)


def _growing(stage: StageCalls, index: int, start: int, offset: int) -> ast.expr | None:
    """Channels that grow evenly, as in DenseNet, where each block adds as many."""
    if start + 1 >= len(stage.blocks):
        return None
    first, second, number = (
        stage.blocks[i].source.type.channels for i in (start, start + 1, index)
    )
    if not all(isinstance(each, int) for each in (first, second, number)):
        return None
    step = second - first
    base = first - step * (start + offset)
    if step < 1 or base < 0 or number != base + step * (index + offset):
        return None
    node: ast.expr = ast.Name(INDEX)
    if step > 1:
        node = ast.BinOp(ast.Constant(step), ast.Mult(), node)
    return ast.BinOp(ast.Constant(base), ast.Add(), node) if base else node


def _following(stage: StageCalls, index: int, start: int, offset: int) -> ast.expr | None:
    """Channels that a schedule gave to the block before, or a multiple, as in PyramidNet."""
    number = stage.blocks[index].source.type.channels
    # Of the block before, each number is counted as one more than it is.
    for formula in stage.schedule(offset + 1).values() if index else ():
        before, node = formula.values[index - 1], formula.node
        if node is None or type(before) is not int or type(number) is not int:
            continue
        if before < 1 or number % before:
            continue
        if number != before:
            node = ast.BinOp(node, ast.Mult(), ast.Constant(number // before))
        return node
    return None


Channels = Callable[[StageCalls, int, int, int], ast.expr | None]
"""A formula for the channels that enter a block: of a stage, at an index, in a run from a start on."""

_CHANNELS: tuple[Channels, ...] = (_growing, _following)
