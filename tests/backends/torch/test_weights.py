"""Weights across the border: copies, whole, and never silently wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netspec.backends.torch import BACKEND
from tests.support.networks import network_of, random_weights
from tests.support.zoo import zoo_network

STEPS = """
conv: {out: 4, kernel: [3, 2], groups: 2}
batch_norm
prelu
squeeze_excite
scale
flatten: {order: channels_last}
linear: {out: 3}
"""


def test_round_trip() -> None:
    network = network_of(STEPS, (5, 6))
    model = BACKEND.build(network)
    weights = {name: array.astype("float32") for name, array in random_weights(network).items()}
    BACKEND.write_weights(model, network, weights)
    found = BACKEND.read_weights(model, network)
    assert list(found) == list(weights)
    for name, array in weights.items():
        np.testing.assert_array_equal(found[name], array)


def test_canonical_names_and_layout_are_those_of_the_state() -> None:
    network = zoo_network("resnet18", {"width": 8})
    model = BACKEND.build(network)
    state = model.state_dict()
    found = BACKEND.read_weights(model, network)
    assert list(found) == [name for name in state if not name.endswith("num_batches_tracked")]
    for name, array in found.items():
        np.testing.assert_array_equal(array, state[name].numpy())


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


def test_writing_keeps_the_models_dtype_and_leaves_gradients_on() -> None:
    network = network_of("conv: {out: 4, kernel: 1}", (5, 6))
    model = BACKEND.build(network)
    BACKEND.write_weights(model, network, random_weights(network))
    assert all(p.dtype == torch.float32 and p.requires_grad for p in model.parameters())
    assert all(p.is_leaf for p in model.parameters())


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
    with pytest.raises(ValueError, match=r"no `bn1\.weight`"):
        BACKEND.read_weights(model, network_of("batch_norm", (5, 6)))
    with pytest.raises(
        ValueError, match=r"has shape \(4, 6, 1, 1\), the spec's has \(8, 6, 1, 1\)"
    ):
        BACKEND.read_weights(model, network_of("conv: {out: 8, kernel: 1}", (5, 6)))
    with pytest.raises(ValueError, match=r"has `conv1\.bias`, which the spec has not"):
        BACKEND.read_weights(model, network_of("conv: {out: 4, kernel: 1, bias: false}", (5, 6)))
