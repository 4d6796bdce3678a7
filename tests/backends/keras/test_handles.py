"""What people do to Keras models works on generated ones, and live ones are made of the same layers.

On each of Keras' backends that is installed: TensorFlow, PyTorch, and JAX where there is one.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.backends.keras import BACKEND
from netspec.backends.keras.framework import RUNS_ON
from netspec.codegen.identifiers import safe_identifier
from tests.support import keras_handles
from tests.support.generated import build_generated
from tests.support.isolated import python
from tests.support.zoo import SHRUNK

HEAD = "netspec: 1\nname: {name}\ninput: {{channels: 3, size: [8, 10]}}\n"

SMALL = {
    "branches": """
stem:
  - conv: {out: 4, kernel: 3}
  - branches:
      a: [{conv: {out: 4, kernel: 3, stride: 2}}, relu]
      b: [{max_pool: {kernel: 2}}]
      merge: concat
head: [global_avg_pool, {linear: {out: 3}}]
""",
    "gate": """
stem:
  - conv: {out: 4, kernel: 3}
  - gate: {body: [{global_avg_pool: {keep_dims: true}}, {conv: {out: 4, kernel: 1}}, sigmoid]}
head: [global_avg_pool, {linear: {out: 3}}]
""",
    "choice": """
blocks:
  unit:
    params: {width: int, stride: 1}
    body:
      - residual:
          body: [{conv: {out: width, kernel: 3, stride: stride}}, batch_norm, {drop_path: {rate: 0.1}}]
          shortcut: {when: {test: stride != 1, then: [{conv: {out: width, kernel: 1, stride: stride}}]}}
      - relu
stages: [{block: unit, width: 3}, {block: unit, width: 6, repeat: 2, stride: 2}]
head: [global_avg_pool, {linear: {out: 3}}]
""",
    "grouped": """
stem:
  - conv: {out: 8, kernel: 3}
  - {conv: {out: 8, kernel: 3, groups: 4, stride: 2, bias: false}}
  - {conv: {out: 8, kernel: 3, groups: 2}}
  - {conv: {kernel: 3, depthwise: true}}
head: [global_avg_pool, {linear: {out: 3}}]
""",
    "gelu": """
stem:
  - conv: {out: 4, kernel: 3}
  - gelu
  - conv: {out: 4, kernel: 3}
  - gelu: {approximate: tanh}
  - leaky_relu
  - layer_norm
  - scale
head: [global_avg_pool, {linear: {out: 3}}]
""",
    "resizing": """
stem:
  - {conv: {out: 4, kernel: 3, stride: 2}, as: half}
  - resize: {factor: 2, mode: bilinear}
  - conv_transpose: {out: 4, kernel: 2, stride: 2}
  - {conv: {out: 3, kernel: 3, padding: same, stride: 2}}
""",
    "split": """
stem:
  - conv: {out: 6, kernel: 3}
  - {split: {parts: 2}, as: [a, b]}
  - {relu: {}, from: a, as: c}
  - {sigmoid: {}, from: b, as: d}
  - {scale: {}, from: [c, d], merge: concat}
""",
    "outputs": """
outputs: {early: start, middle: layer1}
stem: [{conv: {out: 4, kernel: 3}, as: start}]
stages: [{block: basic, width: 4}]
head: [global_max_pool, {linear: {out: 3}}]
""",
}
OPERATIONS = {"split"}
"""Networks with a node of ``keras.ops``, which ``.h5`` does not bring back: it knows layers alone."""


@cache
def compiled_networks() -> dict[str, CompiledNetwork]:
    """The small specs, and one shrunk network of each family of the zoo."""
    found = {name: netspec.loads(HEAD.format(name=name) + text) for name, text in SMALL.items()}
    families = {shrunk.file: shrunk for shrunk in reversed(SHRUNK)}
    return found | {shrunk.name: shrunk.compiled() for shrunk in families.values()}


def tried(names: list[str], backend: str, folder: Path) -> dict[str, dict[str, str]]:
    """What went wrong with each handle of each network, in one process on ``backend``."""
    files = {}
    for name in names:
        compiled = compiled_networks()[name]
        files[name] = folder / f"{safe_identifier(compiled.network.model_name)}.py"
        files[name].write_text(compiled.generate("keras"), encoding="utf-8")
    environment = {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1"}
    done = python("-I", keras_handles.__file__, str(folder), timeout=600, **environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: json.loads(file.with_suffix(".json").read_text()) for name, file in files.items()}


QUICK = ("choice", "grouped", "split")
"""What is asked for by default: each network takes seconds, most of them of compilers."""


@pytest.mark.parametrize(
    ("backend", "share"),
    [
        ("torch", "quick"),
        ("tensorflow", "quick"),
        pytest.param(
            "jax", "quick", marks=pytest.mark.slow
        ),  # minutes, most of them its compiler's
        pytest.param("torch", "others", marks=pytest.mark.slow),
        pytest.param("tensorflow", "others", marks=pytest.mark.slow),
    ],
)
def test_generated_models_have_the_handles(backend: str, share: str, tmp_path: Path) -> None:
    assert backend in RUNS_ON
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend}, one of the backends of Keras, is not installed")
    share_of = {name: "quick" if name in QUICK else "others" for name in compiled_networks()}
    names = [name for name, own in share_of.items() if own == share]
    found = tried(names, backend, tmp_path)
    assert {*found} == {*names}
    for name, handles in found.items():
        assert handles.keys() == keras_handles.HANDLES.keys()
        problem = handles.pop("h5_file")
        assert ("Unknown layer" in problem) is (name in OPERATIONS), f"{name}: {problem}"
        assert not any(handles.values()), f"{name}: {handles}"


def _common(config: dict[str, Any]) -> dict[str, Any]:
    """What all layers are made with."""
    return {key: config[key] for key in ("name", "trainable", "dtype")}


def layers_of_config(model: Any) -> list[Any]:
    """All that a functional model is made of: its layers as they are made, and what each is called on.

    A convolution of single values pads nothing, whichever padding it is given.
    """
    found = []
    for layer in model.get_config()["layers"]:
        config = dict(layer["config"])
        if layer["class_name"] == "Functional":  # an expression, inside which Keras gives the names
            config = {"layers": [inner["class_name"] for inner in config["layers"]]}
        if set(config.get("kernel_size", ())) == {1}:
            config.pop("padding", None)
        kind = layer["class_name"]
        if kind == "ReLU" and config["max_value"] is None:  # what a function is given by its name
            kind, config = "Activation", {"activation": "relu", **_common(config)}
        if kind == "Activation":
            config = {"activation": config["activation"], **_common(config)}
        found.append((kind, layer["name"], config, layer["inbound_nodes"]))
    return found


@pytest.mark.parametrize("name", [*SMALL, *(s.name for s in SHRUNK if not s.heavy)])
def test_live_and_generated_models_are_made_of_the_same_layers(name: str) -> None:
    shrunk = next((each for each in SHRUNK if each.name == name), None)
    compiled = compiled_networks()[name] if shrunk is None else shrunk.compiled()
    made = layers_of_config(build_generated(compiled, "keras"))
    live = layers_of_config(BACKEND.build(compiled.network))
    assert made == live
