"""Weights outside a model: checks by name and shape."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.ir.analysis import weight_shapes
from netspec.weights.canonical import check_weights
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
