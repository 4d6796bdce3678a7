"""A verification as annotations for GitHub Actions.

Source: GitHub's documentation of workflow commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.system.channels import annotation, annotation_property, printable, terminal_line
from netspec.verification.results import NetworkResult
from netspec.verification.text import place_of, verdict


def render(results: Sequence[NetworkResult]) -> str:
    """One workflow command for each failure, then a line for each network."""
    lines = []
    for result in results:
        for witness, level, failure in result.failures():
            properties = {"title": f"netspec verify {result.name}"}
            span = place_of(failure)
            if span is not None:
                properties = {
                    "file": span.file,
                    "line": str(span.line),
                    "col": str(span.column),
                    **properties,
                }
            listed = ",".join(f"{key}={annotation_property(v)}" for key, v in properties.items())
            message = annotation(printable(f"{witness.name}, {level.level}: {failure.message}"))
            lines.append(f"::error {listed}::{message}")
    lines += [terminal_line(verdict(result)) for result in results]
    return "".join(f"{line}\n" for line in lines)
