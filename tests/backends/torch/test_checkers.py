"""Generated PyTorch as linters and type checkers see it, at the settings that strict projects have."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
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


def write_sources(folder: Path) -> None:
    """The source of every network, some with handles, and of all variants of some."""
    for name, compiled in networks().items():
        (folder / f"{name}.py").write_text(compiled.generate("torch"), encoding="utf-8")
    for name in ("resnet50", "efficientnet_b0", "densenet121"):
        handled = networks()[name].generate("torch", handles="timm")
        (folder / f"handles_{name}.py").write_text(handled, encoding="utf-8")
    for file in ("resnet", "densenet"):
        family = generate_family(file, "torch", handles="timm")
        (folder / f"family_{file}.py").write_text(family, encoding="utf-8")


OF_CONTAINERS = 'Object of type "Tensor" is not callable'
"""What pyright says of a layer in a container that is an `nn.Module` alone, whose attributes it cannot know."""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyright") is None, reason="pyright is not installed")
def test_pyright_finds_nothing(tmp_path: Path) -> None:
    write_sources(tmp_path)
    settings = {"include": ["."], "typeCheckingMode": "standard", "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, "-p", tmp_path], capture_output=True, text=True, encoding="utf-8"
    )
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == len([*tmp_path.glob("*.py")])
    told = {f"{Path(each['file']).name}: {each['message']}" for each in found["generalDiagnostics"]}
    assert {each for each in told if OF_CONTAINERS not in each} == set()


@pytest.mark.slow
def test_mypy_finds_nothing(tmp_path: Path) -> None:
    write_sources(tmp_path)
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
