"""NASNet-A, whose cells take what the two cells ahead of them gave, against keras.applications in float64.

Where a cell takes a map of twice its size, the library moves a copy of it by one position, which the language has
no op for: the library is told to leave that out. All else is the library's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from tests.contract.numbers import precision, randomise, relative

keras = pytest.importorskip("keras")
pytest.importorskip("torch")

SPEC = Path(__file__).parent / "cells" / "nasnet.yaml"
SIZES = ((64, 96), (65, 99))
BLOCKS = 1
OUTPUT_BOUND = 1e-9
GRADIENT_BOUND = 1e-8


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with precision("float64"):
        yield


def library(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, **given: Any) -> Any:
    """The library's network without its one shift: what it pads at the end is cut off there, not in front."""
    from keras.src.applications import nasnet

    cut = nasnet.layers.Cropping2D
    at_the_end = ((0, 1), (0, 1))
    monkeypatch.setattr(nasnet.layers, "Cropping2D", lambda cropping: cut(at_the_end))
    return nasnet.NASNet(
        (*size, 3), weights=None, include_top=True, classifier_activation=None, **given
    )


def cells(blocks: int) -> dict[str, tuple[str, str]]:
    """The cells by our path: the library's word for what they are, and the end of its names there."""
    found = {"stem1": ("reduction", "stem_1"), "stem2": ("reduction", "stem_2")}
    found |= {f"layer1.{i}": ("normal", f"{i}") for i in range(blocks)}
    for stage in (1, 2):
        found[f"layer{stage + 1}.0"] = ("reduction", f"reduce_{stage * blocks}")
        for i in range(1, blocks + 1):
            found[f"layer{stage + 1}.{i}"] = ("normal", f"{stage * blocks + i}")
    return found


def their_place(path: str, layers: set[str], blocks: int) -> tuple[str, str]:
    """The library's layer for one of ours, and what it calls a kernel."""
    whole = {"conv1": "stem_conv1", "bn1": "stem_bn1", "fc": "predictions"}
    if path in whole:
        return whole[path], "kernel"
    cell = next(name for name in cells(blocks) if path.startswith(f"{name}."))
    kind, end = cells(blocks)[cell]
    part, _, layer = path.removeprefix(f"{cell}.").rpartition(".")
    if not part:
        return f"{kind}_{layer[:-1]}_1_{end}", "kernel"
    if part == "adjust":
        is_alone = f"{cell}.adjust.conv2" not in layers
        names = {"conv1": "conv_projection" if is_alone else "conv_1", "conv2": "conv_2"}
        return f"adjust_{names.get(layer, 'bn')}_{end}", "kernel"
    if layer.startswith("bn"):
        return f"separable_conv_{layer[2:]}_bn_{kind}_{part}_{end}", "kernel"
    number = int(layer[4:])
    kernel = "depthwise_kernel" if number % 2 else "pointwise_kernel"
    return f"separable_conv_{(number + 1) // 2}_{kind}_{part}_{end}", kernel


OWN = {
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
    "bias": "beta",
    "weight": "gamma",
}


@pytest.mark.parametrize(
    "size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.slow)], ids=str
)
def test_nasnet_gives_what_the_librarys_gives(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    overrides = {"height": size[0], "width": size[1], "classes": 7}
    compiled = netspec.load(SPEC, "small", overrides=overrides)
    given = {"penultimate_filters": 96, "stem_block_filters": 8, "filter_multiplier": 2}
    theirs = library(
        size,
        monkeypatch,
        num_blocks=BLOCKS,
        default_size=224,
        skip_reduction=False,
        classes=7,
        **given,
    )
    state, ours = compiled.build("torch"), compiled.build("keras")
    randomise(state)
    netspec.transfer_weights(state, ours, compiled)
    keys = [key for key in state.state_dict() if not key.endswith("num_batches_tracked")]
    layers = {key.rpartition(".")[0] for key in keys}
    variables: dict[str, tuple[Any, Any]] = {}
    for key in keys:
        path, _, name = key.rpartition(".")
        place, kernel = their_place(path, layers, BLOCKS)
        is_norm = f"{path}.running_mean" in keys
        own = OWN[name] if is_norm else "kernel" if name == "weight" else name
        there = kernel if own == "kernel" else own
        pair = getattr(ours.get_layer(path.replace(".", "_")), own)
        variables[key] = pair, getattr(theirs.get_layer(place), there)
        variables[key][1].assign(pair)
    assert len(variables) == len(theirs.weights)

    x = np.random.default_rng(0).normal(size=(2, *size, 3))
    assert relative(ours(x).numpy(), theirs(x).numpy()) <= OUTPUT_BOUND
    learnt = [key for key, _ in state.named_parameters()]
    factors = np.random.default_rng(1).normal(size=(2, 7))
    found = []
    for side, model in enumerate((ours, theirs)):
        values = [variables[key][side].value for key in learnt]
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(tf.constant(x), training=True) * factors)
        found.append([g.numpy() for g in tape.gradient(total, values)])
    floor = 1e-3 * max(float(np.abs(gradient).max()) for gradient in found[1])
    for key, own, other in zip(learnt, *found, strict=True):
        assert relative(own, other, floor) <= GRADIENT_BOUND, key


@pytest.mark.slow
def test_nasnet_mobile_has_as_many_parameters_as_the_librarys() -> None:
    theirs = keras.applications.NASNetMobile(weights=None)
    ours = netspec.load(SPEC).build("keras")
    assert ours.count_params() == theirs.count_params() == 5_326_716
