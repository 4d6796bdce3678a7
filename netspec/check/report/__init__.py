"""What `netspec validate` found, in the formats that people and CI systems read: one module a format.

Each module has ``render(report) -> str``; none of them prints. :data:`FORMATS` maps the name of a
format to its module, which is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType

from netspec.check.report.results import FileResult, Report

__all__ = ["FORMATS", "FileResult", "Report", "renderer"]

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "text": "netspec.check.report.text",
        "json": "netspec.check.report.as_json",
        "github": "netspec.check.report.github",
        "sarif": "netspec.check.report.sarif",
        "junit": "netspec.check.report.junit",
        "gitlab": "netspec.check.report.gitlab",
    }
)


def renderer(name: str) -> Callable[[Report], str]:
    """The function that renders a report in the format ``name``, which must be one of the formats."""
    function: Callable[[Report], str] = import_module(FORMATS[name]).render
    return function
