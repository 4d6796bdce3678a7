"""A verification as annotations for GitHub Actions.

Source: GitHub's documentation of workflow commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.errors import Span
from netspec.system.channels import annotation, annotation_property, printable, terminal_line
from netspec.verification.results import NetworkResult
from netspec.verification.text import place_of, unseen_text, verdict


def render(results: Sequence[NetworkResult]) -> str:
    """One workflow command for each failure and for taps unseen, then a line for each network."""
    lines = []
    for result in results:
        for witness, level, failure in result.failures():
            message = f"{witness.name}, {level.level}: {failure.message}"
            lines.append(_command("error", result.name, place_of(failure), message))
        for unseen in result.unseen:
            lines.append(_command("warning", result.name, unseen.span, unseen_text(unseen)))
    lines += [terminal_line(verdict(result)) for result in results]
    return "".join(f"{line}\n" for line in lines)


def _command(kind: str, name: str, span: Span | None, message: str) -> str:
    properties = {"title": f"netspec verify {name}"}
    if span is not None and not span.file.startswith("<"):
        place = {"file": span.file, "line": str(span.line), "col": str(span.column)}
        properties = {**place, **properties}
    listed = ",".join(f"{key}={annotation_property(v)}" for key, v in properties.items())
    return f"::{kind} {listed}::{annotation(printable(message))}"
