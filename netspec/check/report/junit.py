"""JUnit's XML, which most CI systems show as tests: a case for each file, failed where it has errors.

Source: the Ant and Maven Surefire schema as Jenkins and GitLab read it.
"""

from __future__ import annotations

from xml.etree import ElementTree

from netspec.check.report.results import FileResult, Report
from netspec.errors import render as render_diagnostic
from netspec.system.channels import xml


def render(report: Report) -> str:
    """The report as one test suite."""
    failed = sum(_is_failed(result) for result in report.files)
    counts = {"tests": str(len(report.files)), "failures": str(failed), "errors": "0"}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "netspec validate", **counts})
    for result in report.files:
        _case(suite, result)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _is_failed(result: FileResult) -> bool:
    return any(diagnostic.severity == "error" for diagnostic in result.diagnostics)


def _case(suite: ElementTree.Element, result: FileResult) -> None:
    attributes = {"classname": "netspec", "name": xml(result.file), "file": xml(result.file)}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    text = "\n".join(render_diagnostic(d) for d in result.diagnostics)
    if _is_failed(result):
        errors = [d for d in result.diagnostics if d.severity == "error"]
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        message = f"{errors[0].code}: {errors[0].sentence}{more}"
        failure = {"type": errors[0].code, "message": xml(message)}
        ElementTree.SubElement(case, "failure", failure).text = xml(text)
    elif text:
        ElementTree.SubElement(case, "system-out").text = xml(text)
