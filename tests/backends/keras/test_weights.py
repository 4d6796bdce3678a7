"""Weights across the border: copies, whole, and never silently wrong."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.backends.keras import BACKEND
from tests.support.networks import SIZES, network_of, random_weights
from tests.support.op_cases import cases

WITH_WEIGHTS = [
    (steps, rank)
    for steps, rank in cases()
    if any(layer.op.parameters(layer.source) for layer in network_of(steps, SIZES[rank]).layers)
]


@pytest.mark.parametrize(("steps", "rank"), WITH_WEIGHTS[::2])
def test_round_trip(steps: str, rank: int) -> None:
    network = network_of(steps, SIZES[rank])
    model = BACKEND.build(network)
    weights = {name: array.astype("float32") for name, array in random_weights(network).items()}
    BACKEND.write_weights(model, network, weights)
    found = BACKEND.read_weights(model, network)
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].flags["C_CONTIGUOUS"]


def test_arrays_are_copies() -> None:
    network = network_of("batch_norm\nconv: {out: 4, kernel: 1}", (5, 6))
    model = BACKEND.build(network)
    before = BACKEND.read_weights(model, network)
    copies = {name: array.copy() for name, array in before.items()}
    given = {name: array + 1 for name, array in before.items()}
    BACKEND.write_weights(model, network, given)
    for name, array in copies.items():
        np.testing.assert_array_equal(before[name], array)
    for array in given.values():
        array[...] = 0
    for name, array in BACKEND.read_weights(model, network).items():
        np.testing.assert_array_equal(array, copies[name] + 1)


def test_what_does_not_fit_is_listed_and_nothing_is_assigned() -> None:
    network = network_of("conv: {out: 4, kernel: 1}", (5, 6))
    model = BACKEND.build(network)
    before = BACKEND.read_weights(model, network)
    given = {"conv1.weight": np.zeros((4, 5, 1, 1)), "other": np.zeros(1)}
    with pytest.raises(ValueError, match="do not fit") as error:
        BACKEND.write_weights(model, network, given)
    for part in ("missing: conv1.bias", "unexpected: other", "conv1.weight: shape (4, 5, 1, 1)"):
        assert part in str(error.value)
    after = BACKEND.read_weights(model, network)
    assert all((after[name] == before[name]).all() for name in before)


def test_a_model_of_another_network_is_refused() -> None:
    model = BACKEND.build(network_of("conv: {out: 4, kernel: 1}", (5, 6)))
    with pytest.raises(ValueError, match="no layer `bn1`"):
        BACKEND.read_weights(model, network_of("batch_norm", (5, 6)))
    with pytest.raises(ValueError, match="holds shape"):
        BACKEND.read_weights(model, network_of("conv: {out: 8, kernel: 1}", (5, 6)))
