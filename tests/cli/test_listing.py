"""``netspec list`` and ``netspec show``."""

from __future__ import annotations

from netspec.lang import library
from netspec.lang.source import parse
from tests.cli.conftest import Run


def test_list_names_files_variants_and_blocks(run: Run) -> None:
    result = run("list")
    assert result.status == 0
    words = result.out.replace(",", " ").split()
    assert set(words) >= {*library.zoo_variants(), *library.built_in_blocks()}
    assert "resnet50 (default)" in " ".join(result.out.split())


def test_show_prints_the_yaml(run: Run) -> None:
    whole = run("show", "resnet").out
    assert parse(whole).data["name"] == "resnet"
    assert run("show", "resnet101").out == whole
    assert parse(run("show", "basic").out).data["block"] == "basic"


def test_what_is_shown_can_stand_anywhere(run: Run) -> None:
    for name in ("resnet", "basic"):
        assert "yaml-language-server" not in run("show", name).out


def test_show_guesses(run: Run) -> None:
    result = run("show", "botleneck")
    assert result.status == 2
    assert "did you mean `bottleneck`?" in result.err
