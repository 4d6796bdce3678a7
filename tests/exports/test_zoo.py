"""A small network of every zoo file, exported: one for each format by default, all in the slow tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exports.conftest import PAIRS, exported
from tests.support.zoo import SHRUNK, Shrunk

FAMILIES = list(
    {n.file: n for n in reversed(SHRUNK) if not n.heavy and len(n.sizes[0]) == 2}.values()
)[::-1]
"""The first network of each file whose blocks are their own."""

TURNS = [(shrunk, *pair) for shrunk, pair in zip(reversed(FAMILIES), PAIRS, strict=False)]
REST = [(shrunk, *pair) for shrunk in SHRUNK for pair in PAIRS if (shrunk, *pair) not in TURNS]


def test_every_format_has_its_turn() -> None:
    assert {(backend, kind) for _, backend, kind in TURNS} == set(PAIRS)


@pytest.mark.parametrize(("shrunk", "backend", "kind"), TURNS, ids=str)
def test_families(shrunk: Shrunk, backend: str, kind: str, tmp_path: Path) -> None:
    report, _ = exported(shrunk.compiled().network, backend, kind, tmp_path)
    assert [output.name for output in report.comparison.outputs] == ["output"]


@pytest.mark.slow
@pytest.mark.parametrize(("shrunk", "backend", "kind"), REST, ids=str)
def test_everything_in_every_format(
    shrunk: Shrunk, backend: str, kind: str, tmp_path: Path
) -> None:
    report, _ = exported(shrunk.compiled(taps=True).network, backend, kind, tmp_path)
    assert len(report.comparison.outputs) > 1
