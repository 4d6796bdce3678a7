"""Initial weights drawn in NumPy: as the spec says, by the seed and the name alone."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.ir.analysis import weight_shapes
from netspec.weights.starting import initial_weights
from tests.support.networks import network_of

MANY = "conv: {{out: 64, kernel: 3, init: {}, bias_init: {}}}"


def drawn(init: str, bias: str = "zeros", seed: int = 0) -> dict[str, np.ndarray]:
    return initial_weights(network_of(MANY.format(init, bias), (8, 9), channels=32), seed)


FAN_IN, FAN_OUT = 32 * 9, 64 * 9


@pytest.mark.parametrize(
    ("init", "std", "extent"),
    [
        ("{normal: 0.02}", 0.02, None),
        ("{truncated_normal: 0.02}", 0.02 * 0.87962566, 0.04),
        ("{uniform: 0.3}", 0.3 / 3**0.5, 0.3),
        ("{kaiming_normal: fan_out}", (2 / FAN_OUT) ** 0.5, None),
        ("{kaiming_normal: fan_in}", (2 / FAN_IN) ** 0.5, None),
        ("glorot_uniform", (2 / (FAN_IN + FAN_OUT)) ** 0.5, (6 / (FAN_IN + FAN_OUT)) ** 0.5),
        (
            "{variance_scaling: {scale: 3, mode: fan_avg, distribution: truncated_normal}}",
            (6 / (FAN_IN + FAN_OUT)) ** 0.5,
            2 * (6 / (FAN_IN + FAN_OUT)) ** 0.5 / 0.87962566,
        ),
        (
            "{variance_scaling: {scale: 1 / 3, mode: fan_in, distribution: uniform}}",
            (1 / 3 / FAN_IN) ** 0.5,
            FAN_IN**-0.5,
        ),
    ],
)
def test_distributions_are_those_of_the_spec(init: str, std: float, extent: float | None) -> None:
    values = drawn(init)["conv1.weight"].astype(np.float64)
    error = 6 / values.size**0.5  # six standard errors, or more
    assert values.std() == pytest.approx(std, rel=error)
    assert abs(values.mean()) < error * std
    if extent is None:
        assert np.abs(values).max() > 3.5 * std
    else:
        assert 0.99 * extent < np.abs(values).max() <= extent * (1 + 1e-6)


def test_biases_and_constants() -> None:
    weights = drawn("{constant: 0.25}", "{uniform: fan_in}")
    assert np.unique(weights["conv1.weight"]).tolist() == [0.25]
    assert 0.5 * FAN_IN**-0.5 < np.abs(weights["conv1.bias"]).max() <= FAN_IN**-0.5


def test_every_parameter_and_statistic_is_there_in_float32() -> None:
    network = network_of(
        "conv: {out: 4, kernel: 3}\nbatch_norm\nprelu\nlayer_norm\nflatten\nlinear: {out: 3}",
        (4, 5),
    )
    weights = initial_weights(network, 0)
    assert {name: array.shape for name, array in weights.items()} == weight_shapes(network)
    assert {array.dtype for array in weights.values()} == {np.dtype("float32")}
    assert weights["bn1.running_var"].tolist() == [1, 1, 1, 1]


def test_the_seed_and_the_name_decide_and_nothing_else() -> None:
    first = drawn("{normal: 1}")["conv1.weight"]
    assert np.array_equal(first, drawn("{normal: 1}")["conv1.weight"])
    assert not np.array_equal(first, drawn("{normal: 1}", seed=1)["conv1.weight"])
    two = "conv: {out: 6, kernel: 3, init: {normal: 1}}\n" * 2
    weights = initial_weights(network_of(two, (8, 9)), 0)
    alone = initial_weights(network_of(two.splitlines()[0], (8, 9)), 0)
    assert np.array_equal(weights["conv1.weight"], alone["conv1.weight"])
    assert not np.array_equal(weights["conv1.weight"], weights["conv2.weight"])


def test_every_layer_of_the_ir_is_covered() -> None:
    network = network_of("conv: {out: 4, kernel: 3}\nscale", (8, 9))
    names = {f"{layer.path}." for layer in network.layers if layer.op.parameters(layer.source)}
    assert {name.rpartition(".")[0] + "." for name in initial_weights(network, 0)} == names
