"""SARIF 2.1.0, which code scanning services take.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", errata 01.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from netspec import __version__
from netspec.check.codes import registry
from netspec.check.report.results import FileResult, Report
from netspec.errors import Diagnostic, Span

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(report: Report) -> str:
    """The report as a SARIF log of one run."""
    codes = list(registry())
    run = {
        "tool": {
            "driver": {
                "name": "netspec",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(result, diagnostic, codes)
            for result in report.files
            for diagnostic in result.diagnostics
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    entry = registry()[code]
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.cause},
        "help": {"text": entry.cure},
        "defaultConfiguration": {"enabled": entry.enabled, "level": entry.severity},
    }


def _result(result: FileResult, diagnostic: Diagnostic, codes: list[str]) -> dict[str, Any]:
    span = result.place(diagnostic)
    text = diagnostic.sentence + (f"; help: {diagnostic.help}" if diagnostic.help else "")
    location = _location(span)
    if diagnostic.path:
        location["logicalLocations"] = [{"fullyQualifiedName": diagnostic.path, "kind": "member"}]
    entry: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"netspec/v1": fingerprint(diagnostic, result)},
    }
    calls = [
        {**_location(place), "message": {"text": f"in {what}"}}
        for what, place in diagnostic.trace
        if place != span and not place.file.startswith("<")
    ]
    if calls:
        entry["relatedLocations"] = calls
    return entry


def _location(span: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri(span.file)},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.end_line,
                "endColumn": max(span.end_column, span.column)
                if span.line == span.end_line
                else span.end_column,
            },
        }
    }


def uri(file: str) -> str:
    """A file's name as a URI reference: relative to where netspec runs, if it lies below."""
    return quote(relative(file), safe="/-._~")


def relative(file: str) -> str:
    """A path relative to where netspec runs, with forward slashes, if it lies below; as it is if not."""
    if not os.path.isabs(file):
        return Path(os.path.normpath(file)).as_posix()
    try:
        return Path(os.path.relpath(file)).as_posix() if file.startswith(os.getcwd()) else file
    except (OSError, ValueError):
        return file


def fingerprint(diagnostic: Diagnostic, result: FileResult) -> str:
    """The same for a problem before and after lines above it change: its line's text, not number."""
    span = result.place(diagnostic)
    line = (span.quoted or "").strip()
    parts = (diagnostic.code, relative(span.file), line, diagnostic.message, diagnostic.path or "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
