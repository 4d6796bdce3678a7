"""A network in parts, as the language has them: what stands ahead of the stages, the stages, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netspec.ir import Node, Program, Region, Value
from netspec.ir.template import Choice, Template
from netspec.ir.template.data import result_of
from netspec.unparse.blocks import PrintedBlock
from netspec.unparse.body import Body, Item
from netspec.unparse.stages import Stage, Stages
from netspec.unparse.steps import Row, every


class Parts:
    """The stem, the stages and the head of a network.

    A stage that no entry can say, as one with a layer between its blocks, is written as steps of the head,
    and so is what follows.

    Attributes:
        stem: the steps ahead of the stages.
        stages: the stages; those without blocks do nothing, and are none.
        head: the steps behind them.
        results: the names of stages by the id of what they give.
    """

    def __init__(
        self,
        program: Program,
        template: Template,
        body: Body[PrintedBlock],
        blocks: Mapping[int, PrintedBlock],
        stages: Stages,
    ) -> None:
        self.stages: list[Stage] = []
        self.results: dict[int, str] = {}
        self._template = template
        self._body = body
        self._blocks = blocks
        self._entries = stages
        self._inputs = {value.id for value in template.entering if program.input_names}
        self._outputs = {value.id for value in template.outputs.values()}
        self._by_path = {region.path: region for region in program.main.regions("block")}
        items = template.body.items
        first = next((n for n, item in enumerate(items) if _is_stage(item)), None)
        if first is None:  # what would be the head stays it
            first = max(len(items) - 1, 1)
        self.stem: Row = body.row(items[:first], body.everywhere)
        at = first
        places: list[int] = []
        while at < len(items) and self._take(items[at], items[at + 1 :]):
            places += [at] * (len(self.stages) - len(places))
            at += 1
        while self.stages and self._is_looked_into(items[at:]):
            del self.results[self.stages.pop().gives[0].id]
            at = places.pop()
        self.head: Row = body.row(items[at:], body.everywhere)

    def _take(self, item: Item, behind: Sequence[Item]) -> bool:
        """Take an item as the next stage; False where it is none that an entry can say."""
        if not isinstance(item, Region) or not _is_stage(item):
            return False
        blocks = [each for each in item.items if isinstance(each, Region) and each.kind == "block"]
        ahead = item.items[: len(item.items) - len(blocks)]
        if not blocks:
            return not ahead
        if any(block.path.rpartition(".")[0] != item.path for block in blocks):
            return False
        flowing = result_of(ahead[-1]) if ahead else item.source
        if not _are_in_a_row(item, blocks, ahead):
            return False
        between = self._body.row(ahead, self._body.everywhere)
        if between and not self._is_closed(between, item, flowing, behind):
            return False
        taken = blocks[0].inputs
        given = (flowing,) if ahead or not self.stages else self.stages[-1].gives
        origins = () if _follows(taken, given) else taken
        made = {value.id for step in every(between) for value in step.gives}
        if any(value.id not in made and not self._has_name(value) for value in origins):
            return False
        calls = [self._template.calls[block] for block in blocks]
        stage = Stage(
            path=item.path,
            number=len(self.stages),
            running=sum(len(each.blocks) for each in self.stages),
            blocks=tuple(self._by_path[block.path] for block in blocks),
            printed=tuple(self._blocks[id(call.template)] for call in calls),
            arguments=tuple(self._blocks[id(call.template)].given(call) for call in calls),
            between=between,
            source=item.source,
            entering=flowing,
            gives=item.outputs,
            takes=origins,
            made={v.id for block in blocks for v in block.outputs} - {v.id for v in taken},
        )
        if not self._entries.can_say(stage):
            return False
        self.stages.append(stage)
        self.results[item.result.id] = item.path
        return True

    @property
    def _words(self) -> set[int]:
        """The results of stages that `from` can name, by id."""
        return {id for id, path in self.results.items() if path.isidentifier()}

    def _is_looked_into(self, behind: Sequence[Item]) -> bool:
        """Whether the head, or an output, takes what stages have no name for: not the result of their last block."""
        made = {id for stage in self.stages for id in stage.made}
        taken = {value.id for item in behind for value in _taken(item)}
        flowing = {self.stages[-1].gives[0].id}
        unnamed = (taken - self._words - flowing) | (self._outputs - self.results.keys())
        return bool(made & unnamed)

    def _has_name(self, value: Value) -> bool:
        """Whether a stage can name a value that it takes: one of the stem, of a stage, or an input."""
        if value.id in self.results:
            return value.id in self._words
        made = {each.id for step in every(self.stem) for each in step.gives}
        return value.id in made or value.id in {each.id for each in self._template.entering}

    def _is_closed(
        self, between: Row, stage: Region, flowing: Value, behind: Sequence[Item]
    ) -> bool:
        """Whether steps ahead of a stage's blocks take what they may, and nothing else takes what they make."""
        made = {value.id for step in every(between) for value in step.gives}
        taken = {value.id for step in between for value in step.values()}
        if not taken <= {*made, stage.source.id, *self._words, *self._inputs}:
            return False
        later = self._outputs | {value.id for item in behind for value in _taken(item)}
        inner = made if flowing.id != stage.result.id else made - {flowing.id}
        return not inner & later


def _follows(taken: Sequence[Value], given: Sequence[Value]) -> bool:
    """Whether a block takes what stands ahead of it gives: all by position, or the first alone."""
    first = given[:1] if len(taken) == 1 else given
    return [value.id for value in taken] == [value.id for value in first]


def _are_in_a_row(stage: Region, blocks: Sequence[Region], ahead: Sequence[Item]) -> bool:
    """Whether the blocks are the last in a stage, and each takes what the one ahead of it gives."""
    if [*stage.items[len(ahead) :]] != [*blocks]:
        return False
    pairs = zip(blocks[1:], blocks[:-1], strict=True)
    if not all(_follows(block.inputs, before.outputs) for block, before in pairs):
        return False
    return [v.id for v in stage.outputs] == [v.id for v in blocks[-1].outputs]


def _is_stage(item: Item) -> bool:
    return isinstance(item, Region) and item.kind == "stage"


def _taken(item: Item) -> Iterable[Value]:
    """The values that the ops in a part of a template take; of a block, what enters it."""
    match item:
        case Node():
            yield from item.inputs
        case Choice():
            yield from (*_taken(item.then), *_taken(item.other))
        case Region(kind="block"):
            yield from item.inputs
        case Region():
            for inner in item.items:
                yield from _taken(inner)
