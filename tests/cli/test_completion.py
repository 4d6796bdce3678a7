"""``netspec completion``: the scripts work in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.cli.app import make_parser
from netspec.cli.completion import COMPLETED, FILE, completed
from tests.cli.conftest import SMALL, Run

FREE = {
    "allow_missing",
    "allow_unexpected",
    "exclude",
    "filter",
    "further_outputs",
    "init name",
    "jobs",
    "line_length",
    "max_layers",
    "max_parameters",
    "reference",
    "seed",
    "size",
    "take",
}
"""Arguments of which nothing is known ahead."""

CASES = {
    "commands": ("netspec val", {"validate"}),
    "options": ("netspec generate --ch", {"--check"}),
    "networks": ("netspec summary wide_resnet5", {"wide_resnet50_2"}),
    "a file": ("netspec summary sm", {"small.yaml"}),
    "files behind files": ("netspec validate small.yaml sm", {"small.yaml"}),
    "variants of the zoo": ("netspec build resnet --variant resnet3", {"resnet34"}),
    "variants of a file": (
        "netspec build small.yaml --variant small_",
        {"small_a", "small_b"},
    ),
    "parameters of a file": ("netspec build small.yaml --set cl", {"classes="}),
    "parameters of an option's file": (
        "netspec convert w.pt --spec small.yaml --set cl",
        {"classes="},
    ),
    "parameters to keep": ("netspec resolve small.yaml --keep cl", {"classes"}),
    "nothing of a broken file": ("netspec build broken.yaml --set c", set()),
    "nothing of no file": ("netspec build none.yaml --variant c", set()),
    "blocks": ("netspec show bottleneck_", {"bottleneck_v1"}),
    "backends": ("netspec generate resnet50 --backend t", {"torch"}),
    "choices": ("netspec validate --format sa", {"sarif"}),
    "export formats": ("netspec export resnet50 --backend keras --format li", {"litert"}),
    "codes": ("netspec explain NS10", {f"NS10{digit}" for digit in range(10)}),
    "lints": ("netspec validate --enable NS31", {"NS310"}),
    "levels": ("netspec verify resnet50 --level tr", {"training"}),
    "goals": ("netspec generate resnet50 --optimize inf", {"inference"}),
    "shells": ("netspec completion z", {"zsh"}),
}

BASH = """\
eval "$(netspec completion bash)"
read -r -a COMP_WORDS <<< "$LINE"
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_netspec 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A folder with specs, and a ``netspec`` on the path that is this one."""
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "broken.yaml").write_text("netspec: [1\n")
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "netspec"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m netspec "$@"\n')
    command.chmod(0o755)
    root = str(Path(__file__).parents[2])
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": root}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(environment: dict[str, str], tmp_path: Path) -> None:
    script = "\n".join(
        [BASH.splitlines()[0]]
        + [
            f"LINE='{line}'\n" + "\n".join(BASH.splitlines()[1:]) + "\necho --"
            for line, _ in CASES.values()
        ]
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    found = [set(part.split()) for part in done.stdout.split("--\n")[:-1]]
    assert dict(zip(CASES, found, strict=True)) == {
        name: wanted for name, (_, wanted) in CASES.items()
    }


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_is_one_of_the_shell(run: Run, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    result = run("completion", shell)
    assert (result.status, result.err) == (0, "")
    checked = subprocess.run(
        [shell, "-n"], input=result.out, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_argument_is_completed_or_free() -> None:
    _, commands = make_parser()
    used = set()
    for command, parser in commands.items():
        for action in parser._actions:
            if action.choices or action.nargs == 0 or action.help == "==SUPPRESS==":
                continue
            names = {action.dest, f"{command} {action.dest}"}
            used |= names
            assert (completed(command, action) is not None) != bool(names & FREE), names
    assert used >= COMPLETED.keys() | FREE
    assert COMPLETED["output"] == FILE
