"""docs/weights.md: what it shows happens, run in order in one folder.

``yaml FILE`` and ``python FILE`` are files of that folder, ``console`` holds commands and their output,
where a line ``…`` stands for any lines, ``python`` a program whose output is the block behind it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.lang import library
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse
from tests.support.consoles import check_page
from tests.support.pages import ROOT, broken_links, fences, write_files

PAGE = ROOT / "docs" / "weights.md"
TEXT = PAGE.read_text(encoding="utf-8")
FENCES = fences(TEXT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the page shows."""
    return write_files(FENCES, tmp_path_factory.mktemp("weights"))


@pytest.mark.slow
def test_the_page_shows_what_happens(folder: Path) -> None:
    """In one test, since each command builds on those before it."""
    check_page(FENCES, folder)


def test_every_entry_of_the_zoo_is_in_the_table() -> None:
    shown = re.findall(r"^\| (`.*`) \| `(\w+)` \|", TEXT, re.MULTILINE)
    listed = {(name, entry) for names, entry in shown for name in re.findall(r"`(\w+)`", names)}
    there = {
        (file, entry)
        for file in library.zoo_files()
        for entry in bind_spec(parse(library.zoo_text(file), file)).checkpoints
    }
    assert listed == there


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
