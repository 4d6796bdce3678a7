"""Keras models that are saved here, and run in another process that knows nothing of netspec."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from netspec.backends.keras import BACKEND
from netspec.ir import Program
from tests.support.networks import input_of, random_weights

LOADER = """
import sys
from pathlib import Path
import numpy as np
import keras
for path in sorted(Path(sys.argv[1]).glob("*.keras")):
    model = keras.models.load_model(path)
    x = np.load(path.with_suffix(".input.npy"))
    y = model(x, training=False)
    if isinstance(y, dict):
        np.savez(path.with_suffix(".output.npz"), **{k: v.numpy() for k, v in y.items()})
    else:
        np.savez(path.with_suffix(".output.npz"), output=y.numpy())
assert "netspec" not in sys.modules
"""


def load_elsewhere(folder: Path) -> None:
    """Run every saved model in ``folder`` on its input, in a fresh process."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    script = folder / "load.py"
    script.write_text(LOADER)
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def store(network: Program, folder: Path, name: str, model: Any = None) -> dict[str, np.ndarray]:
    """Save the network with random weights and an input; what it makes of that input.

    ``model`` is the live one unless given, such as one from generated source.
    """
    model = BACKEND.build(network) if model is None else model
    BACKEND.write_weights(model, network, random_weights(network))
    BACKEND.save(model, network, folder / f"{name}.keras")
    x = input_of(network).astype("float32")
    np.save(folder / f"{name}.input.npy", np.moveaxis(x, 1, -1))
    return BACKEND.run(model, x)


def elsewhere(folder: Path, name: str) -> dict[str, np.ndarray]:
    """What the other process computed, channels first."""
    with np.load(folder / f"{name}.output.npz") as found:
        return {key: np.moveaxis(found[key], -1, 1) for key in found.files}
