"""What Keras runs on: what `KERAS_BACKEND` says, told or refused where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.backends.keras import BACKEND
from tests.support.isolated import python

SPEC = """
netspec: 1
name: small
input: {channels: 4, size: [8, 9]}
stem:
  - {conv: {out: 4, kernel: 3, stride: 2}, as: early}
  - gelu: {approximate: tanh}
  - residual: {body: [{conv: {out: 4, kernel: 3, groups: 2}}, batch_norm, leaky_relu, drop_path]}
  - max_pool: {kernel: 4, stride: 2, padding: 2}
head: [global_avg_pool, {linear: {out: 3}}]
outputs: {early: early}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SPEC)
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax", "floatx": "float16"}))
    return tmp_path / "small.yaml"


def run(spec: Path, backend: str, *arguments: str) -> tuple[int, str, str]:
    """The status of `netspec` under a backend, and what it wrote."""
    done = python(
        *("-m", "netspec", *arguments),
        cwd=spec.parent,
        KERAS_BACKEND=backend,
        KERAS_HOME=str(spec.parent),
        CUDA_VISIBLE_DEVICES="-1",
        TF_CPP_MIN_LOG_LEVEL="3",
    )
    return done.returncode, done.stdout, done.stderr


RUN = """
import numpy
import netspec
network = netspec.load("small.yaml")
model = network.build("keras")
import keras
print(keras.backend.backend(), keras.config.floatx())
network.load_weights(model, "start.safetensors")
x = numpy.random.default_rng(0).normal(size=(2, 8, 9, 4)).astype("float32")
numpy.save("x.npy", x)
found = model(x, training=False)
numpy.savez("found.npz", **{name: keras.ops.convert_to_numpy(y) for name, y in found.items()})
network.save_weights(model, "saved.safetensors")
model.save("saved.keras")
"""


def test_torch_is_honoured(spec: Path) -> None:
    """A live model on PyTorch holds the same weights and computes the same, and saves both alike."""
    pytest.importorskip("torch")
    network = netspec.load(spec)
    model = network.build("keras")
    network.save_weights(model, spec.parent / "start.safetensors")
    (spec.parent / "run.py").write_text(RUN)
    done = python("run.py", cwd=spec.parent, KERAS_BACKEND="torch", CUDA_VISIBLE_DEVICES="-1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "torch float32\n"
    x = np.moveaxis(np.load(spec.parent / "x.npy"), -1, 1)
    with np.load(spec.parent / "found.npz") as found:
        for name, value in BACKEND.run(model, x).items():
            theirs = found[name] if found[name].ndim == 2 else np.moveaxis(found[name], -1, 1)
            np.testing.assert_allclose(theirs, value, rtol=1e-4, atol=1e-5)
    for file in ("saved.safetensors", "saved.keras"):
        other = network.build("keras")
        network.load_weights(other, spec.parent / file)
        for name, weight in BACKEND.read_weights(model, network.network).items():
            np.testing.assert_array_equal(
                BACKEND.read_weights(other, network.network)[name], weight
            )


@pytest.mark.parametrize(
    ("backend", "arguments", "message"),
    [
        ("tensorflw", ["build", "small.yaml", "--backend", "keras"], "did you mean `tensorflow`?"),
        ("numpy", ["verify", "small.yaml"], "KERAS_BACKEND is `numpy`"),
        ("torch", ["verify", "small.yaml"], "takes Keras on TensorFlow, and here it is on torch"),
        (
            "torch",
            ["export", "small.yaml", "--backend", "keras", "--format", "saved-model", "-o", "m"],
            "exporting to saved-model takes Keras on TensorFlow, and here it is on torch",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    spec: Path, backend: str, arguments: list[str], message: str
) -> None:
    pytest.importorskip("torch")
    status, _, errors = run(spec, backend, *arguments)
    assert status == 2
    last = errors.strip().splitlines()[-1]
    assert last.startswith("netspec: ")
    assert message in last
    assert not (spec.parent / "m").exists()


@pytest.mark.parametrize("backend", ["jax", "nonsense"])
def test_what_needs_no_framework_asks_for_none(spec: Path, backend: str) -> None:
    status, source, errors = run(spec, backend, "generate", "small.yaml", "--backend", "keras")
    assert status == 0, errors
    assert "import keras" in source
