"""The blocks of a stage as runs of calls alike, so that source grows with kinds and not with depth."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.codegen.layout import Document, text_of
from netspec.codegen.second import tree
from netspec.codegen.second.schedules import INDEX
from netspec.symbolic import Varying, value_at

LOOP_FROM = 3
"""So many blocks alike in a row are written as a loop; fewer are written out."""

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Run:
    """Blocks in a row that are made by the same call.

    Attributes:
        blocks: the blocks.
        names: their names in the stage.
        pattern: their names with ``{index}`` for a number that counts up; None where they have none.
        start: the first of these numbers.
        block: a block that stands for all: where their arguments differ, by formulas of ``index``.
        is_scheduled: whether there are such formulas.
    """

    blocks: tuple[tree.Block, ...]
    names: tuple[str, ...]
    pattern: str | None
    start: int
    block: tree.Block
    is_scheduled: bool

    @property
    def is_loop(self) -> bool:
        """Whether the run is long enough to be written as a loop."""
        return self.pattern is not None and len(self.names) >= LOOP_FROM

    @property
    def range(self) -> str:
        """The numbers of the names, as a call of ``range``."""
        stop = self.start + len(self.names)
        return f"range({self.start}, {stop})" if self.start else f"range({stop})"


def runs(
    stage: tree.Stage, names: Sequence[str], call: Callable[[tree.Block], Document]
) -> list[Run]:
    """The blocks of a stage, with the name of each, as runs whose calls are alike.

    ``call`` gives the call that makes a block, apart from its name.
    """
    found: list[Run] = []
    plain = [text_of(call(block)) for block in stage.blocks]
    position = 0
    while position < len(plain):
        equal = _longest(plain, names, position)
        run = _run(stage, names, position, equal)
        if equal < LOOP_FROM and equal < len(plain) - position:
            run = max(
                (run, *(_scheduled_run(stage, names, call, position, of) for of in _CHANNELS)),
                key=lambda each: len(each.names) if each.is_loop else 0,
            )
        found.append(run)
        position += len(run.names)
    return found


def _longest(calls: Sequence[str], names: Sequence[str], position: int) -> int:
    """How many calls from ``position`` on are equal, under names that count up."""
    length = 1
    while (
        position + length < len(calls)
        and calls[position + length] == calls[position]
        and _pattern(names[position : position + length + 1]) is not None
    ):
        length += 1
    return length


def _run(stage: tree.Stage, names: Sequence[str], start: int, length: int) -> Run:
    own = tuple(names[start : start + length])
    pattern, number = _pattern(own) or (None, 0)
    blocks = stage.blocks[start : start + length]
    return Run(blocks, own, pattern, number, blocks[0], False)


def _scheduled_run(
    stage: tree.Stage,
    names: Sequence[str],
    call: Callable[[tree.Block], Document],
    start: int,
    channels: Channels,
) -> Run:
    """The longest run from ``start`` on whose calls are alike once formulas stand for numbers."""
    first = _scheduled(stage, start, start, names, channels)
    made, length = text_of(call(first)), 1
    while start + length < len(stage.blocks):
        block = _scheduled(stage, start + length, start, names, channels)
        if _pattern(names[start : start + length + 1]) is None or text_of(call(block)) != made:
            break
        length += 1
    return dataclasses.replace(_run(stage, names, start, length), block=first, is_scheduled=True)


def _scheduled(
    stage: tree.Stage, index: int, start: int, names: Sequence[str], channels: Channels
) -> tree.Block:
    """Block ``index`` with formulas for what has them, counted as the names count from ``start`` on."""
    block = stage.blocks[index]
    pattern = _pattern(names[start : start + 1])
    offset = pattern[1] - start if pattern is not None else 0
    arguments = dict(block.arguments)
    for name, formula in stage.schedule.items():
        if value_at(arguments.get(name), 0) == formula.values[index]:
            node = _counted(formula, offset)
            if node is not None:
                arguments[name] = Varying(node, (formula.values[index],), False)
    node = channels(stage, index, start, offset)
    source = block.source
    if node is not None:
        varying: Any = Varying(node, (source.channels,), False)
        source = dataclasses.replace(source, channels=varying)
    return dataclasses.replace(block, arguments=arguments, source=source)


def _counted(formula: Varying, offset: int) -> ast.expr | None:
    """A formula of the index whose index starts at ``offset``; None where there is none."""
    if formula.node is None or not offset:
        return formula.node
    node: ast.expr = _Counted(offset).visit(formula.node)
    return node


def _growing(stage: tree.Stage, index: int, start: int, offset: int) -> ast.expr | None:
    """Channels that grow evenly, as in DenseNet, where each block adds as many."""
    if start + 1 >= len(stage.blocks):
        return None
    first, second, number = (stage.blocks[i].source.channels for i in (start, start + 1, index))
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


def _following(stage: tree.Stage, index: int, start: int, offset: int) -> ast.expr | None:
    """Channels that a schedule gave to the block before, or a multiple, as in PyramidNet."""
    number = stage.blocks[index].source.channels
    for formula in stage.schedule.values() if index else ():
        before = formula.values[index - 1]
        node = _counted(formula, offset + 1)
        if node is None or type(before) is not int or type(number) is not int:
            continue
        if before < 1 or number % before:
            continue
        if number != before:
            node = ast.BinOp(node, ast.Mult(), ast.Constant(number // before))
        return node
    return None


Channels = Callable[[tree.Stage, int, int, int], ast.expr | None]
"""A formula for the channels that enter a block: of a stage, at an index, in a run from a start on."""

_CHANNELS: tuple[Channels, ...] = (_growing, _following)


class _Counted(ast.NodeTransformer):
    """A copy of a formula whose index starts elsewhere."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._index(-self.offset) if node.id == INDEX else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        match node:
            case ast.BinOp(ast.Name(id="index"), ast.Add(), ast.Constant(value=int(number))):
                return self._index(number - self.offset)
        return self.generic_visit(node)

    @staticmethod
    def _index(shift: int) -> ast.expr:
        if shift == 0:
            return ast.Name(INDEX)
        kind = ast.Add() if shift > 0 else ast.Sub()
        return ast.BinOp(ast.Name(INDEX), kind, ast.Constant(abs(shift)))

    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = {
            name: [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
            if isinstance(value, list)
            else (self.visit(value) if isinstance(value, ast.AST) else value)
            for name, value in ast.iter_fields(node)
        }
        return type(node)(**fields)


def _pattern(names: Sequence[str]) -> tuple[str, int] | None:
    """The names with ``{index}`` for their number, and the first number; None where none counts up."""
    match = _NUMBERED.fullmatch(names[0]) if names else None
    if match is None or str(int(match[2])) != match[2]:
        return None
    before, start, after = match[1], int(match[2]), match[3]
    if any(name != f"{before}{start + offset}{after}" for offset, name in enumerate(names)):
        return None
    return f"{before}{{index}}{after}", start
