"""Initialisers as Keras is told them: by name where it has one of that meaning, one for each layer.

The distributions themselves are in ``tests/backends/test_initial.py``.
"""

from __future__ import annotations

import numpy as np
import pytest

from netspec.backends.keras import BACKEND
from netspec.backends.keras.lowered import Lowered
from netspec.backends.keras.plan import lower
from tests.support.networks import network_of


def test_equal_layers_start_differently() -> None:
    step = "conv: {out: 6, kernel: 3, init: {kaiming_normal: fan_out}}"
    network = network_of(f"{step}\n{step}", (8, 9))
    weights = BACKEND.read_weights(BACKEND.build(network), network)
    assert np.abs(weights["conv1.weight"] - weights["conv2.weight"]).max() > 0.01


def lowered(steps: str) -> Lowered:
    """The calls of the last layer."""
    return lower(list(network_of(steps, (8, 9)).layers)[-1])


@pytest.mark.parametrize(
    ("init", "name"),
    [
        ("glorot_uniform", "glorot_uniform"),
        ("{kaiming_uniform: fan_in}", "he_uniform"),
        ("zeros", "zeros"),
        ("ones", "ones"),
    ],
)
def test_well_known_initialisers_by_name(init: str, name: str) -> None:
    ((_, call),) = lowered(f"conv: {{out: 4, kernel: 3, init: {init}}}")
    assert call.kwargs["kernel_initializer"] == name


@pytest.mark.parametrize(
    ("init", "expected"),
    [("fan_in", ("fan_out", "uniform")), ("fan_out", "he_uniform"), ("fan_avg", "glorot_uniform")],
)
def test_a_depthwise_kernel_has_its_fans_exchanged(init: str, expected: object) -> None:
    written = "glorot_uniform" if init == "fan_avg" else f"{{kaiming_uniform: {init}}}"
    ((_, call),) = lowered(f"conv: {{kernel: 3, depthwise: true, init: {written}}}")
    found = call.kwargs["depthwise_initializer"]
    if not isinstance(found, str):
        found = (found.kwargs["mode"], found.kwargs["distribution"])
    assert found == expected


def test_no_name_where_keras_counts_other_fans() -> None:
    """A depthwise kernel of two filters for each channel has none of the spec's fans."""
    ((_, call),) = lowered("conv: {out: 12, kernel: 3, groups: 6, init: {kaiming_uniform: fan_in}}")
    assert call.target == "layers.DepthwiseConv2D"
    assert call.kwargs["depthwise_initializer"].target == "initializers.RandomUniform"
