"""PyTorch source of the stages of a network: modules that hold their blocks, in loops where they are alike."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from netspec.backends.torch.gathered import Row
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.sequential import ORDERED
from netspec.backends.torch.stage_loops import FEWEST, StageLoops
from netspec.codegen.classes import Classes
from netspec.codegen.explanation import Decisions
from netspec.codegen.helper import Helper
from netspec.codegen.members import Family
from netspec.codegen.nodes import call, clause, for_
from netspec.codegen.printing import Printer
from netspec.codegen.stages import INDEX, Run, stage_calls
from netspec.ir import Region
from netspec.ir.template import Series, Split


class Stages:
    """Writes the stages of networks that are one class.

    Args:
        family: the networks.
        writer: what their modules are written by.
        helpers: what makes stages that follow one pattern.
        classes: those of the blocks; None while it is tried whether numbers have formulas.
        decisions: where loops are noted.

    Attributes:
        known: what stands for the channels behind a loop over stages, by the name that formulas have for them.
    """

    def __init__(
        self,
        family: Family,
        writer: ModuleWriter,
        helpers: Mapping[Series, Helper],
        classes: Classes | None,
        decisions: Decisions,
    ) -> None:
        self.family = family
        self.writer = writer
        self.helpers = helpers
        self.classes = classes
        self.decisions = decisions
        self.known: dict[str, ast.expr] = {}

    def _series(self, stage: Region) -> Series | None:
        return self.family.template.series.get(stage.blocks[0]) if stage.blocks else None

    def try_out(self, stage: Region) -> ast.expr:
        """See whether the numbers of a stage have formulas, and whether what is a series is a row of modules.

        Returns a call in the place of the one that would make it.

        Raises:
            Diverges: a number has no formula.
            Split: other modules stand in a stage that a helper would make.
        """
        series = self._series(stage)
        if series is None:
            for block in stage.blocks:
                self.writer.block_call(block)
        elif self.writer.plan.row(stage) is None:
            raise Split("a stage that is no row of modules", stage.path, {0: None}, stage.span)
        else:
            self.writer.printer.value([n for n in series.numbers if n is not None])
        return call("nn.Sequential")

    def loop(self, row: Row, modules: Sequence[ast.expr]) -> list[ast.stmt] | None:
        """The statements that register a row of stages between which channels grow; None for any other."""
        found = {}
        for index, member in enumerate(row.members):
            if not isinstance(member, Region) or member.kind != "stage":
                continue
            series = self._series(member)
            if series is not None and series.growth is not None and series.growth.is_added:
                found[index] = series
        if len(found) < FEWEST or "." in row.path:
            return None
        loops = StageLoops(self.family.template, self.helpers, self.writer.rows)
        made = loops.written(row, modules, found)
        stages = [f"{row.path}.{row.names[index]}" for index in found]
        if isinstance(made, str):
            self.decisions.note_stage_loop(self.family, stages, "", made)
            return None
        self.decisions.note_stage_loop(self.family, stages, made.depths, "")
        self.known |= made.known
        return made.statements

    def register(self, stage: Region) -> None:
        """A stage as a `nn.Sequential`, which a helper makes, or a loop where runs of blocks are alike."""
        writer, names = self.writer, _names(stage)
        if writer.plan.gathered.holds(stage):
            writer.register(stage)
        elif writer.plan.is_list(stage):
            runs = self._runs(stage, names)
            items = [item for run in runs for item in _items(run, writer.printer)]
            blocks: ast.expr = ast.List(items)
            if len(runs) == 1 and runs[0].is_loop:
                blocks = ast.ListComp(*_loop(runs[0], writer.printer))
            writer.statements.append(writer.assign(stage.path, call("nn.ModuleList", [blocks])))
            writer.lists.add(stage.path)
        elif stage.blocks and writer.plan.row(stage) is None:
            if not writer.plan.gathered.holds(stage.blocks[0]):
                writer.container(stage.path)
            for block in stage.blocks:
                writer.register(block)
        elif self._series(stage) is not None or names == Row.indices(names):
            writer.statements.append(writer.assign(stage.path, self.module(stage)))
        else:
            self._one_by_one(stage, names)

    def module(self, stage: Region) -> ast.expr:
        """The call that makes the `nn.Sequential` of a stage's blocks."""
        series, printer, names = self._series(stage), self.writer.printer, _names(stage)
        if series is not None:
            helper = self.helpers[series]
            return helper.call(f"self.{helper.name}", series, printer)
        runs = self._runs(stage, names)
        if names == Row.indices(names):
            return call("nn.Sequential", [item for run in runs for item in _items(run, printer)])
        printer.targets.add(ORDERED)
        parts = [part for run in runs for part in _pairs(run, printer)]
        listed: ast.expr = ast.List(parts)
        if len(parts) == 1 and isinstance(parts[0], ast.Starred):
            listed = parts[0].value
        return call("nn.Sequential", [call(ORDERED, [listed])])

    def _one_by_one(self, stage: Region, names: tuple[str, ...]) -> None:
        """The blocks of a stage, added to an empty `nn.Sequential`."""
        writer = self.writer
        writer.statements.append(writer.assign(stage.path, call("nn.Sequential")))
        add = ast.Attribute(writer.access(stage), "add_module")
        for run in self._runs(stage, names):
            if run.is_loop:
                made = call(add, [run.counted_name, run.call.call(writer.printer)])
                writer.statements.append(for_(INDEX, run.range, [ast.Expr(made)]))
                continue
            for name, each in zip(run.names, run.calls, strict=True):
                made = call(add, [ast.Constant(name), each.call(writer.printer)])
                writer.statements.append(ast.Expr(made))

    def _runs(self, stage: Region, names: tuple[str, ...]) -> list[Run]:
        """The calls of a stage's blocks, those that are alike together."""
        assert self.classes is not None
        family, invocation = self.family, self.classes.invocation
        calls = stage_calls(stage, names, family.first, family.template, invocation)
        found = calls.runs()
        self.decisions.note_runs(family, stage.path, calls, found)
        return found


def _names(stage: Region) -> tuple[str, ...]:
    """The names that a stage's blocks have in it."""
    return tuple(block.path[len(stage.path) + 1 :] for block in stage.blocks)


def _pairs(run: Run, printer: Printer) -> list[ast.expr]:
    """The calls of a run, each with the block's name."""
    if run.is_loop:
        pair = ast.Tuple([run.counted_name, run.call.call(printer)])
        return [ast.Starred(ast.GeneratorExp(pair, [clause(INDEX, run.range)]))]
    pairs = zip(run.names, run.calls, strict=True)
    return [ast.Tuple([ast.Constant(name), each.call(printer)]) for name, each in pairs]


def _items(run: Run, printer: Printer) -> list[ast.expr]:
    if not run.is_loop:
        return [each.call(printer) for each in run.calls]
    return [ast.Starred(ast.GeneratorExp(*_loop(run, printer)))]


def _loop(run: Run, printer: Printer) -> tuple[ast.expr, list[ast.comprehension]]:
    """The calls of a run as the parts of a comprehension."""
    count = clause("_", call("range", [ast.Constant(len(run.names))]))
    if run.is_scheduled:
        count = clause(INDEX, run.range)
    return run.call.call(printer), [count]
