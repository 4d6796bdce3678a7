"""Text for people: each problem with its line and carets, then one line for each file without any."""

from __future__ import annotations

from netspec.check.report.results import Report
from netspec.errors import render as render_diagnostic
from netspec.system.channels import no_command, printable


def render(report: Report, *, colour: bool = False) -> str:
    """The report as text."""
    parts: list[str] = []
    for result in report.files:
        parts += [render_diagnostic(diagnostic, colour=colour) for diagnostic in result.diagnostics]
        if not result.diagnostics:
            parts.append(f"{printable(result.file)}: ok ({result.holds})")
    if report.errors or report.warnings:
        parts.append(report.totals)
    return "".join(f"{no_command(line)}\n" for part in parts for line in part.split("\n"))
