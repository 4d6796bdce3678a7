"""The schemas in ``docs/schema``, and the line in every shipped file that leads an editor there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from netspec.tools.json_schema import KINDS, Kind, file_name, schema_text
from tests.support.isolated import python

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "docs" / "schema"
SHIPPED = sorted((ROOT / "specs").rglob("*.yaml"))

_MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


@pytest.mark.parametrize("kind", KINDS)
def test_the_committed_schema_is_fresh(kind: Kind) -> None:
    path = SCHEMAS / file_name(kind)
    assert path.read_text(encoding="utf-8") == schema_text(kind), (
        f"write it again: netspec schema {kind} -o docs/schema/{path.name}"
    )


def test_python_without_docstrings_gives_the_same() -> None:
    code = (
        "from netspec.tools.json_schema import *; print(*map(schema_text, KINDS), sep='', end='')"
    )
    process = python("-OO", "-c", code, PYTHONDONTWRITEBYTECODE="1")
    assert process.returncode == 0, process.stderr
    assert process.stdout == "".join(map(schema_text, KINDS))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_file_names_its_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    match = _MODELINE.match(text)
    assert match is not None
    kind: Kind = "block" if "\nblock:" in text else "spec"
    assert (path.parent / match[1]).resolve() == SCHEMAS / file_name(kind)


def test_the_line_holds_where_the_package_is_installed() -> None:
    """In the package, specs and schemas lie to each other as they do in the repository."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for folder in ("specs", "docs/schema"):
        package = f"netspec.{folder.replace('/', '.')}"
        assert setuptools["package-dir"][package] == folder
        assert package in setuptools["packages"]
    patterns = setuptools["package-data"]["netspec.docs.schema"]
    for kind in KINDS:
        assert any(PurePosixPath(file_name(kind)).match(pattern) for pattern in patterns)
