"""Keras source of the stages of a network: the calls of their blocks, in loops where they are alike."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from netspec.backends.keras.flow import KerasFlow
from netspec.backends.keras.lowered import channels_of
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.plan import is_deep
from netspec.backends.keras.submodels import submodels
from netspec.codegen.chains import chain, is_chain
from netspec.codegen.classes import Invocation
from netspec.codegen.explanation import Decisions
from netspec.codegen.factories import PARTIAL, hand_on
from netspec.codegen.helper import Helper
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.members import Family
from netspec.codegen.nodes import assign, call, for_, names, variable_of
from netspec.codegen.printing import Factories, Printer
from netspec.codegen.stages import INDEX, Run, stage_calls, stage_of
from netspec.ir import Region
from netspec.ir.template import Call, Series, Template

Invoke = Callable[[Call], Invocation]
"""How the function of a block is called."""


class Blocks:
    """Writes the calls of blocks.

    Args:
        invoke: how their functions are called; None while it is tried whether numbers have formulas.
        factories: what callers pass for layers, by the identity of the block's template.
    """

    def __init__(self, invoke: Invoke | None, factories: Mapping[int, Factories]) -> None:
        self.invoke = invoke
        self.factories = factories

    def block_call(
        self,
        template: Template,
        block: Region,
        values: Sequence[ast.expr],
        name: ast.expr,
        printer: Printer,
    ) -> ast.expr:
        """The call of a block's function, on tensors and under a name."""
        made = template.calls[block]
        hand_on(made.arguments, self.factories[id(made.template)], printer)
        if self.invoke is None:
            return call("block", map(printer.value, made.arguments.values()))
        return self.invoke(made).call(printer, values, name=name)

    def blocks(self, stage: Region, flow: KerasFlow, target: str) -> None:
        """Blocks have no stages inside."""
        raise NotImplementedError  # pragma: no cover


class Stages(Blocks):
    """Writes the stages of networks that are one function.

    Args:
        family: the networks.
        helpers: what makes stages that differ over the networks.
        invoke: how the functions of blocks are called; None while it is tried.
        factories: what callers pass for layers, by the identity of the block's template.
        decisions: where loops are noted.

    Attributes:
        channels: where a name is to be given to the channels behind a stage: the name, how many statements
            stand ahead, and the tensor.
    """

    def __init__(
        self,
        family: Family,
        helpers: Mapping[Series, Helper],
        invoke: Invoke | None,
        factories: Mapping[int, Factories],
        decisions: Decisions,
    ) -> None:
        super().__init__(invoke, factories)
        self.decisions = decisions
        self.family = family
        self.helpers = helpers
        self.channels: list[tuple[str, int, str]] = []

    def blocks(self, stage: Region, flow: KerasFlow, target: str) -> None:
        """Send what flows through the blocks of a stage."""
        if not stage.blocks:
            return
        series = self.family.template.series.get(stage.blocks[0])
        if self.invoke is None and series is None:  # a block at a time, to see the numbers
            flow.run_all(stage.blocks, target)
            return
        if not all(block.is_unary for block in stage.blocks):
            self._several(stage, flow, target)
            return
        value = flow.tensors.take(stage.blocks[0].source, target)
        result = flow.tensors.free(target, stage.result)
        if series is not None:
            self._series(stage, series, value, result, flow)
        elif is_deep(self.family.first):
            at_last = stage_of(self.family.first, stage.path)
            submodels(at_last, self._runs(stage), value, result, flow)
        else:
            start = [assign(result, value)] if variable_of(value) != result else []
            self._in_order(self._runs(stage), [value], [result], start, flow)
        flow.tensors.define(stage.result, ast.Name(result))

    def _series(
        self, stage: Region, series: Series, value: ast.expr, result: str, flow: KerasFlow
    ) -> None:
        """The call of what makes a stage."""
        name = ast.Constant(flat_name(stage.path))
        if self.invoke is not None:
            helper = self.helpers[series]
            made = helper.call(helper.name, series, flow.printer, [value], name=name)
        else:
            placed = [each for known in series.arguments.values() for each in known.values]
            made = call("stack", map(flow.printer.value, [series.count, *placed]))
        flow.tensors.statements.append(assign(result, made))
        if series.channels:
            self.channels.append((series.channels, len(flow.tensors.statements), result))

    def name_channels(self, printer: Printer, statements: list[ast.stmt]) -> None:
        """Give the channels behind stages the names that the code has for them, where it has."""
        for name, index, tensor in reversed(self.channels):
            if name in printer.names:
                statements.insert(index, assign(name, channels_of(ast.Name(tensor))))

    def bound(self, printer: Printer) -> list[ast.stmt]:
        """What gives blocks the arguments that all stages have alike."""
        found: list[ast.stmt] = []
        for helper in dict.fromkeys(self.helpers.values()):
            if helper.shared:
                given = {safe_identifier(n): printer.value(v) for n, v in helper.shared.items()}
                printer.targets.add(PARTIAL)
                found.append(assign(helper.bound, call(PARTIAL, [ast.Name(helper.kind)], **given)))
        return found

    def _several(self, stage: Region, flow: KerasFlow, target: str) -> None:
        """Send through the blocks of a stage what several tensors may be handed on by."""
        if not is_chain(stage.blocks, flow.tensors):
            flow.run_all(stage.blocks, target)
            return
        found = self._runs(stage)
        with chain(stage.blocks, flow.tensors, target) as made:
            self._in_order(found, made.entering, made.variables, made.start(), flow)

    def _runs(self, stage: Region) -> list[Run]:
        """The calls of a stage's blocks, those that are alike together."""
        assert self.invoke is not None
        own = tuple(flat_name(block.path) for block in stage.blocks)
        family = self.family
        calls = stage_calls(stage, own, family.first, family.template, self.invoke)
        found = calls.runs()
        self.decisions.note_runs(family, stage.path, calls, found)
        return found

    def _in_order(
        self,
        found: Sequence[Run],
        values: Sequence[ast.expr],
        targets: Sequence[str],
        start: Sequence[ast.stmt],
        flow: KerasFlow,
    ) -> None:
        """Write calls; ``start`` puts ``values``, which the first takes, into the variables ``targets``."""
        statements, target = flow.tensors.statements, names(targets)
        variables: Sequence[ast.expr] = [*map(ast.Name, targets)]
        for run in found:
            if run.is_loop:
                statements += start if values is not variables else ()
                made = run.call.call(flow.printer, variables, name=run.counted_name)
                statements.append(for_(INDEX, run.range, [assign(target, made)]))
                values = variables
                continue
            for name, invocation in zip(run.names, run.calls, strict=True):
                made = invocation.call(flow.printer, values, name=ast.Constant(name))
                statements.append(assign(target, made))
                values = variables
