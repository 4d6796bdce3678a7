"""The recorded reference networks: figures, weight names, and weights that reproduce their outputs.

A network of the zoo may call its layers otherwise than its reference does. Then a rule here, one per
family, says what the reference calls each of them. What our layers are called and what they hold is read
from the ``state_dict`` of the PyTorch model.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import netspec
from tests.reference import golden

FOLDER = Path(golden.__file__).parent
COUNTER = "num_batches_tracked"

LayerNames = dict[str, str]
"""The reference's name of each layer with weights, by our path."""

Layers = Mapping[str, Mapping[str, tuple[int, ...]]]
"""The shape of each tensor of each layer with weights, by path and name, in PyTorch's order."""


@cache
def figures() -> dict[str, Any]:
    """Everything that was measured, by the reference's name."""
    return json.loads((FOLDER / "figures.json").read_text())  # type: ignore[no-any-return]


@cache
def reference_keys(name: str) -> dict[str, list[int]]:
    """The name and shape of every weight of a reference network, in its order."""
    return json.loads((FOLDER / "keys" / f"{name}.json").read_text())  # type: ignore[no-any-return]


def layers_of(state: Mapping[str, Any]) -> Layers:
    """The layers that a ``state_dict`` holds tensors of; counters of batches are left out."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for key, value in state.items():
        path, _, name = key.rpartition(".")
        if name != COUNTER:
            found.setdefault(path, {})[name] = tuple(value.shape)
    return found


def kind_of(tensors: Mapping[str, tuple[int, ...]]) -> str:
    """``norm``, ``conv`` or ``linear``, from what a layer holds."""
    if "running_mean" in tensors:
        return "norm"
    return "linear" if len(tensors["weight"]) == 2 else "conv"


# What the references call our layers


def same_names(layers: Layers) -> LayerNames:
    """The names are the reference's."""
    return {path: path for path in layers}


def keras_resnet_names(layers: Layers) -> LayerNames:
    """keras.applications.ResNet: the shortcut is part 0 of a block, its convolutions 1, 2 and 3."""
    rules = (
        (r"conv1", r"conv1_conv"),
        (r"bn1", r"conv1_bn"),
        (r"(conv\d)\.(block\d+)\.(conv|bn)(\d)", r"\1_\2_\4_\3"),
        (r"(conv\d)\.(block\d+)\.downsample\.0", r"\1_\2_0_conv"),
        (r"(conv\d)\.(block\d+)\.downsample\.1", r"\1_\2_0_bn"),
        (r"predictions", r"predictions"),
    )
    return {path: _renamed(path, rules) for path in layers}


def keras_resnet_v2_names(layers: Layers) -> LayerNames:
    """keras.applications.ResNetV2: our n-th norm of a block stands before the n-th convolution."""
    rules = (
        (r"conv1", r"conv1_conv"),
        (r"(conv\d)\.(block\d+)\.bn1", r"\1_\2_preact_bn"),
        (r"(conv\d)\.(block\d+)\.bn2", r"\1_\2_1_bn"),
        (r"(conv\d)\.(block\d+)\.bn3", r"\1_\2_2_bn"),
        (r"(conv\d)\.(block\d+)\.conv(\d)", r"\1_\2_\3_conv"),
        (r"(conv\d)\.(block\d+)\.downsample", r"\1_\2_0_conv"),
        (r"bn1", r"post_bn"),
        (r"predictions", r"predictions"),
    )
    return {path: _renamed(path, rules) for path in layers}


def keras_counted_names(layers: Layers) -> LayerNames:
    """Layers without names of their own: Keras counts each class in order of creation, as we do."""
    labels = {"conv": "conv2d", "norm": "batch_normalization", "linear": "dense"}
    counts: Counter[str] = Counter()
    names = {}
    for path, tensors in layers.items():
        label = labels[kind_of(tensors)]
        names[path] = f"{label}_{counts[label]}" if counts[label] else label
        counts[label] += 1
    return names


def sequential_names(layers: Layers) -> LayerNames:
    """The transcribed pre-activation networks: one flat sequence of stem, blocks and head.

    Behind the last block stand norm, activation, pooling, flatten and the linear layer.
    """
    names = {"conv1": "0"}
    blocks: dict[str, int] = {}
    for path in layers:
        parts = path.split(".")
        if len(parts) > 2:
            position = blocks.setdefault(".".join(parts[:2]), len(blocks) + 1)
            inside = {"downsample": "shortcut"}.get(parts[2], ".".join(parts[2:]))
            names[path] = f"{position}.{inside}"
    behind = len(blocks) + 1
    return names | {"bn1": str(behind), "fc": str(behind + 4)}


def _renamed(path: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, name in rules:
        match = re.fullmatch(pattern, path)
        if match:
            return match.expand(name)
    raise AssertionError(f"no rule names {path}")


# Which reference a network must equal


@dataclass(frozen=True)
class Case:
    """A network of the zoo and the reference that it must equal.

    Attributes:
        zoo: the network's name, which is the variant's.
        reference: the reference's name in ``figures.json``.
        names: what the reference calls our layers.
        overrides: parameters that bring the network to what was measured.
        heavy: running it at full size takes seconds.
    """

    zoo: str
    reference: str
    names: Callable[[Layers], LayerNames] = same_names
    overrides: dict[str, Any] = field(default_factory=dict)
    heavy: bool = False

    def compiled(self) -> netspec.CompiledNetwork:
        """The network, compiled."""
        return netspec.load(self.zoo, overrides=self.overrides)

    def state(self) -> dict[str, torch.Tensor]:
        """The ``state_dict`` of the PyTorch model, without values."""
        with torch.device("meta"):
            return self.compiled().build("torch").state_dict()  # type: ignore[no-any-return]

    @property
    def is_keras(self) -> bool:
        """Whether the reference is a Keras model: its layouts, and goldens in float32."""
        return bool(self.figures["framework"] == "keras")

    @property
    def figures(self) -> Any:
        """What was measured of the reference."""
        return figures()[self.reference]

    def __str__(self) -> str:
        return self.zoo + ("_logits" if self.overrides else "")


LOGITS = {"classifier_activation": []}

CASES = (
    Case("resnet18", "resnet18"),
    Case("resnet34", "resnet34", heavy=True),
    Case("resnet50", "resnet50"),
    Case("resnet101", "resnet101", heavy=True),
    Case("resnet152", "resnet152", heavy=True),
    Case("resnext50_32x4d", "resnext50_32x4d", heavy=True),
    Case("resnext101_32x8d", "resnext101_32x8d", heavy=True),
    Case("resnext101_64x4d", "resnext101_64x4d", heavy=True),
    Case("wide_resnet50_2", "wide_resnet50_2", heavy=True),
    Case("wide_resnet101_2", "wide_resnet101_2", heavy=True),
    Case("seresnet50", "timm_seresnet50"),
    Case("seresnext50_32x4d", "timm_seresnext50_32x4d", heavy=True),
    Case("densenet121", "densenet121"),
    Case("densenet161", "densenet161", heavy=True),
    Case("densenet169", "densenet169", heavy=True),
    Case("densenet201", "densenet201", heavy=True),
    Case("efficientnet_b0", "efficientnet_b0"),
    *(Case(f"efficientnet_b{n}", f"efficientnet_b{n}", heavy=True) for n in range(1, 8)),
    Case("article_resnet", "article_resnet", keras_counted_names, heavy=True),
    Case("resnet50_keras", "keras_ResNet50_softmax", keras_resnet_names),
    Case("resnet50_keras", "keras_ResNet50", keras_resnet_names, LOGITS),
    Case("resnet101_keras", "keras_ResNet101", keras_resnet_names, LOGITS, heavy=True),
    Case("resnet152_keras", "keras_ResNet152", keras_resnet_names, LOGITS, heavy=True),
    Case("resnet50v2", "keras_ResNet50V2", keras_resnet_v2_names, LOGITS),
    Case("resnet101v2", "keras_ResNet101V2", keras_resnet_v2_names, LOGITS, heavy=True),
    Case("resnet152v2", "keras_ResNet152V2", keras_resnet_v2_names, LOGITS, heavy=True),
    Case("resnet20", "cifar_resnet20_A"),
    Case("resnet32", "cifar_resnet32_A"),
    Case("resnet44", "cifar_resnet44_A"),
    Case("resnet56", "cifar_resnet56_A"),
    Case("resnet110", "cifar_resnet110_A"),
    Case("resnet1202", "cifar_resnet1202_A", heavy=True),
    Case("preact110", "preact_resnet110_he2016", sequential_names),
    Case("preact164", "preact_resnet164_he2016", sequential_names),
    Case("preact1001", "preact_resnet1001_he2016", sequential_names, heavy=True),
    Case("wrn_16_8", "wrn16_8_c10"),
    Case("wrn_28_10", "wrn28_10_c10", heavy=True),
    Case("wrn_40_4", "wrn40_4_c10"),
    Case("plain18", "plain18_he2015"),
    Case("plain34", "plain34_he2015", heavy=True),
)


# Weights that reproduce the goldens

Array = NDArray[np.float64]

KERAS_NAMES = {
    "norm": {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
    "conv": {"weight": "kernel", "bias": "bias"},
    "linear": {"weight": "kernel", "bias": "bias"},
}


def key_map(case: Case, layers: Layers) -> dict[str, str]:
    """What the reference calls each of our weights, in our order."""
    names = case.names(layers)
    result = {}
    for path, tensors in layers.items():
        for name in tensors:
            if case.is_keras:
                key = f"{names[path]}/{KERAS_NAMES[kind_of(tensors)][name]}"
            else:
                key = f"{names[path]}.{name}"
            result[f"{path}.{name}"] = key
    return result


def golden_weights(case: Case, layers: Layers) -> dict[str, Array]:
    """The values behind the goldens, by our names and in PyTorch's layout."""
    keys = key_map(case, layers)
    shapes = reference_keys(case.reference)
    weights = {}
    for path, tensors in layers.items():
        for name in tensors:
            key = keys[f"{path}.{name}"]
            shape = tuple(shapes[key])
            fan_in = int(np.prod(shape[:-1])) if case.is_keras else None
            values = golden.fill(key, shape, _role(kind_of(tensors), name), fan_in)
            values = values.astype(np.float32).astype(np.float64)
            weights[f"{path}.{name}"] = _channels_first(case, values) if case.is_keras else values
    return weights


def _role(kind: str, name: str) -> str:
    if name == "running_var":
        return "var"
    if name == "weight":
        return "scale" if kind == "norm" else "weight"
    return "vector"


def _channels_first(case: Case, values: Array) -> Array:
    """A tensor of Keras' in PyTorch's layout.

    A linear layer with more features than the last stage has channels reads a flattened map, which
    Keras flattens channels last.
    """
    if values.ndim == 1:
        return values
    if values.ndim == 4:
        return values.transpose(3, 2, 0, 1)
    channels, height, width = case.compiled().summary().stages[-2].output_shape
    if values.shape[0] == channels:
        return values.T
    assert values.shape[0] == channels * height * width
    maps = values.reshape(height, width, channels, -1)
    return maps.transpose(3, 2, 0, 1).reshape(values.shape[::-1])
