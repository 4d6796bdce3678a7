"""Annotations for GitHub Actions, then the text report, since GitHub drops annotations past ten a step.

Source: GitHub's documentation of workflow commands and of job summaries.
"""

from __future__ import annotations

from netspec.check.report import text
from netspec.check.report.results import FileResult, Report
from netspec.errors import Diagnostic
from netspec.system.channels import annotation, annotation_property, markdown, terminal_line


def render(report: Report) -> str:
    """One workflow command for each problem, and the plain text behind them."""
    commands = [_command(result, d) for result in report.files for d in result.diagnostics]
    return "".join(f"{command}\n" for command in commands) + text.render(report)


def _command(result: FileResult, diagnostic: Diagnostic) -> str:
    span = result.place(diagnostic)
    properties = {
        "file": span.file,
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "title": f"netspec {diagnostic.code}",
    }
    if span.line != span.end_line:
        del properties["col"], properties["endColumn"]  # GitHub takes columns on a single line only
    listed = ",".join(f"{key}={annotation_property(str(v))}" for key, v in properties.items())
    message = annotation("\n".join(map(terminal_line, _lines(diagnostic))))
    return f"::{diagnostic.severity} {listed}::{message}"


def _lines(diagnostic: Diagnostic) -> list[str]:
    """What is wrong, and what to do about it."""
    path = f" (at {diagnostic.path})" if diagnostic.path else ""
    return [diagnostic.sentence + path, *([f"help: {diagnostic.help}"] if diagnostic.help else [])]


def summary(report: Report) -> str:
    """The report as Markdown, for the summary of the step."""
    lines = [f"### netspec validate: {report.totals}", ""]
    rows = [(result, d) for result in report.files for d in result.diagnostics]
    if rows:
        lines += ["| | place | problem |", "|---|---|---|"]
    for result, diagnostic in rows[:MAX_ROWS]:
        span = result.place(diagnostic)
        place = f"{span.file}:{span.line}:{span.column}"
        problem = "<br>".join(map(markdown, _lines(diagnostic)))
        lines.append(f"| {diagnostic.severity} {diagnostic.code} | {markdown(place)} | {problem} |")
    if len(rows) > MAX_ROWS:
        lines += ["", f"and {len(rows) - MAX_ROWS} more"]
    return "\n".join(lines) + "\n"


MAX_ROWS = 100
