"""Weights outside a model: checks by name and shape, and a file that other tools read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load

from netspec.analyse import weight_shapes
from netspec.weights import check_weights, to_safetensors
from tests.support.networks import network_of, random_weights

NETWORK = network_of("conv: {out: 4, kernel: 3}\nbatch_norm", (8, 9))


def test_the_right_weights_pass() -> None:
    check_weights(weight_shapes(NETWORK), random_weights(NETWORK))


def test_whatever_is_wrong_is_listed() -> None:
    weights = random_weights(NETWORK)
    del weights["bn1.bias"]
    weights["bn2.bias"] = np.zeros(4)
    weights["conv1.bias"] = np.zeros((4, 1))
    with pytest.raises(ValueError, match="do not fit") as caught:
        check_weights(weight_shapes(NETWORK), weights)
    assert str(caught.value).splitlines()[1:] == [
        "  missing: bn1.bias",
        "  unexpected: bn2.bias",
        "  conv1.bias: shape (4, 1), expected (4,)",
    ]


def test_a_file_holds_names_values_and_origin() -> None:
    weights = random_weights(NETWORK)
    raw = to_safetensors(weights, NETWORK)
    found = load(raw)
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], weights[name]) for name in weights)
    length = int.from_bytes(raw[:8], "little")
    metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
    assert json.loads(metadata["netspec"]) == {"name": "n", "variant": None}


def test_transposed_arrays_keep_their_values() -> None:
    """safetensors itself would write their buffer as it lies."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    for turned in (array.T, array[:, ::2], array[::-1]):
        assert np.array_equal(load(to_safetensors({"a": turned}, NETWORK))["a"], turned)


def test_the_bytes_are_stable() -> None:
    weights = random_weights(NETWORK)
    assert to_safetensors(weights, NETWORK) == to_safetensors(weights, NETWORK)
