"""The table of a network's numbers. Loads rich when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.system.tables import show

if TYPE_CHECKING:
    from rich.console import Console

    from netspec.ir.analysis import Summary


def print_summary(console: Console, summary: Summary, title: str) -> None:
    """A table of the stages and totals under a title."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

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
