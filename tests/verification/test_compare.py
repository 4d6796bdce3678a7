"""How far apart two arrays are."""

from __future__ import annotations

import numpy as np

from netspec.backends.torch.precision import GRADIENTS
from netspec.verification.bounds import QUANTITIES, Bound, bounds_for
from netspec.verification.compare import errors, gradient_floor, measure_worst
from tests.support.networks import network_of

BOUND = Bound("output", 1e-3, "")
INFINITE = (float("inf"), float("inf"))


def test_the_largest_difference_over_the_largest_value() -> None:
    theirs = np.array([1.0, -4.0])
    assert errors(np.array([1.5, -4.0]), theirs) == (0.5, 0.125)
    assert errors(theirs, theirs) == (0.0, 0.0)
    assert errors(np.array([1.5, -4.0]), theirs, floor=10.0) == (0.5, 0.05)
    assert errors(np.array([1e-9]), np.zeros(1)) == (1e-9, float("inf"))
    assert errors(np.zeros(0), np.zeros(0)) == (0.0, 0.0)


def test_what_cannot_be_compared_is_infinitely_far() -> None:
    for value in (np.nan, np.inf):
        broken = np.array([value, 1.0])
        assert errors(broken, np.ones(2)) == INFINITE
        assert errors(np.ones(2), broken) == INFINITE
        assert errors(broken, broken) == INFINITE
    assert errors(np.ones((2, 1)), np.ones(2)) == INFINITE


def test_the_worst_tensor_is_named_and_a_missing_one_is_the_worst() -> None:
    theirs = {"a": np.ones(2), "b": np.ones(2), "c": np.ones(2)}
    ours = {"a": np.ones(2), "b": np.ones(2) * 1.5, "c": np.ones(2) * 1.1}
    worst = measure_worst("output", "stem", ["a", "b", "c", "d"], ours, theirs, BOUND)
    assert worst is not None
    assert (worst.tensor, worst.relative, worst.passed) == ("b", 0.5, False)
    missing = measure_worst("output", "stem", ["a", "b"], {"a": np.ones(2)}, theirs, BOUND)
    assert missing is not None
    assert missing.tensor == "b"
    assert not missing.passed
    assert measure_worst("output", "stem", ["d"], ours, theirs, BOUND) is None


def test_a_gradient_of_rounding_is_held_against_the_others() -> None:
    theirs = {"weight": np.array([2.0]), "bias": np.array([1e-17])}
    assert gradient_floor(theirs) == 2e-3
    assert errors(np.array([-1e-17]), theirs["bias"], gradient_floor(theirs))[1] < 1e-13


def test_every_quantity_has_a_bound_with_a_reason() -> None:
    network = network_of("conv: {out: 4, kernel: 3}\nhard_sigmoid", (5, 6))
    for dtype in ("float64", "float32"):
        bounds = bounds_for(network, dtype, GRADIENTS)
        assert bounds.keys() == QUANTITIES.keys()
        assert all(bound.reason for bound in bounds.values())
    gradient = bounds_for(network, "float64", GRADIENTS)["weight gradient"]
    assert gradient.value == 1e-6
    assert "hard_sigmoid" in gradient.reason
    assert bounds_for(network, "float64", GRADIENTS)["output"].value == 1e-10
