"""Initial values: the distributions that the spec names, from initialisers of one's own."""

from __future__ import annotations

import numpy as np
import pytest

from netspec import ir
from netspec.backends.keras import BACKEND
from netspec.backends.keras.lowered import Lowered
from netspec.backends.keras.plan import lower

from .compare import network_of

LAYERS = {
    "conv: {out: 96, kernel: 3, init: INIT}": (64 * 9, 96 * 9),
    "conv: {out: 96, kernel: 3, groups: 4, init: INIT}": (16 * 9, 96 * 9),
    "conv: {out: 128, kernel: 5, depthwise: true, init: INIT}": (25, 25 * 128),
    "global_avg_pool\nlinear: {out: 300, init: INIT}": (64, 300),
}
VARIANCE = "{variance_scaling: {scale: SCALE, mode: MODE, distribution: KIND}}"


def weight_of(steps: str) -> np.ndarray:
    """The fresh weight of the only layer with weights."""
    network = network_of(steps, (8, 9), channels=64)
    weights = BACKEND.read_weights(BACKEND.build(network), network)
    return next(w for name, w in weights.items() if name.endswith(".weight"))


@pytest.mark.parametrize("scale", ["1 / 3", "2.0"])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("kind", ["normal", "truncated_normal", "uniform"])
@pytest.mark.parametrize("steps", LAYERS)
def test_variance_scaling(steps: str, kind: str, mode: str, scale: str) -> None:
    fan_in, fan_out = LAYERS[steps]
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    init = VARIANCE.replace("SCALE", scale).replace("MODE", mode).replace("KIND", kind)
    values = weight_of(steps.replace("INIT", init))
    std = ((1 / 3 if "/" in scale else 2.0) / fan) ** 0.5
    check_distribution(values, kind, std)


def check_distribution(values: np.ndarray, kind: str, std: float) -> None:
    """Mean, standard deviation and extent of at least 3,000 values."""
    noise = 5 / np.sqrt(values.size)
    assert abs(values.mean()) < noise * std
    assert abs(values.std() / std - 1) < noise
    extent = np.abs(values).max() / std
    if kind == "uniform":
        assert 1.70 < extent <= 3**0.5 + 1e-5
    elif kind == "truncated_normal":
        assert 2.1 < extent <= 2 / 0.87962566103423978 + 1e-5
    else:
        assert extent > 2.9


@pytest.mark.parametrize("steps", LAYERS)
@pytest.mark.parametrize(
    ("init", "std", "extent"),
    [
        ("{normal: 0.02}", 0.02, np.inf),
        ("{truncated_normal: 0.02}", 0.02 * 0.87962566103423978, 0.04),
        ("{uniform: 0.1}", 0.1 / 3**0.5, 0.1),
        ("{constant: 0.25}", 0.0, 0.25),
    ],
)
def test_plain_distributions(steps: str, init: str, std: float, extent: float) -> None:
    values = weight_of(steps.replace("INIT", init))
    assert abs(values.std() - std) <= std * 5 / np.sqrt(values.size) + 1e-7
    assert 0.99 * min(extent, 0.05) <= np.abs(values).max() <= extent + 1e-6


def test_bias_within_the_fan_of_the_weight() -> None:
    steps = "conv: {out: 64, kernel: 3, depthwise: true, bias_init: {uniform: fan_in}}"
    network = network_of(steps, (8, 9), channels=64)
    bias = BACKEND.read_weights(BACKEND.build(network), network)["conv1.bias"]
    assert 0.9 / 3 < np.abs(bias).max() <= 1 / 3 + 1e-6


def test_equal_layers_start_differently() -> None:
    step = "conv: {out: 6, kernel: 3, init: {kaiming_normal: fan_out}}"
    network = network_of(f"{step}\n{step}", (8, 9))
    weights = BACKEND.read_weights(BACKEND.build(network), network)
    assert np.abs(weights["conv1.weight"] - weights["conv2.weight"]).max() > 0.01


def lowered(steps: str) -> Lowered:
    """The calls of the last layer."""
    return lower(list(ir.layers(network_of(steps, (8, 9))))[-1])


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


def test_no_name_where_keras_counts_other_fans() -> None:
    ((_, call),) = lowered("conv: {kernel: 3, depthwise: true, init: {kaiming_uniform: fan_in}}")
    assert call.kwargs["depthwise_initializer"].target == "initializers.RandomUniform"
