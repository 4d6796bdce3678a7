"""What commands look at: nothing passes since it could not be looked at, and one fault is told once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Run


@contextmanager
def without_privileges() -> Iterator[None]:
    """Within, rights count: for root they would not. What is imported must be so already."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def project(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that anyone may read, with a spec in its layout and source generated from it."""
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.chdir(name)
        os.chmod(name, 0o755)
        Path("net.yaml").write_text(SMALL)
        run("fmt", "net.yaml")
        run("generate", "net.yaml", "--backend", "torch", "-o", "net.py")
        run("validate", "--format", "json", "net.yaml")
        yield Path(name)


COMMANDS = (("validate",), ("fmt", "--check"), ("regenerate", "--check"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_cannot_be_read_does_not_pass(
    run: Run, command: tuple[str, ...], what: str, project: Path
) -> None:
    suffix = ".py" if command[0] == "regenerate" else ".yaml"
    hidden = project / "inner" / f"hidden{suffix}"
    hidden.parent.mkdir()
    with without_privileges():
        assert run(*command, ".").status == 0
    if what == "link":
        hidden.symlink_to("nowhere")
    else:
        hidden.write_text("x = 1\n")
        (hidden if what == "file" else hidden.parent).chmod(0)
    with without_privileges():
        result = run(*command, ".")
    hidden.parent.chmod(0o755)
    assert result.status == 1
    assert "error[NS109]: ./inner" in result.out + result.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_finding_nothing_is_an_error(run: Run, command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    result = run(*command, tmp_path)
    assert result.status == 2
    assert "--allow-empty lets that pass" in result.err
    assert run(*command, tmp_path, "--allow-empty").status == 0


def test_one_fault_is_told_once_by_three_hooks(run: Run, project: Path) -> None:
    text = (project / "net.yaml").read_text()
    (project / "net.yaml").write_text(text.replace("kernel: 3}", "kernel: 3", 1))
    hooks = (("validate", "--skip-others", "net.yaml"), ("fmt", "net.yaml"), COMMANDS[2])
    outputs = [run(*hook) for hook in hooks]
    assert [output.status for output in outputs] == [1, 1, 1]
    assert [(output.out + output.err).count("error[") for output in outputs] == [1, 0, 0]
    assert [(output.out + output.err).count("\n") for output in outputs][1:] == [1, 1]


def test_zoo_names_are_checked_where_there_is_no_such_path(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("validate", "resnet50", "plain")
    assert result.status == 0
    assert result.out == "resnet.yaml: ok (10 variants)\nplain.yaml: ok (2 variants)\n"
    result = run("validate", "resnet_50")
    assert result.status == 2
    assert result.err.startswith(
        "netspec: resnet_50: no such file or directory; did you mean `resnet50`?"
    )
    (tmp_path / "resnet50").mkdir()
    assert run("validate", "resnet50").status == 2
