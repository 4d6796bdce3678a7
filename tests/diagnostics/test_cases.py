"""Every diagnostic as a person sees it: one small bad file each, its whole output beside it.

`pytest --update-goldens` writes the outputs anew; read the difference before it is committed.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netspec.check.codes import registry
from netspec.check.lint import LINTS
from netspec.check.report import FileResult, Report, text
from netspec.check.validate.files import Target
from netspec.check.validate.options import Options
from netspec.check.validate.run import check_file
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.overrides import apply_overrides, parse_assignment
from netspec.errors import NetspecError
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse

CASES = Path(__file__).parent / "cases"
FILES = sorted(path.relative_to(CASES).as_posix() for path in CASES.rglob("*.yaml"))

ELSEWHERE = {*(f"NS60{number}" for number in range(1, 10)), "NS701", "NS702", "NS703", "NS704"}
"""Codes of files of weights and of backends, which `validate` does not ask."""


@pytest.fixture(autouse=True)
def in_the_folder_of_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES)


def shown(path: str) -> str:
    """What `netspec validate` prints about a file; a lint that is off is on in its own case."""
    own = frozenset({path[:5]}) if path.startswith("NS3") else frozenset()
    result = check_file(Target(path, False), Options(Bounds(), LINTS | own))
    assert result is not None
    return text.render(Report((result,)))


def unreadable(folder: Path) -> str:
    Path("locked.yaml").mkdir()
    return shown("locked.yaml")


def link_to_outside(folder: Path) -> str:
    (folder / "outside.yaml").write_text("block: tower\nbody: [relu]\n")
    Path("tower.yaml").symlink_to(folder / "outside.yaml")
    Path("spec.yaml").write_text(
        "netspec: 1\nname: case\ninput: {channels: 3, size: [32, 32]}\nstem: [tower]\n"
    )
    return shown("spec.yaml")


def override_of_nothing(folder: Path) -> str:
    spec = bind_spec(
        parse(
            "netspec: 1\nname: case\nparams: {depths: [1, 2]}\n"
            "input: {channels: 3, size: [32, 32]}\nstem: [relu]\n"
        )
    )
    with pytest.raises(NetspecError) as caught:
        apply_overrides(spec, None, dict([parse_assignment("depths[4]=2")]))
    return f"{caught.value}\n"


def problem_after_problem(folder: Path) -> str:
    values = "".join(f"  v{number}: unknown{'x' * number}\n" for number in range(300))
    Path("spec.yaml").write_text(
        f"netspec: 1\nname: case\ninput: {{channels: 3, size: [8, 8]}}\nlet:\n{values}stem: [relu]\n"
    )
    output = shown("spec.yaml")
    assert output.count(": error[") == 201
    end = output.index("spec.yaml:205:")
    return "…\n" + output[end:]


MADE: dict[str, Callable[[Path], str]] = {
    "NS109": unreadable,
    "NS217": override_of_nothing,
    "NS218": link_to_outside,
    "NS508": problem_after_problem,
}
"""Cases that a file alone does not make, by the name of their golden; each runs in a folder of its own."""


def codes_in(output: str) -> Iterator[str]:
    for code in registry():
        if f"[{code}]" in output:
            yield code


def compare(output: str, golden: Path, update: bool) -> None:
    if update:
        golden.write_text(output, encoding="utf-8")
    assert golden.is_file(), f"run pytest --update-goldens and review {golden}"
    expected = golden.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        expected.splitlines(), output.splitlines(), golden.name, "now", lineterm=""
    )
    assert output == expected, "\n".join(difference)


@pytest.mark.parametrize("path", FILES)
def test_a_bad_file_gives_exactly_this(path: str, request: pytest.FixtureRequest) -> None:
    output = shown(path)
    golden = (CASES / path).with_suffix(".txt")
    compare(output, golden, request.config.getoption("--update-goldens"))
    if path.startswith("NS"):
        assert path[:5] in codes_in(output)


@pytest.mark.parametrize("code", MADE)
def test_other_input_gives_exactly_this(
    code: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    output = MADE[code](tmp_path)
    assert list(codes_in(output)) == [code]
    compare(output, CASES / f"{code}.txt", request.config.getoption("--update-goldens"))


def test_every_code_has_a_case() -> None:
    assert {*(path[:5] for path in FILES), *MADE, *ELSEWHERE} >= set(registry())


def test_no_golden_is_left_over() -> None:
    wanted = {Path(path).with_suffix(".txt").as_posix() for path in FILES}
    wanted |= {f"{code}.txt" for code in MADE}
    assert wanted == {path.relative_to(CASES).as_posix() for path in CASES.rglob("*.txt")}


@pytest.mark.parametrize("path", FILES)
def test_every_place_is_in_its_file(path: str) -> None:
    result = check_file(Target(path, False), Options())
    assert isinstance(result, FileResult)
    for diagnostic in result.diagnostics:
        span = result.place(diagnostic)
        raw = (CASES / span.file).read_bytes().decode("utf-8-sig", "replace")
        lines = raw.splitlines() or [""]
        assert os.path.basename(span.file).endswith(".yaml")
        assert 1 <= span.line <= len(lines) + 1
        assert 1 <= span.column <= len([*lines, ""][span.line - 1]) + 1
