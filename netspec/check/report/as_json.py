"""JSON for other programs."""

from __future__ import annotations

import json
from typing import Any

from netspec.check.report.results import FileResult, Report
from netspec.errors import Diagnostic


def render(report: Report) -> str:
    """The report as one JSON object: ``diagnostics``, and ``files``, the number of files checked.

    Lines and columns count from 1, columns in characters; the end is exclusive.
    """
    found = [_entry(result, d) for result in report.files for d in result.diagnostics]
    return json.dumps({"diagnostics": found, "files": len(report.files)}, indent=2) + "\n"


def _entry(result: FileResult, diagnostic: Diagnostic) -> dict[str, Any]:
    span = result.place(diagnostic)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.sentence,
        "help": diagnostic.help,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "path": diagnostic.path,
    }
