"""docs/diagnostics.md is what `make docs` writes, and the ten mistakes are told apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from netspec.check.codes import registry
from tests.support.isolated import python
from tests.support.pages import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from diagnostics_page import TEN, Mistake, page, shown

PAGE = ROOT / "docs" / "diagnostics.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "`make docs` writes it anew"


def test_every_code_has_a_section() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"### {code.code}: {code.title}\n" in text for code in registry().values())


def test_a_stale_page_is_found_and_mended(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page().replace("### NS101", "### NS102"), encoding="utf-8")
    script = str(ROOT / "scripts" / "diagnostics_page.py")
    stale = python(script, "--check", "--page", str(path))
    assert stale.returncode == 1
    assert "make docs" in stale.stderr
    assert python(script, "--page", str(path)).returncode == 0
    assert python(script, "--check", "--page", str(path)).returncode == 0


@pytest.mark.parametrize("mistake", TEN, ids=lambda mistake: mistake.title)
def test_a_mistake_gives_one_error_where_it_was_made(mistake: Mistake) -> None:
    output = shown(mistake)
    assert output.endswith("1 error in 1 file\n")
    first = output.splitlines()[0]
    line, column = (int(number) for number in first.split(":")[1:3])
    text = (ROOT / "specs" / "resnet.yaml").read_text(encoding="utf-8")
    changed = text.replace(mistake.old, mistake.new).splitlines()
    assert changed[line - 1][column - 1 :].strip()


def test_ten_mistakes_are_ten() -> None:
    assert len({mistake.title for mistake in TEN}) == 10
