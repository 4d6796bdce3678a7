"""Files and tables, and signs of life on standard error. Loads rich when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.streams import tell
from netspec.system.progress import Tell, silent
from netspec.system.tables import make_console, show

if TYPE_CHECKING:
    from netspec.ir.analysis import Summary


def write_text_file(path: Path, text: str, force: bool) -> None:
    """Write ``text`` to ``path`` and say so; a file that holds it already is left as it is.

    Raises :class:`UsageError` where ``path`` cannot be written, or holds something else and not ``force``.
    """
    from netspec.system.files import check_output, check_writable, holds, write_atomically

    check_writable(path)
    if holds(path, text):
        tell(f"{path}: unchanged")
        return
    check_output(path, force)
    write_atomically(path, text)
    tell(f"wrote {path}")


def print_summary(summary: Summary, title: str) -> None:
    """A table of the stages and totals under a title, on standard output."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, pad_edge=False)
    parameters = summary.parameters
    table.add_column("stage", footer="total", overflow="fold")
    table.add_column("output shape", footer=shape_text(summary.output_shape), justify="right")
    table.add_column("parameters", footer=f"{parameters.total:,}", justify="right")
    table.add_column("MACs", footer=f"{summary.macs:,}", justify="right")
    for stage in summary.stages:
        table.add_row(
            Text(stage.name),
            shape_text(stage.output_shape),
            f"{stage.parameters:,}",
            f"{stage.macs:,}",
        )
    show(console, Text(title))
    show(console, table)
    show(
        console,
        f"parameters: {parameters.total:,}, of them {parameters.trainable:,} trainable and "
        f"{parameters.statistics:,} statistics",
        f"layers: {summary.layers:,}",
        sep="\n",
        soft_wrap=True,
    )


def input_text(summary: Summary) -> str:
    """The shape of the input; of several, each behind its name."""
    if not summary.inputs:
        return shape_text(summary.input_shape)
    return ", ".join(f"{name} {shape_text(shape)}" for name, shape in summary.inputs.items())


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 64×56×56."""
    return "×".join(str(length) for length in shape)


def is_watched() -> bool:
    """Whether standard error is a terminal, where one line may take the place of another."""
    return sys.stderr.isatty()


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Show what is going on while the body runs; silent unless on a terminal.

    The body gets a function that says what is done of what.
    """
    if not is_watched():
        yield silent
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(what)) as status:
        yield lambda text: status.update(escape(f"{what}: {text}"))
