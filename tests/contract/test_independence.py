"""Nothing depends on the machine: not on a Keras configuration in a home directory, not on the environment.

Whoever imports Keras first configures it; these are processes in which netspec is the first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from tests.contract.numbers import input_of, outputs_of, randomise

pytestmark = pytest.mark.skipif(
    not (find_spec("torch") and find_spec("keras")), reason="needs both frameworks"
)

ROOT = Path(__file__).parents[2]
SIZE = (24, 37)
HOSTILE = {
    "floatx": "float16",
    "epsilon": 0.1,
    "backend": "jax",
    "image_data_format": "channels_first",
}
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from tests.contract.test_independence import models_and_outputs

folder = Path(sys.argv[1])
models, outputs = models_and_outputs()
models["keras"].save(folder / "model.keras")
np.savez(folder / "outputs.npz", **outputs)
import keras
layers = models["keras"].layers
print(json.dumps([
    keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format(),
    keras.config.epsilon(),
    sorted({l.data_format for l in layers if hasattr(l, "data_format")}),
    sorted({l.epsilon for l in layers if hasattr(l, "epsilon")}),
    sorted({str(v.dtype) for v in models["keras"].weights}),
]))
"""


def small() -> netspec.CompiledNetwork:
    """A network with zero padding, pooling, norms and shared activations."""
    overrides = {"depths": [2, 1, 2, 1], "width": 8, "classes": 7}
    return netspec.load("resnet50v2", overrides=overrides)


def models_and_outputs() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Both live models on the same weights and input."""
    compiled = small()
    models = {name: compiled.build(name, SIZE) for name in ("torch", "keras")}
    randomise(models["torch"])
    netspec.transfer_weights(models["torch"], models["keras"], compiled)
    x = input_of(compiled, SIZE)
    return models, {name: outputs_of(model, x)["output"] for name, model in models.items()}


def run_elsewhere(folder: Path, home: Path, **environment: str) -> dict[str, np.ndarray]:
    """The outputs of both live models in a process with this home and environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KERAS")}
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        cwd=ROOT,
        env={**kept, "HOME": str(home), "USERPROFILE": str(home), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [
        *("tensorflow", "float32", "channels_last", 1e-7, ["channels_last"], [1.001e-5]),
        ["float32"],
    ]
    with np.load(folder / "outputs.npz") as found:
        return {name: found[name] for name in found.files}


def home_with(folder: Path, configuration: dict[str, object] | None) -> Path:
    """A home directory with or without a configuration of Keras."""
    folder.mkdir()
    if configuration is not None:
        (folder / ".keras").mkdir()
        (folder / ".keras" / "keras.json").write_text(json.dumps(configuration))
    return folder


def test_models_are_the_same_whatever_the_machine_says(tmp_path: Path) -> None:
    hostile = home_with(tmp_path / "hostile", HOSTILE)
    before = (hostile / ".keras" / "keras.json").read_text()
    found = run_elsewhere(tmp_path / "outputs", hostile, KERAS_BACKEND="")
    assert (hostile / ".keras" / "keras.json").read_text() == before
    for name, expected in models_and_outputs()[1].items():
        np.testing.assert_array_equal(found[name], expected)
    np.testing.assert_allclose(found["keras"], found["torch"], rtol=1e-4, atol=1e-4)


def test_a_caller_who_imported_keras_first_keeps_the_configuration(tmp_path: Path) -> None:
    """Only the layout is netspec's own: its layers are channels-last in any process."""
    home = home_with(tmp_path / "home", {**HOSTILE, "backend": "tensorflow", "floatx": "float64"})
    code = """
import keras
import netspec
model = netspec.load("resnet20", overrides={"blocks": 1, "width": 4}).build("keras")
print(keras.config.floatx(), keras.config.image_data_format(), keras.config.epsilon())
pads = keras.layers.ZeroPadding2D  # of channels, which is said to be of the last spatial axis
layers = [l for l in model.layers if hasattr(l, "data_format") and not isinstance(l, pads)]
print(model.output.dtype, {l.data_format for l in layers})
"""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KERAS")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, "HOME": str(home), "USERPROFILE": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == [
        "float64 channels_first 0.1",
        "float64 {'channels_last'}",
    ]
