"""docs/ci.md: its commands run, its workflows are YAML, its hooks and links exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from netspec.cli import main
from netspec.lang.source import parse
from tests.cli.conftest import SMALL
from tests.support.pages import ROOT, Fence, broken_links, fences

PAGE = ROOT / "docs" / "ci.md"
TEXT = PAGE.read_text(encoding="utf-8")
FENCES = fences(TEXT)


def fence(name: str) -> Fence:
    """The block of that file."""
    (found,) = (fence for fence in FENCES if fence.words[1:] == (name,))
    return found


def strings(value: Any) -> list[str]:
    """Every text in plain values."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [text for part in parts for text in strings(part)]
    return [value] if isinstance(value, str) else []


def commands() -> list[str]:
    """Every command that the page shows, in any of its blocks, without where its output goes."""
    lines: list[str] = []
    for block in FENCES:
        if block.language == "console":
            lines += [line.removeprefix("$ ") for line in block.text.splitlines()]
        elif block.language == "yaml" and ".pre-commit-config.yaml" not in block.words:
            lines += strings(parse(block.text).data)
    lines += re.findall(r"`(netspec [^`]*-[^`]*)`", TEXT)
    ours = [line for line in lines if line.startswith("netspec ")]
    return list(dict.fromkeys(re.sub(r" (>|\|\|).*", "", line) for line in ours))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project as the page has it: specs, and source made from one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "specs" / "small.yaml").write_text(SMALL)
    assert main(["fmt", "specs"]) == 0
    assert main(["generate", "specs/small.yaml", "--backend", "torch", "-o", "src/small.py"]) == 0
    assert main(["schema", "-o", "netspec-spec.schema.json"]) == 0
    return tmp_path


@pytest.mark.parametrize("command", [c for c in commands() if not c.endswith(" -")])
def test_every_command_runs(project: Path, command: str) -> None:
    assert main(shlex.split(command)[1:]) == 0


def test_the_commands_are_found() -> None:
    assert len(commands()) >= 12
    assert "netspec validate --format sarif specs" in commands()


def test_workflows_are_yaml() -> None:
    actions = parse(fence(".github/workflows/netspec.yml").text).data
    for job in ("specs", "verify"):
        assert actions["jobs"][job]["steps"][0]["uses"] == "actions/checkout@v4"
        assert any(
            "./tools/netspec" in step.get("run", "") for step in actions["jobs"][job]["steps"]
        )
    gitlab = parse(fence(".gitlab-ci.yml").text).data
    written = {line.split("> ")[1].split()[0] for line in gitlab["specs"]["script"] if "> " in line}
    assert set(gitlab["specs"]["artifacts"]["reports"].values()) == written


def test_the_hooks_exist() -> None:
    manifest = parse((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")).data
    (repository,) = parse(fence(".pre-commit-config.yaml").text).data["repos"]
    known = [hook["id"] for hook in manifest]
    assert [hook["id"] for hook in repository["hooks"]] == known
    own = {hook["id"]: hook for hook in manifest}
    for hook in repository["hooks"]:  # the same but for the environment that pre-commit would make
        shared = ("name", "entry", "types", "types_or", "require_serial", "pass_filenames")
        assert {key: hook.get(key) for key in shared} == {
            key: own[hook["id"]].get(key) for key in shared
        }
    assert all(f"| `{name}` |" in TEXT for name in known)


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
