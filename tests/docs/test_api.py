"""docs/api.md is what `make docs` writes, names all that is public, and its examples give what they show."""

from __future__ import annotations

import doctest
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import netspec
from tests.support.pages import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from api_reference import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")


def examples() -> Iterator[doctest.DocTest]:
    """The examples of what `netspec` itself holds."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in netspec.__all__:
        item = getattr(netspec, name)
        if not isinstance(item, str):
            yield from finder.find(item, name, globs={"netspec": netspec})


EXAMPLES = {example.name: example for example in examples()}


def test_the_page_is_fresh() -> None:
    assert page() == TEXT, "`make docs` writes it anew"


@pytest.mark.parametrize("name", [name for name in netspec.__all__ if name != "__version__"])
def test_everything_public_is_there(name: str) -> None:
    assert f"### `{name}`\n" in TEXT or f"### `{name}()`\n" in TEXT


@pytest.mark.parametrize("name", [name for name in netspec.__all__ if name[0].islower()])
def test_functions_have_examples(name: str) -> None:
    assert EXAMPLES[name].examples


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_give_what_they_show(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    result = doctest.DocTestRunner().run(EXAMPLES[name], out=said.append)
    assert result.failed == 0, "".join(said)
