"""Keras source of a deep stage: its blocks in models of their own, a few dozen each."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from netspec.backends.keras.flow import KerasFlow
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.plan import chunks
from netspec.codegen.classes import Invocation
from netspec.codegen.factories import PARTIAL
from netspec.codegen.nodes import assign, call, clause, constant
from netspec.codegen.printing import Printer
from netspec.codegen.stages import INDEX, Run
from netspec.ir import Region

SUBMODELS = "submodels"
"""The function of generated source that runs blocks in models of their own."""


def submodels(
    stage: Region, found: Sequence[Run], value: ast.expr, target: str, flow: KerasFlow
) -> None:
    """Write the call of the helper that runs the blocks of ``stage``, as it is in the program."""
    items = [item for run in found for item in _partials(run, flow.printer)]
    stops, total = [], 0
    for _, group in chunks(stage):
        total += len(group)
        stops.append(total)
    blocks: ast.expr = ast.List(items)
    if len(found) == 1 and found[0].is_loop:
        blocks = ast.ListComp(*_loop(found[0], flow.printer))
    arguments = [value, ast.Constant(flat_name(stage.path)), ast.Name("blocks")]
    made = call(SUBMODELS, arguments, stops=constant(tuple(stops)))
    flow.printer.targets.add(SUBMODELS)
    flow.tensors.statements += [assign("blocks", blocks), assign(target, made)]


def _partials(run: Run, printer: Printer) -> list[ast.expr]:
    if not run.is_loop:
        pairs = zip(run.names, run.calls, strict=True)
        return [_partial(invocation, ast.Constant(name), printer) for name, invocation in pairs]
    return [ast.Starred(ast.GeneratorExp(*_loop(run, printer)))]


def _loop(run: Run, printer: Printer) -> tuple[ast.expr, list[ast.comprehension]]:
    """The parts of a comprehension."""
    return _partial(run.call, run.counted_name, printer), [clause(INDEX, run.range)]


def _partial(invocation: Invocation, name: ast.expr, printer: Printer) -> ast.expr:
    given = {argument.identifier: printer.value(value) for argument, value in invocation.given()}
    printer.targets.add(PARTIAL)
    return call(PARTIAL, [ast.Name(invocation.source_class.name)], **given, name=name)
