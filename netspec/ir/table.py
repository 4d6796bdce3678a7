"""The table of a network's numbers, as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.ir.analysis import OutputSummary, Summary


def summary_text(summary: Summary, title: str) -> str:
    """A table of the stages and totals under a title, as wide as it needs to be."""
    parameters = summary.parameters
    head = ("stage", "output shape", "parameters", "MACs")
    rows = [
        (stage.name, shape_text(stage.output_shape), f"{stage.parameters:,}", f"{stage.macs:,}")
        for stage in summary.stages
    ]
    total = (
        "total",
        shape_text(summary.output_shape),
        f"{parameters.total:,}",
        f"{summary.macs:,}",
    )
    first, *others = (max(map(len, column)) for column in zip(head, *rows, total, strict=True))

    def line(cells: tuple[str, ...]) -> str:
        numbers = [cell.rjust(width) for cell, width in zip(cells[1:], others, strict=True)]
        return "   ".join((f" {cells[0]:<{first}}", *numbers))

    frozen = f", {parameters.frozen:,} frozen" if parameters.frozen else ""
    heading = line(head)
    return "\n".join(
        (
            title,
            "",
            heading,
            f" {'─' * (len(heading) - 1)}",
            *map(line, rows),
            "",
            line(total),
            "",
            f"parameters: {parameters.total:,}, of them {parameters.trainable:,} trainable{frozen} and "
            f"{parameters.statistics:,} statistics",
            f"layers: {summary.layers:,}",
            *map(_output_text, summary.outputs if len(summary.outputs) > 1 else ()),
        )
    )


def _output_text(output: OutputSummary) -> str:
    """An output and its stride, in a line."""
    stride = f", stride {output.stride}" if output.stride else ""
    return f"output {output.name}: {shape_text(output.shape)}{stride}"


def input_text(summary: Summary) -> str:
    """The shape of the input; of several, each behind its name."""
    if not summary.inputs:
        return shape_text(summary.input_shape)
    return ", ".join(f"{name} {shape_text(shape)}" for name, shape in summary.inputs.items())


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 64×56×56."""
    return "×".join(str(length) for length in shape)
