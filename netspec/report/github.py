"""Annotations for GitHub Actions, then the text report, since GitHub drops annotations past ten a step.

Source: GitHub's documentation of workflow commands and of job summaries.
"""

from __future__ import annotations

from netspec.errors import Diagnostic, printable
from netspec.report import text
from netspec.report.results import FileResult, Report


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
    listed = ",".join(f"{key}={escape_property(str(v))}" for key, v in properties.items())
    return f"::{diagnostic.severity} {listed}::{escape(_message(diagnostic))}"


def _message(diagnostic: Diagnostic) -> str:
    path = f" (at {diagnostic.path})" if diagnostic.path else ""
    help_text = f"\nhelp: {printable(diagnostic.help)}" if diagnostic.help else ""
    return f"{printable(diagnostic.sentence + path)}{help_text}"


def escape(value: str) -> str:
    """``value`` as the message of a command."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(value: str) -> str:
    """``value`` as a property of a command."""
    return escape(value).replace(":", "%3A").replace(",", "%2C")


def summary(report: Report) -> str:
    """The report as Markdown, for the summary of the step."""
    lines = [f"### netspec validate: {report.totals}", ""]
    rows = [(result, d) for result in report.files for d in result.diagnostics]
    if rows:
        lines += ["| | place | problem |", "|---|---|---|"]
    for result, diagnostic in rows[:MAX_ROWS]:
        span = result.place(diagnostic)
        place = f"{span.file}:{span.line}:{span.column}"
        message = _message(diagnostic).replace("\n", " ")
        lines.append(
            f"| {diagnostic.severity} {diagnostic.code} | {_cell(place)} | {_cell(message)} |"
        )
    if len(rows) > MAX_ROWS:
        lines += ["", f"and {len(rows) - MAX_ROWS} more"]
    return "\n".join(lines) + "\n"


MAX_ROWS = 100


def _cell(value: str) -> str:
    for character in "\\|<>":
        value = value.replace(character, f"\\{character}")
    return value
