"""The recorded reference networks: figures, weight names, and weights that reproduce their outputs.

A network of the zoo may call its layers otherwise than its reference does. Then a rule here, one per
family, says what the reference calls each of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec import tree
from netspec.ops.convolution import Conv, Linear
from netspec.ops.normalization import BatchNorm
from tests.reference import golden
from tests.support.zoo import zoo_network

FOLDER = Path(golden.__file__).parent

LayerNames = dict[str, str]
"""The reference's name of each layer with weights, by our path."""


@cache
def figures() -> dict[str, Any]:
    """Everything that was measured, by the reference's name."""
    return json.loads((FOLDER / "figures.json").read_text())  # type: ignore[no-any-return]


@cache
def reference_keys(name: str) -> dict[str, list[int]]:
    """The name and shape of every weight of a reference network, in its order."""
    return json.loads((FOLDER / "keys" / f"{name}.json").read_text())  # type: ignore[no-any-return]


# What the references call our layers


def same_names(network: tree.Network) -> LayerNames:
    """The names are the reference's."""
    return {layer.path: layer.path for layer in _weighted(network)}


def keras_resnet_names(network: tree.Network) -> LayerNames:
    """keras.applications.ResNet: the shortcut is part 0 of a block, its convolutions 1, 2 and 3."""
    rules = (
        (r"conv1", r"conv1_conv"),
        (r"bn1", r"conv1_bn"),
        (r"(conv\d)\.(block\d+)\.(conv|bn)(\d)", r"\1_\2_\4_\3"),
        (r"(conv\d)\.(block\d+)\.downsample\.0", r"\1_\2_0_conv"),
        (r"(conv\d)\.(block\d+)\.downsample\.1", r"\1_\2_0_bn"),
        (r"predictions", r"predictions"),
    )
    return {layer.path: _renamed(layer.path, rules) for layer in _weighted(network)}


def keras_resnet_v2_names(network: tree.Network) -> LayerNames:
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
    return {layer.path: _renamed(layer.path, rules) for layer in _weighted(network)}


def keras_counted_names(network: tree.Network) -> LayerNames:
    """Layers without names of their own: Keras counts each class in order of creation, as we do."""
    labels = {Conv: "conv2d", BatchNorm: "batch_normalization", Linear: "dense"}
    counts: Counter[str] = Counter()
    names = {}
    for layer in _weighted(network):
        label = labels[type(layer.op)]
        names[layer.path] = f"{label}_{counts[label]}" if counts[label] else label
        counts[label] += 1
    return names


def sequential_names(network: tree.Network) -> LayerNames:
    """The transcribed pre-activation networks: one flat sequence of stem, blocks and head.

    Behind the last block stand norm, activation, pooling, flatten and the linear layer.
    """
    names = {"conv1": "0"}
    position = 1
    for stage in network.stages:
        for block in stage.blocks:
            for layer in _weighted(block):
                inside = layer.path.removeprefix(f"{block.path}.")
                inside = {"downsample": "shortcut"}.get(inside, inside)
                names[layer.path] = f"{position}.{inside}"
            position += 1
    return names | {"bn1": str(position), "fc": str(position + 4)}


def _weighted(node: tree.Node) -> list[tree.Layer]:
    return [layer for layer in tree.layers(node) if layer.op.parameters(layer.source)]


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
    names: Callable[[tree.Network], LayerNames] = same_names
    overrides: dict[str, Any] = field(default_factory=dict)
    heavy: bool = False

    def network(self) -> tree.Network:
        """The network, compiled."""
        return zoo_network(self.zoo, self.overrides)

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
    Case("article_resnet", "article_resnet", keras_counted_names),
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
    BatchNorm: {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
    Conv: {"weight": "kernel", "bias": "bias"},
    Linear: {"weight": "kernel", "bias": "bias"},
}


def key_map(case: Case, network: tree.Network) -> dict[str, str]:
    """What the reference calls each of our weights, in our order."""
    names = case.names(network)
    result = {}
    for layer in _weighted(network):
        for parameter in layer.op.parameters(layer.source):
            if case.is_keras:
                key = f"{names[layer.path]}/{KERAS_NAMES[type(layer.op)][parameter.name]}"
            else:
                key = f"{names[layer.path]}.{parameter.name}"
            result[f"{layer.path}.{parameter.name}"] = key
    return result


def golden_weights(case: Case, network: tree.Network) -> dict[str, Array]:
    """The values behind the goldens, by our names and in the canonical layout."""
    keys = key_map(case, network)
    shapes = reference_keys(case.reference)
    weights = {}
    for layer in _weighted(network):
        for parameter in layer.op.parameters(layer.source):
            name = f"{layer.path}.{parameter.name}"
            shape = tuple(shapes[keys[name]])
            fan_in = int(np.prod(shape[:-1])) if case.is_keras else None
            values = golden.fill(keys[name], shape, _role(layer, parameter.name), fan_in)
            values = values.astype(np.float32).astype(np.float64)
            weights[name] = _channels_first(layer, values) if case.is_keras else values
    return weights


def golden_input(case: Case) -> Array:
    """The input behind the goldens, channels first."""
    figures = case.figures
    image = golden.image((figures["golden"]["batch"], *figures["input_shape"]))
    return image.astype(figures["golden"]["dtype"]).astype(np.float64)


def _role(layer: tree.Layer, parameter: str) -> str:
    if parameter == "running_var":
        return "var"
    if parameter == "weight":
        return "scale" if isinstance(layer.op, BatchNorm) else "weight"
    return "vector"


def _channels_first(layer: tree.Layer, values: Array) -> Array:
    """A tensor of Keras' in the canonical layout."""
    if values.ndim == 1:
        return values
    if isinstance(layer.op, Conv):
        return values.transpose(3, 2, 0, 1)
    flat = layer.source.flat
    if flat is None:
        return values.T
    assert flat.order == "channels_last"
    height, width = flat.size
    maps = values.reshape(height, width, flat.channels, -1)
    return maps.transpose(3, 2, 0, 1).reshape(values.shape[::-1])
