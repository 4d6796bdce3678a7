"""examples/digits: the commands of its README, run in order, do what the page says."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT, broken_links, fences

FOLDER = ROOT / "examples" / "digits"
PAGE = FOLDER / "README.md"
COMMANDS = [
    (command, output)
    for fence in fences(PAGE.read_text(encoding="utf-8"))
    for command, _, output in [fence.text.removeprefix("$ ").partition("\n")]
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, for what its commands write."""
    for module in ("torch", "keras", "tensorflow", "sklearn", "ai_edge_litert"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    path: Path = tmp_path_factory.mktemp("examples") / "digits"
    shutil.copytree(FOLDER, path, ignore=shutil.ignore_patterns("__pycache__"))
    return path


def run(command: str, folder: Path) -> list[str]:
    """The lines that a command prints, on either stream."""
    scripts = Path(sys.executable).parent
    process = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONIOENCODING": "utf-8",
            "TF_CPP_MIN_LOG_LEVEL": "0",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    return [*process.stdout.splitlines(), *process.stderr.splitlines()]


def form(line: str) -> str:
    """A line without its numbers, which differ in their last digits from machine to machine."""
    return re.sub(r"\d[\d.]*(e-\d+)?", "#", line)


@pytest.mark.slow
def test_trains_converts_and_reads_the_same_digits(folder: Path) -> None:
    """One test, since each command takes what the one before it left."""
    assert len(COMMANDS) == 4
    printed = []
    for command, output in COMMANDS:
        found = run(command, folder)
        shown = output.splitlines()
        if command.startswith("netspec"):  # which keeps the frameworks silent
            assert [form(line) for line in found] == [form(line) for line in shown]
        for line in shown:
            assert line == "…" or form(line) in map(form, found), (line, found)
        printed += found
    text = "\n".join(printed)
    accuracies = [float(number) for number in re.findall(r"right: ([\d.]+)%", text)]
    assert len(accuracies) == 2
    assert min(accuracies) > 97
    assert accuracies[0] == accuracies[1]
    assert "Keras and PyTorch read 360 of 360 alike" in printed
    assert {"digits.pt", "digits.keras", "digits.tflite"} <= {e.name for e in folder.iterdir()}


@pytest.mark.slow
def test_other_weights_are_found_out(folder: Path) -> None:
    """The comparison of the example can fail: weights of another training are not those converted."""
    run("python train.py digits.pt", folder)
    run("netspec convert digits.pt --spec digits.yaml --to keras -o digits.keras", folder)
    run("python train.py other.pt --epochs 1", folder)
    process = subprocess.run(
        [sys.executable, "predict.py", "digits.keras", "other.pt"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert process.returncode == 1, process.stderr
    assert "of 360 alike" in process.stdout


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
