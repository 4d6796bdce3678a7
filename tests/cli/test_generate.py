"""``netspec generate``, with a backend without a framework."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.fake_backend import FakeBackend

pytestmark = pytest.mark.usefixtures("fake")


def test_source_goes_to_standard_output(run: Run) -> None:
    result = run("generate", "resnet50", "--backend", "fake")
    assert (result.status, result.out, result.err) == (0, "# resnet50\n", "")


def test_source_needs_no_framework(run: Run, fake: FakeBackend) -> None:
    fake.requires = ("surely_not_installed",)
    assert run("generate", "resnet50", "--backend", "fake").status == 0


def test_source_goes_to_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    result = run("generate", "resnet50", "--backend", "fake", "-o", path)
    assert (result.status, result.out) == (0, "")
    assert path.read_text() == "# resnet50\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.py"]


def test_check_shows_a_diff_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    command = ("generate", "resnet50", "--backend", "fake", "--check", path)
    missing = run(*command)
    assert (missing.status, missing.out) == (1, "")
    assert "no such file" in missing.err
    path.write_text("# resnet18\n")
    stale = run(*command)
    assert stale.status == 1
    assert stale.out.splitlines()[-2:] == ["-# resnet18", "+# resnet50"]
    assert "is stale" in stale.err
    assert path.read_text() == "# resnet18\n"
    path.write_bytes(b"# resnet50\r\n")
    assert run(*command).status == 0


def test_lines_are_as_long_as_the_project_has_them(
    run: Run, fake: FakeBackend, tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    command = ("generate", "resnet50", "--backend", "fake")
    assert run(*command, "-o", path).status == 0
    assert fake.line_length == 100
    assert run(*command, "--check", path).status == 0
    assert fake.line_length == 100
    assert run(*command, "--check", path, "--line-length", "60").status == 0
    assert fake.line_length == 60
    assert run(*command).status == 0
    assert fake.line_length == 88


def test_a_length_that_no_line_has_is_a_wrong_command(run: Run, tmp_path: Path) -> None:
    command = ("generate", "resnet50", "--backend", "fake")
    assert run(*command, "--line-length", "0").status == 2
    assert run(*command, "--line-length", "321").err == (
        "netspec: line_length must be a whole number from 1 to 320, not 321\n"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.ruff\n")
    result = run(*command, "-o", tmp_path / "net.py")
    assert result.status == 2
    assert "pyproject.toml: no TOML" in result.err


def test_check_and_output_exclude_each_other(run: Run) -> None:
    assert run("generate", "resnet50", "--backend", "fake", "-o", "a", "--check", "b").status == 2


@pytest.mark.parametrize("place", ["no/such/folder/net.py", "."])
def test_a_place_that_cannot_be_written_is_a_wrong_command(run: Run, place: str) -> None:
    result = run("generate", "resnet50", "--backend", "fake", "-o", place)
    assert result.status == 2
    assert result.err.count("\n") == 1


def test_explain_says_why_on_standard_error(run: Run) -> None:
    result = run("generate", "resnet18", "--backend", "torch", "--no-check", "--explain")
    assert result.status == 0
    assert "BasicBlock.relu: one module for `relu1`, `relu2`" in result.err
    assert result.out == run("generate", "resnet18", "--backend", "torch", "--no-check").out


def test_explain_tells_of_passes_too(run: Run) -> None:
    command = (
        "generate",
        "resnet20",
        "--backend",
        "torch",
        "--optimize",
        "inference",
        "--explain",
        "--no-check",
    )
    result = run(*command)
    assert result.status == 0
    assert "optimized for inference" in result.err
    assert "one module for" in result.err


def test_a_backend_that_explains_nothing_says_so(run: Run) -> None:
    result = run("generate", "resnet50", "--backend", "fake", "--explain")
    assert result.status == 2
    assert "the fake backend explains no source; keras and torch do" in result.err
    assert result.out == ""


def test_all_variants_go_to_one_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    command = ("generate", "plain", "--backend", "fake", "--all-variants")
    assert run(*command, "-o", path).status == 0
    assert path.read_text() == "# plain18\n# plain34\n"
    assert run(*command, "--check", path).status == 0


def test_all_variants_are_of_a_spec_that_has_some(run: Run) -> None:
    result = run("generate", "article_resnet", "--backend", "fake", "--all-variants")
    assert (result.status, result.out) == (2, "")
    assert "`article_resnet` has no variants" in result.err


def test_all_variants_and_one_exclude_each_other(run: Run) -> None:
    command = ("generate", "plain", "--backend", "fake", "--all-variants")
    result = run(*command, "--variant", "plain18")
    assert (result.status, result.out) == (2, "")
    assert "--variant" in result.err
