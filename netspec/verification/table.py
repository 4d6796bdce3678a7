"""Tables of what ``netspec verify`` found. Loads rich when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netspec.system.tables import show
from netspec.verification.levels import LEVELS
from netspec.verification.results import LevelResult, Measure, NetworkResult, WitnessResult
from netspec.verification.text import (
    failure_lines,
    input_text,
    number,
    outcome,
    place_in,
    place_of,
    unseen_lines,
    verdict,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = tuple[str, str, str]
"""Level, quantity and part."""


def print_results(console: Console, results: Sequence[NetworkResult]) -> None:
    """One network in full, several with a line each; then what failed, and where."""
    if len(results) == 1:
        _print_whole(console, results[0])
    else:
        _print_lines(console, results)
    for result in results:
        _print_failures(console, result)
    for result in results:
        style = "green" if result.passed else "red"
        show(console, verdict(result), style=style, soft_wrap=True, markup=False)


def _print_whole(console: Console, result: NetworkResult) -> None:
    title = f"{result.name}: {input_text(result)}, {result.dtype}"
    show(console, title, soft_wrap=True, markup=False)
    for note in (*result.notes, *unseen_lines(result)):
        show(console, f"note: {note}", soft_wrap=True, markup=False)
    table = _wide(result)
    if console.measure(table).maximum > console.width:
        table = _narrow(result)
    show(console, table)


def _wide(result: NetworkResult) -> Table:
    """A column for each witness."""
    table = _table("largest relative difference in")
    for witness in result.witnesses:
        table.add_column(witness.name, justify="right", overflow="fold")
    table.add_column("allowed", justify="right")
    level = ""
    for row in _rows(result):
        cells = [_cell(witness, row) for witness in result.witnesses]
        first = row[0] if row[0] != level else ""
        table.add_row(first, row[1], row[2], *cells, _allowed(result, row))
        level = row[0]
    return table


def _narrow(result: NetworkResult) -> Table:
    """The largest difference over all witnesses; the witnesses stand in the last line."""
    table = _table("difference in")
    table.add_column("largest", justify="right", overflow="fold")
    table.add_column("allowed", justify="right")
    level = ""
    for row in _rows(result):
        first = row[0] if row[0] != level else ""
        table.add_row(first, row[1], row[2], _largest(result, row), _allowed(result, row))
        level = row[0]
    return table


def _table(difference: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("level")
    table.add_column(difference)
    table.add_column("part", overflow="fold")
    return table


def _rows(result: NetworkResult) -> list[Row]:
    """A row for each level that is told as a whole, each part of the forward level, each quantity."""
    rows: dict[Row, None] = {}
    for name in LEVELS:
        levels = [level for w in result.witnesses for level in w.levels if level.level == name]
        measured = [m for level in levels for m in level.measures]
        if levels and not measured:
            rows[name, "", ""] = None
        for measure in measured:
            rows[name, measure.quantity, place_in(measure) if name == "forward" else ""] = None
    return list(rows)


def _cell(witness: WitnessResult, row: Row) -> str:
    name, quantity, part = row
    level = next((found for found in witness.levels if found.level == name), None)
    if level is None:
        return ""
    if not quantity or level.status in ("baseline", "not run", "not compared"):
        return level.status
    return number(_worst(level, quantity, part))


def _largest(result: NetworkResult, row: Row) -> str:
    name, quantity, part = row
    levels = [level for w in result.witnesses for level in w.levels if level.level == name]
    if not quantity:
        statuses = dict.fromkeys(level.status for level in levels)
        return ", ".join(statuses)
    found = [m for level in levels if (m := _worst(level, quantity, part)) is not None]
    return number(max(found, key=lambda measure: measure.relative, default=None))


def _worst(level: LevelResult, quantity: str, part: str) -> Measure | None:
    found = [m for m in level.measures if m.quantity == quantity and part in ("", place_in(m))]
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
            outcome(result),
        )
    show(console, table)
    for result in results:
        for note in (*result.notes, *unseen_lines(result)):
            show(console, f"{result.name}: note: {note}", soft_wrap=True, markup=False)


def _print_failures(console: Console, result: NetworkResult) -> None:
    for witness, level, failure in result.failures():
        for line in failure_lines(witness, level, failure):
            show(console, line, soft_wrap=True, markup=False)
        span = place_of(failure)
        if span is not None and span.quoted is not None:
            show(console, f"  {span.line} | {span.quoted}", soft_wrap=True, markup=False)
        show(console)
