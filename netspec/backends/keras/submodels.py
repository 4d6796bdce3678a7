"""Keras source of a deep stage: its blocks in models of their own, a few dozen each."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.backends.keras.flow import KerasFlow
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.plan import chunks
from netspec.codegen.classes import Invocation
from netspec.codegen.layout import Document, Row, call, comprehension, keyword, literal
from netspec.codegen.printing import Printer, quoted
from netspec.codegen.stages import Run
from netspec.codegen.statements import Assign
from netspec.ir import Region


def submodels(
    stage: Region, found: Sequence[Run], value: Document, target: str, flow: KerasFlow
) -> None:
    """Write the call of the helper that runs the blocks of ``stage``, as it is in the program."""
    items = [item for run in found for item in _partials(run, flow.printer)]
    stops, total = [], 0
    for _, group in chunks(stage):
        total += len(group)
        stops.append(total)
    blocks = literal("[", items, "]")
    if len(found) == 1 and found[0].is_loop:
        made = _partial(found[0].call, f'f"{found[0].pattern}"', flow.printer)
        blocks = comprehension("[", made, f"for index in {found[0].range}", "]")
    flow.tensors.statements.append(Assign("blocks", blocks))
    arguments: list[Document] = [
        value,
        quoted(flat_name(stage.path)),
        "blocks",
        keyword("stops", Printer({}).value(tuple(stops))),
    ]
    flow.tensors.statements.append(Assign(target, call("submodels", arguments)))


def _partials(run: Run, printer: Printer) -> list[Document]:
    if not run.is_loop:
        pairs = zip(run.names, run.calls, strict=True)
        return [_partial(invocation, quoted(name), printer) for name, invocation in pairs]
    made = _partial(run.call, f'f"{run.pattern}"', printer)
    return [Row(("*", comprehension("(", made, f"for index in {run.range}", ")")))]


def _partial(invocation: Invocation, name: Document, printer: Printer) -> Document:
    items: list[Document] = [invocation.source_class.name]
    for argument, value in invocation.given():
        items.append(keyword(argument.identifier, printer.value(value)))
    return call("partial", [*items, keyword("name", name)])
