"""Commands build the source that they make before they hand it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netspec.backends import trial
from tests.cli.conftest import Run
from tests.support.fake_backend import FakeBackend


class Trying(FakeBackend):
    """Says of every source what ``trouble`` says, and counts."""

    trouble: str = ""
    built: int = 0

    def trial(self) -> Callable[[Any, Any], None]:
        def run(function: Any, network: Any) -> None:
            self.built += 1
            if self.trouble:
                raise ValueError(self.trouble)

        return run

    def generate(self, network: Any, origin: Any, line_length: int) -> str:
        return self.generate_family([network], origin, line_length)

    def generate_family(self, networks: Any, origin: Any, line_length: int) -> str:
        functions = "".join(f"def {each.model_name}(): return A()\n" for each in networks)
        return f'"""{origin}"""\n\nimport {self.imports}\n\n\nclass A: ...\n{functions}'


@pytest.fixture
def trying(fake: FakeBackend) -> Trying:
    """The backend `fake`, which can try what it makes; its framework is in the standard library."""
    fake.__class__ = Trying
    fake.imports = "json"
    assert isinstance(fake, Trying)
    return fake


def test_what_does_not_run_is_not_written(
    run: Run, trying: Trying, small: Path, tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    command = ("generate", small, "--backend", "fake")
    trying.trouble = "no such thing"
    for where in ((), ("-o", path)):
        result = run(*command, *where)
        assert (result.status, result.out) == (2, "")
        assert "internal error, please report it: the fake source of `small_a`" in result.err
        assert "no such thing; nothing was written; `netspec generate --no-check`" in result.err
    assert not path.exists()
    assert run("build", small, "--backend", "fake", "-o", path).status == 2
    assert not path.exists()
    assert run(*command, "-o", path, "--no-check").status == 0
    assert path.exists()


def test_only_what_is_written_is_built(
    run: Run, trying: Trying, small: Path, tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    command = ("generate", small, "--backend", "fake")
    assert run(*command, "--check", path).status == 1
    assert trying.built == 0
    assert run(*command, "-o", path).status == 0
    assert run(*command, "-o", path).err == f"{path}: unchanged\n"
    assert trying.built == 1


def test_a_missing_framework_is_told_of_where_a_file_is_written(
    run: Run, trying: Trying, small: Path, tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    trying.requires = ("surely_absent",)
    command = ("generate", small, "--backend", "fake")
    assert run(*command).err == ""
    result = run(*command, "-o", path)
    assert result.status == 0
    assert result.err == (
        f"{path}: not built ahead of writing: surely_absent is not installed\nwrote {path}\n"
    )


def test_all_variants_of_a_file_are_built(
    run: Run, trying: Trying, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.py"
    assert run("generate", small, "--backend", "fake", "--all-variants", "-o", path).status == 0
    assert trying.built == 2
    small.write_text(small.read_text().replace("name: small", "name: little"))
    assert run("regenerate", path).status == 0
    assert trying.built == 4
    monkeypatch.setattr(trial, "MAX_LAYERS", 30)
    deep = "variants:\n  c: {depths: [9, 9]}\n  d: {}\n"
    small.write_text(small.read_text().replace("variants:\n", deep))
    result = run("regenerate", path)
    told = f"{path}: `c` not built ahead of writing: it has 1"
    assert told in result.err
    assert trying.built == 7


def test_regenerate_leaves_the_file_that_would_not_run(
    run: Run, trying: Trying, small: Path, tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    assert run("generate", small, "--backend", "fake", "-o", path).status == 0
    before = path.read_text()
    small.write_text(small.read_text().replace("name: small", "name: little"))
    trying.trouble = "no such thing"
    result = run("regenerate", path)
    assert result.status == 2
    assert f"netspec: {path}: internal error, please report it" in result.err
    assert path.read_text() == before
    assert run("regenerate", path, "--no-check").status == 0
    assert path.read_text() != before
