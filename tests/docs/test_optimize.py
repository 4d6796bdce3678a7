"""docs/optimize.md: what it shows happens, run in order in one folder; its tables are what passes and networks say.

``yaml FILE`` and ``python FILE`` are files of that folder, ``console`` holds commands and their output.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netspec
from netspec.ir.passes import passes_for
from tests.support.consoles import check_page
from tests.support.pages import ROOT, broken_links, fences, write_files

PAGE = ROOT / "docs" / "optimize.md"
TEXT = PAGE.read_text(encoding="utf-8")
FENCES = fences(TEXT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the page shows."""
    return write_files(FENCES, tmp_path_factory.mktemp("optimize"))


@pytest.mark.slow
def test_the_page_shows_what_happens(folder: Path) -> None:
    """In one test, since each command builds on those before it."""
    check_page(FENCES, folder)


def test_the_passes_are_those_that_run() -> None:
    table = TEXT[TEXT.index("| pass |") :].split("\n\n")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert listed == [each.name for each in passes_for("inference")]


def test_the_numbers_are_those_of_the_networks(folder: Path) -> None:
    rows = re.findall(
        r"^\| `([\w.]+)`(?:, .*)? \| (\S+ → \S+) \| (.*) \| (.*) \|$", TEXT, re.MULTILINE
    )
    assert len(rows) == 6
    for name, ops, parameters, macs in rows:
        spec = folder / name if name.endswith(".yaml") else name
        before = netspec.load(spec)
        after = before.optimize()
        counts = [
            (len(n.network.nodes), n.summary().parameters.total, n.summary().macs)
            for n in (before, after)
        ]
        shown = [f"{old:,} → {new:,}" for old, new in zip(*counts, strict=True)]
        assert [ops, parameters] == shown[:2], name
        assert macs == ("the same" if counts[0][2] == counts[1][2] else shown[2]), name


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
