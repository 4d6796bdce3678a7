"""Tables of what ``netspec verify`` found. Loads rich when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netspec.errors import source_line
from netspec.verify.results import LevelResult, Measure, NetworkResult, WitnessResult
from netspec.verify.text import failure_lines, input_text, number, place_of, verdict

if TYPE_CHECKING:
    from rich.console import Console

Row = tuple[str, str, str]
"""Level, quantity and part."""


def print_results(results: Sequence[NetworkResult]) -> None:
    """One network in full, several with a line each; then what failed, and where."""
    from rich.console import Console

    # Away from a terminal there is no width to keep to; names are never cut short.
    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 200)
    if len(results) == 1:
        _print_whole(console, results[0])
    else:
        _print_lines(console, results)
    for result in results:
        _print_failures(console, result)
    for result in results:
        console.print(verdict(result), style="green" if result.passed else "red", soft_wrap=True)


def _print_whole(console: Console, result: NetworkResult) -> None:
    from rich import box
    from rich.table import Table

    console.print(f"{result.name}: {input_text(result)}, {result.dtype}", soft_wrap=True)
    for note in result.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("level")
    table.add_column("largest relative difference in")
    table.add_column("part", overflow="fold")
    for witness in result.witnesses:
        table.add_column(witness.name, justify="right", overflow="fold")
    table.add_column("allowed", justify="right")
    level = ""
    for row in _rows(result):
        cells = [_cell(witness, row) for witness in result.witnesses]
        first = row[0] if row[0] != level else ""
        table.add_row(first, row[1], row[2], *cells, _allowed(result, row))
        level = row[0]
    console.print(table)


def _rows(result: NetworkResult) -> list[Row]:
    """A row for each level that is told as a whole, each part of the forward level, each quantity."""
    rows: dict[Row, None] = {("shapes", "", ""): None}
    for name in ("forward", "training"):
        levels = [level for w in result.witnesses for level in w.levels if level.level == name]
        measured = [m for level in levels for m in level.measures]
        if levels and not measured:
            rows[name, "", ""] = None
        for measure in measured:
            part = measure.part if name == "forward" else ""
            rows[name, measure.quantity, part] = None
    return list(rows)


def _cell(witness: WitnessResult, row: Row) -> str:
    name, quantity, part = row
    level = next((found for found in witness.levels if found.level == name), None)
    if level is None:
        return ""
    if not quantity or level.status in ("baseline", "not run"):
        return level.status
    return number(_worst(level, quantity, part))


def _worst(level: LevelResult, quantity: str, part: str) -> Measure | None:
    found = [m for m in level.measures if m.quantity == quantity and part in ("", m.part)]
    return max(found, key=lambda measure: measure.relative, default=None)


def _allowed(result: NetworkResult, row: Row) -> str:
    bound = next((bound for bound in result.bounds if bound.quantity == row[1]), None)
    return "" if bound is None else f"{bound.value:.0e}"


def _print_lines(console: Console, results: Sequence[NetworkResult]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("network", "input", "precision"):
        table.add_column(name, overflow="fold")
    for name in ("parameters", "forward", "training", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("")
    for result in results:
        table.add_row(
            result.name,
            "×".join(map(str, result.input_shape)),
            result.dtype,
            f"{result.parameters:,}",
            number(result.worst("forward")),
            number(result.worst("training")),
            f"{result.seconds:.0f}",
            "agrees" if result.passed else "differs",
        )
    console.print(table)
    for result in results:
        for note in result.notes:
            console.print(f"{result.name}: note: {note}", soft_wrap=True, markup=False)


def _print_failures(console: Console, result: NetworkResult) -> None:
    for witness, level, failure in result.failures():
        for line in failure_lines(witness, level, failure):
            console.print(line, soft_wrap=True, markup=False)
        span = place_of(failure)
        quoted = source_line(span.file, span.line) if span is not None else None
        if span is not None and quoted is not None:
            console.print(f"  {span.line} | {quoted}", soft_wrap=True, markup=False)
        console.print()
