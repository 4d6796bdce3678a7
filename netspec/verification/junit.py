"""A verification as JUnit's XML: a case for each level of each witness.

Source: the Ant and Maven Surefire schema as Jenkins and GitLab read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from netspec.system.channels import xml
from netspec.verification.results import LevelResult, NetworkResult, WitnessResult
from netspec.verification.text import failure_lines

SKIPPED = {
    "not run": "a level ahead of it failed",
    "not compared": "a reference starts as it likes",
}
"""Why a level says nothing, by its status."""


def render(results: Sequence[NetworkResult]) -> str:
    """The results as one file of suites, one for each network."""
    root = ElementTree.Element("testsuites")
    for result in results:
        cases = [(w, level) for w in result.witnesses for level in w.levels]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            {
                "name": xml(f"netspec verify {result.name}"),
                "tests": str(len(cases)),
                "failures": str(sum(level.failure is not None for _, level in cases)),
                "errors": "0",
                "skipped": str(sum(level.status in SKIPPED for _, level in cases)),
                "time": f"{result.seconds:.2f}",
            },
        )
        for witness, level in cases:
            _case(suite, result, witness, level)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(
    suite: ElementTree.Element, result: NetworkResult, witness: WitnessResult, level: LevelResult
) -> None:
    attributes = {
        "classname": xml(result.name),
        "name": xml(f"{witness.name}: {level.level}"),
        "time": f"{level.seconds:.2f}",
    }
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if level.status in SKIPPED:
        ElementTree.SubElement(case, "skipped", {"message": SKIPPED[level.status]})
    if level.failure is not None:
        message = {"type": level.level, "message": xml(level.failure.message)}
        text = "\n".join(failure_lines(witness, level, level.failure))
        ElementTree.SubElement(case, "failure", message).text = xml(text)
