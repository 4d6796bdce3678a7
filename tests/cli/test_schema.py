"""``netspec schema``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netspec.tools.json_schema import KINDS, Kind, schema, schema_text
from tests.cli.conftest import Run
from tests.support.isolated import FRAMEWORKS, loaded_modules


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_goes_to_standard_output(run: Run, kind: Kind) -> None:
    result = run("schema", kind)
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out) == schema(kind)


def test_specs_are_meant_unless_said(run: Run) -> None:
    assert run("schema").out == schema_text("spec")


def test_the_schema_goes_to_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    result = run("schema", "block", "-o", path)
    assert (result.status, result.out) == (0, "")
    assert path.read_text(encoding="utf-8") == schema_text("block")
    assert run("schema", "block", "--check", path).status == 0


def test_check_shows_what_is_stale(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    missing = run("schema", "--check", path)
    assert missing.status == 1
    assert "no such file" in missing.err
    path.write_text(schema_text("spec").replace('"draft', '"draught', 1).replace("07", "7", 1))
    stale = run("schema", "--check", path)
    assert stale.status == 1
    assert '+  "$schema": "http://json-schema.org/draft-07/schema#",' in stale.out
    assert "is stale" in stale.err


@pytest.mark.parametrize(
    "arguments", [["network"], ["-o", "no/such/folder/x.json"], ["-o", "a", "--check", "b"]]
)
def test_a_wrong_command_is_status_2(run: Run, arguments: list[str]) -> None:
    assert run("schema", *arguments).status == 2


def test_no_framework_is_loaded() -> None:
    code = "from netspec.cli import main; assert main(['schema']) == 0"
    assert loaded_modules(code).isdisjoint(FRAMEWORKS)
