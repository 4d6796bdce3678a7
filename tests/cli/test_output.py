"""What long commands say of themselves, on a terminal alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.cli.output import progress
from tests.cli.conftest import SMALL, Run


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every line that a terminal is shown in place of the one before."""
    shown: list[str] = []

    class Status:
        def __init__(self, what: str) -> None:
            shown.append(what)

        def __enter__(self) -> Status:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, text: str) -> None:
            shown.append(text)

    monkeypatch.setattr("rich.console.Console.status", lambda _, what: Status(what))
    monkeypatch.setattr("netspec.cli.output.is_watched", lambda: True)
    return shown


def test_nothing_is_said_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("working") as tell:
        tell("1 of 2")
    assert capsys.readouterr() == ("", "")


def test_a_check_counts_files(run: Run, small: Path, told: list[str]) -> None:
    for number in range(3):
        (small.parent / f"{number}.yaml").write_text(SMALL)
    assert run("validate", small.parent).status == 0
    assert told == ["checking", *(f"checking: {done} of 4 files" for done in (1, 2, 3, 4))]


def test_verifying_names_network_witness_and_level(run: Run, small: Path, told: list[str]) -> None:
    pytest.importorskip("torch")
    run("verify", small, "--all-variants", "--backend", "torch", "--level", "forward")
    assert told[0] == "verifying small_a (1 of 2)"
    assert "verifying small_b (2 of 2): torch generated (2 of 2), level start (2 of 3)" in told
    assert any(": with an input of " in line for line in told)


def test_a_conversion_counts_tensors(run: Run, small: Path, told: list[str]) -> None:
    pytest.importorskip("torch")
    source, target = small.with_name("a.safetensors"), small.with_name("b.safetensors")
    assert run("build", small, "--backend", "torch", "-o", source).status == 0
    assert told == [
        "building small_a with torch, 1 of 3",
        "running small_a, 2 of 3",
        f"writing {source}, 3 of 3",
    ]
    told.clear()
    assert run("convert", source, "--spec", small, "--to", "torch", "-o", target).status == 0
    count = len(told) - 1
    assert count > 3
    assert told[1:] == [
        f"converting {source}: {done} of {count} tensors" for done in range(1, count + 1)
    ]


def test_what_is_said_is_no_markup(told: list[str]) -> None:
    with progress("[red]working[/]") as tell:
        tell("[1]")
    assert told == [r"\[red]working\[/]", r"\[red]working\[/]: [1]"]
