"""Live Keras models against keras.applications, in float64, with equal weights.

Sizes are rectangular, one even and one odd, so that neither a transposed axis nor a padding rule of
the wrong kind goes unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import netspec
from tests.contract.numbers import precision, randomise, relative
from tests.contract.reference import (
    KERAS_NAMES,
    LayerNames,
    Layers,
    keras_resnet_names,
    keras_resnet_v2_names,
    kind_of,
    layers_of,
)

keras = pytest.importorskip("keras")

SIZES = (pytest.param((64, 96), marks=pytest.mark.slow), (65, 99))
CLASSES = 11
OUTPUT_BOUND = 1e-9
GRADIENT_BOUND = 1e-8

Names = Callable[[Layers], LayerNames]
NETWORKS: dict[str, tuple[str, Names]] = {
    "resnet50_keras": ("ResNet50", keras_resnet_names),
    "resnet101_keras": ("ResNet101", keras_resnet_names),
    "resnet152_keras": ("ResNet152", keras_resnet_names),
    "resnet50v2": ("ResNet50V2", keras_resnet_v2_names),
    "resnet101v2": ("ResNet101V2", keras_resnet_v2_names),
    "resnet152v2": ("ResNet152V2", keras_resnet_v2_names),
}
SMALL = ("resnet50_keras", "resnet50v2")

every_network = pytest.mark.parametrize(
    "name",
    [n if n == "resnet50v2" else pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS],
)


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with precision("float64"):
        yield


@dataclass(frozen=True)
class Pair:
    """Our model and the library's, and every variable of ours with the one that it stands for."""

    ours: Any
    theirs: Any
    variables: dict[str, tuple[Any, Any]]
    trainable: tuple[str, ...]


def pair(name: str, size: tuple[int, int], classifier_activation: str | None = None) -> Pair:
    """The two models with the same weights for inputs of ``size``."""
    library_name, names = NETWORKS[name]
    overrides: dict[str, Any] = {"classes": CLASSES}
    if classifier_activation is None:
        overrides["classifier_activation"] = []
    compiled = netspec.load(name, overrides=overrides)
    ours = compiled.build("keras", size)
    theirs = getattr(keras.applications, library_name)(
        weights=None,
        input_shape=(*size, 3),
        classes=CLASSES,
        classifier_activation=classifier_activation,
    )
    variables, trainable = {}, []
    state = compiled.build("torch")
    layers = layers_of(state.state_dict())
    theirs_by_path = names(layers)
    learnt = {key for key, _ in state.named_parameters()}
    for path, tensors in layers.items():
        for tensor in tensors:
            key = f"{path}.{tensor}"
            variables[key] = tuple(
                getattr(model.get_layer(place), KERAS_NAMES[kind_of(tensors)][tensor])
                for model, place in ((ours, path.replace(".", "_")), (theirs, theirs_by_path[path]))
            )
            if key in learnt:
                trainable.append(key)
    randomise(state)
    netspec.transfer_weights(state, ours, compiled)
    for own, other in variables.values():
        other.assign(own)
    assert len(variables) == len(theirs.weights)
    return Pair(ours, theirs, variables, tuple(trainable))  # type: ignore[arg-type]


@every_network
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_outputs_gradients_and_statistics_equal_the_librarys(
    name: str, size: tuple[int, int]
) -> None:
    import tensorflow as tf

    models = pair(name, size)
    x = np.random.default_rng(0).normal(size=(2, *size, 3))
    ours, theirs = (model(x, training=False).numpy() for model in (models.ours, models.theirs))
    assert ours.dtype == theirs.dtype == np.float64
    assert relative(ours, theirs) <= OUTPUT_BOUND

    factors = np.random.default_rng(1).normal(size=(2, CLASSES))
    found = []
    for side, model in enumerate((models.ours, models.theirs)):
        given = tf.Variable(x)
        variables = [models.variables[key][side].value for key in models.trainable]
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(given, training=True) * factors)
        found.append([g.numpy() for g in tape.gradient(total, [given, *variables])])
    # A bias ahead of a normalisation has no gradient but rounding: it is held against the others'.
    floor = 1e-3 * max(float(np.abs(gradient).max()) for gradient in found[1])
    for key, own, other in zip(("input", *models.trainable), *found, strict=True):
        assert relative(own, other, floor) <= GRADIENT_BOUND, key
    for key, (own, other) in models.variables.items():
        assert relative(own.numpy(), other.numpy()) <= OUTPUT_BOUND, key


@pytest.mark.parametrize("name", SMALL)
def test_class_probabilities_equal_the_librarys(name: str) -> None:
    models = pair(name, (33, 47), "softmax")
    x = np.random.default_rng(0).normal(size=(2, 33, 47, 3))
    ours, theirs = (model(x, training=False).numpy() for model in (models.ours, models.theirs))
    np.testing.assert_allclose(ours.sum(axis=1), 1)
    assert relative(ours, theirs) <= OUTPUT_BOUND
