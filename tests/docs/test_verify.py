"""docs/verify.md and docs/parity.md: the tables are the code's, the commands print what is shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from netspec.verification.bounds import _BOUNDS
from tests.support.consoles import check_console
from tests.support.pages import ROOT, Fence, broken_links, fences
from tests.verification.mutations import MUTATIONS

sys.path.insert(0, str(ROOT / "scripts"))

import parity

PAGE = ROOT / "docs" / "verify.md"
PARITY = ROOT / "docs" / "parity.md"


def rows(page: Path, first: str) -> list[list[str]]:
    """The rows of the table whose first column is called so."""
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def shown(word: str) -> Fence:
    """The one block that holds ``word``."""
    (fence,) = (f for f in fences(PAGE.read_text(encoding="utf-8")) if word in f.text)
    return fence


def test_bounds_are_those_of_the_code() -> None:
    told = {name: (float(double), float(single)) for name, double, single in rows(PAGE, "quantity")}
    assert told == {
        name: (bound, _BOUNDS["float32"][name][0])
        for name, (bound, _) in _BOUNDS["float64"].items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("word", ["4 models agree at level training", "holds (level forward)"])
def test_networks_are_verified_as_shown(word: str, tmp_path: Path) -> None:
    check_console(shown(word), tmp_path)


@pytest.mark.slow
def test_every_layer_that_differs_is_named_as_shown(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(shown("import netspec").text, encoding="utf-8")
    check_console(shown("--reference user:net --all"), tmp_path)


def test_networks_on_the_page_are_those_of_the_zoo() -> None:
    told = [name for name, *_ in rows(PARITY, "network")]
    assert len(told) == len({*told}) >= 45
    assert {*told} <= {*parity.zoo()}  # one that differs has another cell


def test_everything_measured_is_within_its_bound() -> None:
    measured = rows(PARITY, "quantity")
    assert len(measured) == len(_BOUNDS["float64"]) - 1  # no reference took part
    for quantity, allowed, largest, network in measured:
        assert float(largest) <= float(allowed), (quantity, network)


def test_every_mutation_is_found_where_it_should_be() -> None:
    found = {mistake: level for mistake, _, level, _ in rows(PARITY, "mistake")}
    assert found == {m.name: m.level or "not looked at" for m in MUTATIONS}
    assert sum(bool(mutation.level) for mutation in MUTATIONS) >= 25


@pytest.mark.parametrize("page", [PAGE, PARITY], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []
