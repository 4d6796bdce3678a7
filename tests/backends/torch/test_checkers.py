"""Generated PyTorch as linters and type checkers see it, at the settings that strict projects have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netspec.api import CompiledNetwork, generate_family, loads
from tests.support.everything import everything
from tests.support.generated import style_problems
from tests.support.zoo import SHRUNK

RULES = "E,F,I,UP,B,ARG"
HEAD = "netspec: 1\nname: helpers\ninput: {channels: 6, size: SIZE}\nstem:\n"
STEPS = """\
  - conv: {out: 6, kernel: 3, padding: [[0, 2]MORE]}
  - conv: {out: 6, kernel: 3, stride: 2, padding: same}
  - max_pool: {kernel: 2, stride: 2, padding: same}
  - avg_pool: {kernel: 2, stride: 1, padding: same}
  - drop_path: {rate: 0.1}
  - {pad_channels: {after: 2}, name: pads}
  - scale
  - layer_norm
  - flatten: {order: channels_last}
"""


def networks() -> dict[str, CompiledNetwork]:
    """Networks that have every helper, and one of every file of the zoo."""
    found = {shrunk.name: shrunk.compiled() for shrunk in SHRUNK}
    for rank, size in {1: "[40]", 2: "[40, 44]", 3: "[40, 44, 36]"}.items():
        text = (HEAD + STEPS).replace("SIZE", size).replace("MORE", ", 1" * (rank - 1))
        found[f"helpers{rank}"] = loads(text)
        found[f"everything{rank}"] = everything(rank)
    return found


def test_ruff_finds_nothing() -> None:
    sources = {name: compiled.generate("torch") for name, compiled in networks().items()}
    sources["handles"] = networks()["resnet50"].generate("torch", handles="timm")
    assert style_problems(sources, rules=RULES) == ""


@pytest.mark.slow
def test_mypy_finds_nothing(tmp_path: Path) -> None:
    for name, compiled in networks().items():
        (tmp_path / f"{name}.py").write_text(compiled.generate("torch"), encoding="utf-8")
    for name in ("resnet50", "efficientnet_b0", "densenet121"):
        handled = networks()[name].generate("torch", handles="timm")
        (tmp_path / f"handles_{name}.py").write_text(handled, encoding="utf-8")
    for file in ("resnet", "densenet"):
        family = generate_family(file, "torch", handles="timm")
        (tmp_path / f"family_{file}.py").write_text(family, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        tmp_path / "c",
    ]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
