"""What is there already is replaced when that is asked for, and only then: in every command that writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.fake_backend import FakeBackend
from tests.support.fake_export import FakeFormat


@pytest.fixture(autouse=True)
def folder(small: Path, fake: FakeBackend, run: Run, monkeypatch: pytest.MonkeyPatch) -> FakeFormat:
    """The current directory holds `small.yaml` and weights; the fake backend exports."""
    format = FakeFormat()
    fake.exports = {"file": format.export(), "folder": format.export(folder=True)}
    monkeypatch.chdir(small.parent)
    started = ("build", small, "--backend", "fake", "-o", "weights.safetensors")
    assert run(*started).status == 0
    return format


COMMANDS = {
    "generate small.yaml --backend torch -o": "net.py",
    "schema -o": "net.json",
    "build small.yaml --backend torch -o": "net.py",
    "build small.yaml --backend fake -o": "net.fake",
    "build small.yaml --backend fake -o ": "net.safetensors",
    "convert weights.safetensors --spec small.yaml --from torch --to torch -o": "net.safetensors",
    "export small.yaml --backend fake --format file -o": "net.fake",
    "export small.yaml --backend fake --format folder -o": "net",
    "verify small.yaml --level shapes --backend torch --report": "net.json",
    "verify small.yaml --level shapes --backend torch --report ": "net.html",
}
SLOW = ("build small.yaml --backend torch", "verify")


def occupy(place: Path, content: str = "mine\n") -> Path:
    """Put something into a file, or into a directory that may be replaced."""
    if not place.suffix:
        place.mkdir()
        place /= "model.json"
    place.write_text(content)
    return place


@pytest.mark.parametrize(("command", "place"), COMMANDS.items())
def test_what_is_there_stays(run: Run, command: str, place: str) -> None:
    file = occupy(Path(place))
    result = run(*command.split(), place)
    assert (result.status, result.out) == (2, "")
    assert result.err == f"netspec: {place}: is there already; --force replaces it\n"
    assert file.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("command", "place"), [item for item in COMMANDS.items() if not item[0].startswith(SLOW)]
)
def test_force_replaces_it(run: Run, command: str, place: str) -> None:
    file = occupy(Path(place))
    result = run(*command.split(), place, "--force")
    assert (result.status, f"wrote {place}" in result.err) == (0, True)
    assert file.read_bytes() != b"mine\n"
    before = sorted(entry.name for entry in Path().iterdir())
    assert before == sorted(["small.yaml", "weights.safetensors", place])


@pytest.mark.parametrize("command", ["generate small.yaml --backend torch -o", "schema -o"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_same_content_is_nothing_to_write(run: Run, command: str, ends: str) -> None:
    assert run(*command.split(), "out").status == 0
    Path("out").write_text(Path("out").read_text(), newline=ends)
    before = Path("out").stat().st_mtime_ns
    result = run(*command.split(), "out")
    assert (result.status, result.err) == (0, "out: unchanged\n")
    assert Path("out").stat().st_mtime_ns == before


def test_edited_and_stale_source_is_somebodys(run: Run) -> None:
    command = ("generate", "small.yaml", "--backend", "torch", "-o", "net.py")
    assert run(*command).status == 0
    other = run(*command, "--variant", "small_b")
    assert (other.status, "--force" in other.err) == (2, True)
    Path("net.py").write_text(Path("net.py").read_text() + "# mine\n")
    assert run(*command).status == 2
    assert run(*command, "--force").status == 0


def test_source_that_is_there_lets_build_go_on(run: Run) -> None:
    assert run("generate", "small.yaml", "--backend", "fake", "-o", "net.py").status == 0
    command = ("build", "small.yaml", "--backend", "fake", "-o", "net.py", "-o", "net.fake")
    result = run(*command)
    assert (result.status, result.err) == (0, "net.py: unchanged\nwrote net.fake\n")


@pytest.mark.parametrize(("command", "place"), COMMANDS.items())
def test_a_place_that_cannot_be_is_one_line(run: Run, command: str, place: str) -> None:
    is_folder = not Path(place).suffix
    Path("folder").mkdir()
    occupied = Path("folder", place)
    occupied.write_text("") if is_folder else occupied.mkdir()
    for wrong in (f"no/{place}", f"folder/{place}", "b" * 300 + place):
        result = run(*command.split(), wrong, "--force")
        assert (result.status, result.err.count("\n")) == (2, 1)
    assert os.listdir("folder") == [place]


@pytest.mark.parametrize(
    "command",
    [
        "generate small.yaml --backend torch -o",
        "schema -o",
        "build small.yaml --backend fake -o /dev/null -o",
    ],
)
def test_an_empty_file_and_a_device_hold_nothing(run: Run, command: str) -> None:
    Path("empty.py").touch()
    if "/dev/null" not in command:
        assert run(*command.split(), "/dev/null").status == 0
        assert run(*command.split(), "empty.py").status == 0
    else:
        assert run(*command.split(), "empty.py").status == 2  # its suffix says nothing


@pytest.mark.parametrize(
    "command",
    [
        "build small.yaml --backend fake -o net.py -o ./net.py",
        "verify small.yaml --report a.json --report a.json",
    ],
)
def test_what_is_named_twice_would_replace_itself(run: Run, command: str) -> None:
    result = run(*command.split())
    assert (result.status, "is named twice" in result.err) == (2, True)


def test_what_cannot_be_written_is_known_ahead_of_the_work(run: Run, fake: FakeBackend) -> None:
    fake.broken = "build"
    Path("net.py").write_text("mine\n")
    result = run("build", "small.yaml", "--backend", "fake", "-o", "net.py")
    assert (result.status, Path("net.py").read_text()) == (2, "mine\n")
    assert "--force" in result.err
