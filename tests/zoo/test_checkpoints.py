"""Published checkpoints: what the reference models save loads here, what is written here loads there.

The reference models have their own random weights, with norms moved off ones and zeros, in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from netspec.api import CompiledNetwork
from netspec.backends.base import get_backend
from netspec.weights.checkpoints import convert, load_weights
from tests.contract.reference import (
    CASES,
    Case,
    golden_weights,
    key_map,
    layers_of,
    reference_keys,
)
from tests.contract.test_libraries import disturb, library_model
from tests.contract.torchvision_shim import import_timm, import_torchvision
from tests.reference import golden
from tests.support.agreement import precision, relative
from tests.support.zoo import zoo_compiled

keras = pytest.importorskip("keras")
torchvision = import_torchvision()
timm = import_timm()

SIZE = (33, 50)
CLASSES = 11
BOUND = 1e-9


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    torch.manual_seed(0)
    with precision("float64"):
        yield


def image() -> np.ndarray:
    """Two images, channels first."""
    return np.random.default_rng(0).normal(size=(2, 3, *SIZE))


def loaded(compiled: CompiledNetwork, backend: str, path: Path, source: str | None = None) -> Any:
    """A live model with the weights of a file."""
    model = compiled.build(backend)
    weights = load_weights(compiled.compilation, path, source).weights
    get_backend(backend).write_weights(model, compiled.network, weights)
    return model


def outputs(backend: str, model: Any) -> np.ndarray:
    return get_backend(backend).run(model, image())["output"]


# The libraries' own classes, with few blocks in the default tests and as published in the slow ones

TORCH = {"resnet18": "torchvision", "resnet50": "torchvision", "seresnet50": "timm"}
KERAS = {"resnet50_keras": "ResNet50", "resnet50v2": "ResNet50V2"}


def torch_reference(name: str, depths: list[int] | None) -> Any:
    """The library's model, each norm moved off where it starts."""
    if depths is None:
        model = library_model(name)
    elif TORCH[name] == "timm":
        resnet = timm.models.resnet
        model = resnet.ResNet(resnet.Bottleneck, depths, block_args={"attn_layer": "se"})
    else:
        resnet = torchvision.models.resnet
        block = resnet.BasicBlock if name == "resnet18" else resnet.Bottleneck
        model = resnet.ResNet(block, depths)
    disturb(model)
    return model.eval()


def keras_reference(name: str, depths: list[int] | None) -> Any:
    """The library's model for 11 classes, each vector of it moved off where it starts."""
    options: dict[str, Any] = {"weights": None, "input_shape": (*SIZE, 3), "classes": CLASSES}
    if depths is None:
        model = getattr(keras.applications, KERAS[name])(**options)
    else:
        from keras.src.applications import resnet

        second = name.endswith("v2")
        stack = resnet.stack_residual_blocks_v2 if second else resnet.stack_residual_blocks_v1

        def stages(x: Any) -> Any:
            for number, depth in enumerate(depths):
                # The second version strides at the end of a stage, and not in the last one.
                still = number == (len(depths) - 1 if second else 0)
                x = stack(x, 64 * 2**number, depth, 1 if still else 2, name=f"conv{number + 2}")
            return x

        model = resnet.ResNet(stages, second, True, "resnet", **options)
    random = np.random.default_rng(0)
    for variable in model.weights:
        if len(variable.shape) == 1:  # variances stay positive
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return model


def compiled_like(name: str, depths: list[int] | None, **overrides: Any) -> CompiledNetwork:
    return zoo_compiled(name, {**overrides, **({"depths": depths} if depths else {})}, SIZE)


def run_torch(model: Any) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(image())).numpy()  # type: ignore[no-any-return]


def run_keras(model: Any) -> np.ndarray:
    found = model(np.moveaxis(image(), 1, -1), training=False)
    return found.numpy()  # type: ignore[no-any-return]


def at(*depths: int) -> pytest.MarkDecorator:
    """With so many blocks in each stage, and as published."""
    published = pytest.param(None, marks=pytest.mark.slow)
    return pytest.mark.parametrize(
        "depths", [list(depths), published], ids=["shallow", "published"]
    )


@at(1, 2, 1, 1)
@pytest.mark.parametrize(
    "name", [n if n == "seresnet50" else pytest.param(n, marks=pytest.mark.slow) for n in TORCH]
)
def test_pytorch_checkpoints_in_all_directions(
    tmp_path: Path, name: str, depths: list[int] | None
) -> None:
    theirs = torch_reference(name, depths)
    compiled = compiled_like(name, depths)
    path = tmp_path / "theirs.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in theirs.state_dict().items()}}, path)
    expected = run_torch(theirs)
    # theirs to our PyTorch, and to our Keras through a file of Keras'
    source = TORCH[name]
    assert relative(outputs("torch", loaded(compiled, "torch", path, source)), expected) <= BOUND
    there = tmp_path / "ours.weights.h5"
    convert(compiled.compilation, path, there, source="torch", target="keras")
    ours = compiled.build("keras")
    ours.load_weights(there)
    assert relative(outputs("keras", ours), expected) <= BOUND
    # ours to theirs
    back = tmp_path / "back.pth"
    convert(compiled.compilation, there, back, source="keras", target=source)
    again = torch_reference(name, depths)
    again.load_state_dict(torch.load(back, weights_only=True), strict=True)
    assert relative(run_torch(again), expected) <= BOUND


@at(2, 2)
@pytest.mark.parametrize("name", KERAS)
def test_keras_checkpoints_load(tmp_path: Path, name: str, depths: list[int] | None) -> None:
    theirs = keras_reference(name, depths)
    compiled = compiled_like(name, depths, classes=CLASSES)
    theirs.save(tmp_path / "a.keras")
    theirs.save(tmp_path / "b.h5")
    theirs.save_weights(tmp_path / "c.weights.h5")
    expected = run_keras(theirs)
    ours = loaded(compiled, "torch", tmp_path / "a.keras")
    assert relative(outputs("torch", ours), expected) <= BOUND
    ours = loaded(compiled, "keras", tmp_path / "a.keras")
    assert relative(outputs("keras", ours), expected) <= BOUND
    weights = [
        load_weights(compiled.compilation, path).weights for path in sorted(tmp_path.iterdir())
    ]
    assert len(weights) == 3
    for other in weights[1:]:
        assert all(np.array_equal(other[n], array) for n, array in weights[0].items())


@at(2, 2)
@pytest.mark.parametrize("name", KERAS)
def test_keras_checkpoints_are_written(tmp_path: Path, name: str, depths: list[int] | None) -> None:
    """From our PyTorch model to a file that the library's own model loads, by Keras' count of layers."""
    compiled = compiled_like(name, depths, classes=CLASSES)
    ours = compiled.build("torch")
    disturb(ours)
    expected = outputs("torch", ours)
    path = tmp_path / "ours.pt"
    torch.save(ours.state_dict(), path)
    there = tmp_path / "theirs.weights.h5"
    convert(compiled.compilation, path, there, source="torch", target="keras_applications")
    theirs = keras_reference(name, depths)
    theirs.load_weights(there)
    assert relative(run_keras(theirs), expected) <= BOUND
    whole = tmp_path / "theirs.keras"
    convert(compiled.compilation, path, whole, source="torch", target="keras_applications")
    model = keras.models.load_model(whole)
    names = {layer.name for layer in theirs.layers if layer.weights}
    assert {layer.name for layer in model.layers if layer.weights} == names
    assert relative(run_keras(model), expected) <= BOUND


# Every reference, by the names and shapes that were recorded from it

QUICK = ("resnet20", "preact110", "wrn_40_4", "resnet50v2_logits")
RECORDED = [
    pytest.param(case, id=str(case), marks=[] if str(case) in QUICK else pytest.mark.slow)
    for case in CASES
    if not case.zoo.startswith("plain")
]


@pytest.mark.parametrize("case", RECORDED)
def test_the_recorded_reference_loads_by_its_own_names(tmp_path: Path, case: Case) -> None:
    """The values are those of the golden outputs, which `test_reference` compares."""
    compiled = zoo_compiled(case.zoo, case.overrides)
    layers = layers_of(case.state())
    expected = golden_weights(case, layers)
    theirs = key_map(case, layers)
    values = {theirs[name]: array for name, array in reference_values(case).items()}
    path = tmp_path / "theirs.safetensors"
    save_file({name: np.ascontiguousarray(a, np.float32) for name, a in values.items()}, path)
    entry, *_ = compiled.compilation.spec.checkpoints  # those of others stand behind
    found = load_weights(compiled.compilation, path, entry).weights
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(found[name], array), name


def reference_values(case: Case) -> dict[str, np.ndarray]:
    """The golden values in the reference's own layout, by our names."""
    shapes = reference_keys(case.reference)
    ours = {theirs: name for name, theirs in key_map(case, layers_of(case.state())).items()}
    found = {}
    for key, name in ours.items():
        role = role_of(case, name, shapes[key])
        fan_in = int(np.prod(shapes[key][:-1])) if case.is_keras else None
        found[name] = golden.fill(key, tuple(shapes[key]), role, fan_in)
    return found


def role_of(case: Case, name: str, shape: list[int]) -> str:
    if name.endswith("running_var"):
        return "var"
    if name.endswith(".weight"):
        return "scale" if len(shape) == 1 else "weight"
    return "vector"
