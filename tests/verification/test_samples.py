"""What all models are given."""

from __future__ import annotations

import numpy as np
import torch

from netspec.backends.base import get_backend
from netspec.ops.normalization import BatchNorm
from netspec.verification.samples import (
    fit_statistics,
    random_factors,
    random_input,
    random_weights,
)
from tests.support.zoo import zoo_compiled
from tests.verification.specs import spec


def test_weights_are_neither_zeros_nor_ones_and_repeat() -> None:
    network = spec("residual").network
    weights = random_weights(network, 0)
    for name, values in weights.items():
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        assert not np.isin(values, (0.0, 1.0)).any(), name
        assert len(np.unique(values)) == values.size, name
        if name.endswith("running_var"):
            assert (values > 0).all()
    again = random_weights(network, 0)
    assert all(np.array_equal(weights[name], again[name]) for name in weights)
    other = random_weights(network, 1)
    assert not any(np.array_equal(weights[name], other[name]) for name in weights)


def test_shifts_reach_beyond_what_activations_clip_at() -> None:
    shifts = random_weights(spec("ops").network, 0)["layer4.0.conv1.bias"]
    assert shifts.max() > 6
    assert shifts.min() < -3


def test_inputs_have_no_two_lengths_alike_and_factors_go_by_name() -> None:
    assert random_input(spec("residual").network, 1).shape == (3, 3, 16, 24)
    factors = random_factors({"a": (3, 5), "b": (3, 5)}, 2)
    assert not np.array_equal(factors["a"], factors["b"])
    assert np.array_equal(factors["b"], random_factors({"b": (3, 5)}, 2)["b"])


def test_statistics_become_those_of_the_input() -> None:
    """Without them, values of a deep network grow from block to block."""
    compiled = zoo_compiled("preact164", {"blocks": 4, "width": 4}, (8, 13))
    network = compiled.network
    backend = get_backend("torch")
    probe = backend.probe()  # type: ignore[attr-defined]
    with probe.precision("float64"):
        model = backend.build(network)
        weights = random_weights(network, 0)
        x = random_input(network, 1)
        backend.write_weights(model, network, weights)
        factors = random_factors({"output": (3, 10)}, 2)
        after = probe.train(model, network, {}, x, factors, 0.0).statistics
        fitted = fit_statistics(network, weights, after, 0)
        backend.write_weights(model, network, fitted)
        inside = probe.look_inside(model, network, x)
    changed = {name for name in weights if not np.array_equal(weights[name], fitted[name])}
    assert changed == {name for name in weights if "running" in name}
    first = next(layer for layer in network.layers if isinstance(layer.op, BatchNorm))
    entered = torch.tensor(inside.entered[first.path]).transpose(0, 1).flatten(1)
    spread = entered.var(dim=1)
    mean = torch.tensor(fitted[f"{first.path}.running_mean"])
    variance = torch.tensor(fitted[f"{first.path}.running_var"])
    assert ((mean - entered.mean(dim=1)).abs() <= 0.5 * spread.mean().sqrt()).all()
    assert (variance / spread >= 0.7).all()
    assert (variance <= 1.4 * spread + 0.06 * spread.mean()).all()
    scales = [np.abs(inside.left[layer.path]).max() for layer in network.stages[-1].layers]
    assert max(scales) < 1e3
