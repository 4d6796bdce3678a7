"""GitLab's code quality report, a subset of Code Climate's.

Source: GitLab's documentation, "Code Quality report format".
"""

from __future__ import annotations

import json

from netspec.check.report.results import Report
from netspec.check.report.sarif import fingerprint, relative

SEVERITIES = {"error": "major", "warning": "minor"}


def render(report: Report) -> str:
    """The report as a JSON array of issues, each with a fingerprint of its own."""
    entries = []
    seen: dict[str, int] = {}
    for result in report.files:
        for diagnostic in result.diagnostics:
            span = result.place(diagnostic)
            mark = fingerprint(diagnostic, result)
            seen[mark] = seen.get(mark, 0) + 1  # the same line twice is two issues
            help_text = f" (help: {diagnostic.help})" if diagnostic.help else ""
            entries.append(
                {
                    "description": diagnostic.sentence + help_text,
                    "check_name": diagnostic.code,
                    "fingerprint": mark if seen[mark] == 1 else f"{mark}-{seen[mark]}",
                    "severity": SEVERITIES[diagnostic.severity],
                    "location": {
                        "path": relative(span.file),
                        "lines": {"begin": span.line, "end": span.end_line},
                    },
                }
            )
    return json.dumps(entries, indent=2) + "\n"
