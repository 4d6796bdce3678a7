"""``netspec fmt``."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from netspec.errors import UsageError
from netspec.system import files
from tests.cli.conftest import Finished, Run
from tests.support.isolated import FRAMEWORKS, loaded_modules

UGLY = "name: x   # a name\nnetspec:   1\ninput: {size: [8], channels: 3}\nstem:\n- relu\n"
NEAT = "netspec: 1\nname: x  # a name\ninput: {channels: 3, size: [8]}\nstem:\n  - relu\n"


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    """A spec whose layout is not the canonical one."""
    path = tmp_path / "ugly.yaml"
    path.write_text(UGLY)
    return path


def test_a_file_is_formatted_in_place_once(run: Run, ugly: Path) -> None:
    result = run("fmt", ugly)
    assert (result.status, result.out, result.err) == (0, "", f"{ugly}: formatted\n")
    assert ugly.read_text() == NEAT
    assert [entry.name for entry in ugly.parent.iterdir()] == [ugly.name]
    again = run("fmt", ugly)
    assert (again.status, again.out, again.err) == (0, "", "")


def test_check_names_files_and_writes_nothing(run: Run, ugly: Path) -> None:
    result = run("fmt", "--check", ugly)
    assert (result.status, result.out, result.err) == (1, "", f"{ugly}: would be formatted\n")
    assert ugly.read_text() == UGLY
    ugly.write_text(NEAT)
    result = run("fmt", "--check", ugly)
    assert (result.status, result.out, result.err) == (0, "", "")


def test_diff_shows_the_change_and_writes_nothing(run: Run, ugly: Path) -> None:
    result = run("fmt", "--diff", ugly)
    assert (result.status, result.err) == (1, "")
    assert result.out.splitlines()[:2] == [f"--- {ugly}", f"+++ {ugly} (formatted)"]
    assert "-- relu" in result.out.splitlines()
    assert "+  - relu" in result.out.splitlines()
    assert ugly.read_text() == UGLY
    assert run("fmt", "--diff", "--check", ugly).err == f"{ugly}: would be formatted\n"


def test_line_ends_are_the_checkouts(run: Run, ugly: Path) -> None:
    neat, given = (text.replace("\n", "\r\n").encode() for text in (NEAT, UGLY))
    ugly.write_bytes(neat)
    for option in ("--check", "--diff"):
        assert run("fmt", option, ugly) == Finished(0, "", "")
    ugly.write_bytes(given)
    assert run("fmt", "--check", ugly).status == 1
    diff = run("fmt", "--diff", ugly).out.splitlines()
    assert sum(line.startswith("-") for line in diff) < len(UGLY.splitlines()) + 1
    assert run("fmt", ugly).status == 0
    assert ugly.read_bytes() == neat
    ugly.write_bytes(neat.replace(b"\r\n", b"\n", 2))  # of both kinds: as the first line
    assert run("fmt", ugly).status == 0
    assert ugly.read_bytes() == NEAT.encode()


def test_a_byte_order_mark_goes(run: Run, ugly: Path) -> None:
    """Git carries it, unlike line ends; UTF-8 has no use for it, and many programs trip over it."""
    ugly.write_bytes(b"\xef\xbb\xbf" + NEAT.encode())
    assert run("fmt", "--check", ugly).status == 1
    shown = run("fmt", "--diff", ugly)
    assert (shown.status, shown.out) == (1, "")
    assert shown.err == f"{ugly}: would be UTF-8 without a byte order mark\n"
    assert run("fmt", ugly).status == 0
    assert ugly.read_bytes() == NEAT.encode()


def test_a_pipe_is_read_and_cannot_be_formatted_in_place(run: Run, tmp_path: Path) -> None:
    for options, status in (((), 2), (("--check",), 1), (("--diff",), 1)):
        read, write = os.pipe()
        os.write(write, UGLY.encode())
        os.close(write)
        result = run("fmt", *options, f"/dev/fd/{read}")
        os.close(read)
        assert result.status == status
        assert "formatted\n" not in result.err or status == 1


def test_directories_are_searched(run: Run, ugly: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "block.yml").write_text("body: [relu]\nblock: b\n")
    (inner / "compose.yaml").write_text("services:   {}\n")
    (inner / "broken.yaml").write_text("a: [\n")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "v.yaml").write_text(UGLY)
    result = run("fmt", tmp_path, "--exclude", "vendor")
    assert result.status == 0
    assert result.err.splitlines() == [
        f"{ugly}: formatted",
        f"{inner}/block.yml: formatted",
        "passed over 2 other YAML files, 1 of them no YAML that can be read",
    ]
    assert (inner / "block.yml").read_text() == "block: b\nbody: [relu]\n"
    assert (inner / "compose.yaml").read_text() == "services:   {}\n"
    assert (tmp_path / "vendor" / "v.yaml").read_text() == UGLY


def test_other_files_are_passed_over_even_when_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services:   {}\n")
    result = run("fmt", path)
    assert (result.status, result.out) == (0, "")
    assert result.err == "passed over 1 other YAML file\n"
    assert path.read_text() == "services:   {}\n"


def test_a_broken_file_is_told_about_and_the_others_formatted(
    run: Run, ugly: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("netspec: 1\nstem: [\n")
    result = run("fmt", broken, ugly)
    assert result.status == 1
    told = f"{broken}:2:8: not formatted, NS100; `netspec validate {broken}` says more\n"
    assert result.err == f"{told}{ugly}: formatted\n"
    assert broken.read_text() == "netspec: 1\nstem: [\n"
    assert ugly.read_text() == NEAT


def test_what_cannot_be_read_is_told_about(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lost.yaml"
    path.symlink_to(tmp_path / "nowhere.yaml")
    result = run("fmt", path)
    assert result.status == 1
    assert "error[NS109]" in result.err
    assert run("fmt", tmp_path / "none.yaml").status == 2
    assert run("fmt").status == 2


def test_a_link_stays_a_link(run: Run, ugly: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(ugly)
    assert run("fmt", link).status == 0
    assert link.is_symlink()
    assert ugly.read_text() == NEAT


@pytest.mark.parametrize(
    ("given", "expected"), [(UGLY, NEAT), (NEAT, NEAT), ("a:  1\r\n", "a:  1\r\n")]
)
def test_standard_input_goes_to_standard_output(
    run: Run, monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    result = run("fmt", "-")
    assert (result.status, result.out) == (0, expected)


def test_standard_input_can_be_checked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, status in ((UGLY, 1), (NEAT, 0)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        result = run("fmt", "--check", "-")
        assert (result.status, result.out) == (status, "")


def test_what_cannot_be_written_stays_as_it_was(
    run: Run, ugly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, data: bytes) -> None:
        raise UsageError(f"{path}: no space left")

    monkeypatch.setattr("netspec.system.files.write_atomically", fail)
    assert run("fmt", ugly).status == 2
    assert ugly.read_text() == UGLY


def test_no_framework_is_loaded() -> None:
    code = "from netspec.cli import main; assert main(['fmt', '--check', 'specs']) == 0"
    assert loaded_modules(code).isdisjoint(FRAMEWORKS)


def test_what_cannot_be_written_does_not_keep_others_from_it(
    run: Run, ugly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ugly.with_name("z_other.yaml")
    other.write_text(UGLY)
    write = files.write_atomically

    def fail(path: Path, data: bytes) -> None:
        if path == ugly:
            raise UsageError(f"{path}: no space left")
        write(path, data)

    monkeypatch.setattr("netspec.system.files.write_atomically", fail)
    result = run("fmt", ugly, other)
    assert (result.status, ugly.read_text()) == (2, UGLY)
    assert other.read_text() == NEAT
    assert result.err == f"netspec: {ugly}: no space left\n{other}: formatted\n"
