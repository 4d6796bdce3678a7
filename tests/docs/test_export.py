"""docs/export.md: its tables are what the backends and formats say, its command prints what it shows."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from netspec.backends.base import backend_names, get_backend
from netspec.exports.base import Format
from tests.exports.conftest import skip_unless_installed
from tests.support.isolated import python
from tests.support.pages import ROOT, broken_links, fences

PAGE = ROOT / "docs" / "export.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXPORTS = {name: get_backend(name).exports for name in backend_names()}
FORMATS: dict[str, Format] = {
    kind: export.format for exports in EXPORTS.values() for kind, export in exports.items()
}


def table(first: str) -> dict[str, dict[str, str]]:
    """The rows of the table whose first column is called so, by that column, each by its heading."""
    lines = TEXT.splitlines()
    (start,) = (index for index, line in enumerate(lines) if line.startswith(f"| {first} |"))
    headings = cells(lines[start])
    rows = {}
    for line in itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :]):
        row = dict(zip(headings, cells(line), strict=True))
        rows[row[first].strip("`")] = row
    return rows


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_formats_and_who_writes_them() -> None:
    rows = table("`--format`")
    assert set(rows) == set(FORMATS)
    for kind, row in rows.items():
        for backend, exports in EXPORTS.items():
            assert bool(row[backend]) == (kind in exports), (kind, backend)
        extra = FORMATS[kind].extra
        assert row["extra"] == (f"`netspec-compiler[{extra}]`" if extra else ""), kind
        suffix = FORMATS[kind].suffix
        assert (f"`{suffix}`" if suffix else "directory") in row["what is written"], kind


def test_bounds_and_their_reasons() -> None:
    rows = table("format")
    assert set(rows) == set(FORMATS)
    for kind, row in rows.items():
        assert float(row["bound"]) == FORMATS[kind].bound, kind
        assert row["why there is a difference"] == FORMATS[kind].reason, kind
        assert float(row["largest measured"]) * 10 <= FORMATS[kind].bound, kind


@pytest.mark.slow
def test_the_command_prints_what_is_shown(tmp_path: Path) -> None:
    skip_unless_installed("torch", "onnx")
    (fence,) = fences(TEXT)
    command, *shown = fence.text.splitlines()
    process = python("-m", *command.removeprefix("$ ").split(), cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    printed = [*process.stdout.splitlines(), *process.stderr.splitlines()]
    number = re.compile(r"\d+\.\d[\d.]*(e-\d+)?")
    assert [number.sub("#", line) for line in printed] == [number.sub("#", s) for s in shown]


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
