"""``.pre-commit-hooks.yaml``, run by pre-commit in a repository of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import SMALL
from tests.support.pages import fences

ROOT = Path(__file__).parents[1]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


class Repository:
    """A scratch git repository with hooks, a spec, source generated from it, and other YAML."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PRE_COMMIT_HOME": str(folder.parent / "pre-commit"),
            "PYTHONIOENCODING": "utf-8",
        }
        for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
            self.environment.pop(name, None)

    def __call__(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=540,
        )

    def good(self, command: str) -> None:
        """Run what must succeed."""
        finished = self(command)
        assert finished.returncode == 0, finished.stdout + finished.stderr

    def fill(self, hooks: dict[str, Any]) -> None:
        """Commit a project that uses ``hooks``, with nothing wrong in it."""
        self.write(".pre-commit-config.yaml", yaml.safe_dump({"repos": [hooks]}))
        self.write("nets/small.yaml", SMALL)
        self.write("compose.yaml", "services:   {}\n")
        self.good("git init -q -b main")
        self.good("git config user.name Someone")
        self.good("git config user.email someone@example.org")
        self.good(f"{sys.executable} -m netspec fmt nets")
        for backend in ("torch", "keras"):
            target = f"--backend {backend} -o {backend}_small.py"
            self.good(f"{sys.executable} -m netspec generate nets/small.yaml {target}")
        self.good("git add .")
        self.good("git commit -qm start")

    def write(self, name: str, text: str) -> None:
        """Put a file into the working tree."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def text(self, name: str) -> str:
        """A file of the working tree."""
        return (self.folder / name).read_text(encoding="utf-8")

    def hook(self, hook: str, *, every: bool = False) -> subprocess.CompletedProcess[str]:
        """Run one hook on what is staged, or on every file."""
        more = " --all-files" if every else ""
        return self(f"{sys.executable} -m pre_commit run {hook} --color never{more}")


def check_hooks(repository: Repository) -> None:
    """Every hook passes what is good and stops what is not."""
    for hook in HOOKS:
        finished = repository.hook(hook["id"], every=True)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert "Passed" in finished.stdout

    good = repository.text("nets/small.yaml")
    repository.write("nets/small.yaml", good.replace("kernel: 3", "kernal: 3"))
    repository.good("git add nets")
    stopped = repository.hook("netspec-validate")
    assert stopped.returncode == 1
    assert "nets/small.yaml:" in stopped.stdout
    assert "error[NS101]: unknown key `kernal`" in stopped.stdout

    repository.write("nets/small.yaml", good.replace("kernel: 3", "kernel: 5"))
    repository.good("git add nets")
    assert repository.hook("netspec-validate").returncode == 0
    stale = repository.hook("netspec-generate")
    assert stale.returncode == 1
    for backend in ("torch", "keras"):
        assert f"{backend}_small.py is stale" in stale.stdout
    repository.good(f"{sys.executable} -m netspec regenerate")
    repository.good("git add .")  # pre-commit looks at what is staged
    assert repository.hook("netspec-generate").returncode == 0

    repository.write("nets/small.yaml", good.replace("{out: width", "{  out:   width"))
    repository.good("git add nets")
    changed = repository.hook("netspec-fmt")
    assert changed.returncode == 1
    assert "files were modified by this hook" in changed.stdout
    assert repository.text("nets/small.yaml") == good

    repository.write("compose.yaml", "services:      {}\n")
    repository.good("git add compose.yaml nets")
    for hook in ("netspec-validate", "netspec-fmt"):
        assert repository.hook(hook).returncode == 0


def test_the_manifest_is_one() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout
    assert {hook["id"] for hook in HOOKS} == {"netspec-validate", "netspec-fmt", "netspec-generate"}
    assert all(hook["language"] == "python" for hook in HOOKS)


def test_hooks_with_the_netspec_at_hand(tmp_path: Path) -> None:
    """As pre-commit runs them, but with this environment instead of one that it installs."""
    repository = Repository(tmp_path / "project")
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (fence,) = (f for f in fences(page) if f.words[1:] == (".pre-commit-config.yaml",))
    (hooks,) = yaml.safe_load(fence.text)["repos"]
    repository.fill(hooks)
    check_hooks(repository)


@pytest.mark.slow
def test_hooks_as_they_are_installed(tmp_path: Path) -> None:
    """pre-commit clones the repository and installs it by pip, core dependencies only."""
    source = tmp_path / "netspec"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    repository = Repository(tmp_path / "project")
    identity = "-c user.name=Someone -c user.email=someone@example.org"
    repository.good(f"git -C {source} init -q -b main")
    repository.good(f"git -C {source} add .")
    repository.good(f"git -C {source} {identity} commit -qm all")
    head = repository(f"git -C {source} rev-parse HEAD").stdout.strip()
    ids = [{"id": hook["id"]} for hook in HOOKS]
    repository.fill({"repo": str(source), "rev": head, "hooks": ids})
    check_hooks(repository)
