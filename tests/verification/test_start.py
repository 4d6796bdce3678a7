"""How models start: wrong distributions, and what drops otherwise than stated, are found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from netspec import loads
from netspec.backends.keras import KerasBackend
from netspec.backends.torch import TorchBackend, support
from netspec.ops.initializers import (
    Normal,
    TruncatedNormal,
    Uniform,
    UniformFanIn,
    VarianceScaling,
)
from netspec.ops.structure import DropPath
from netspec.ops.types import Parameter
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from netspec.verification.start import EXAMPLES, _deviation, _drop_deviation, _stated, check_values
from netspec.weights.starting import initial_weights

SPEC = """\
netspec: 1
name: net
input: {channels: 8, size: [8, 9]}
defaults:
  conv: {init: {kaiming_normal: fan_out}, bias_init: {uniform: 0.1}}
  linear: {bias_init: {uniform: 0.1}}
stem:
  - conv: {out: 16, kernel: 3}
  - norm
  - relu
  - residual: {body: [{conv: {out: 16, kernel: 3, init: {variance_scaling: {scale: 2.0, mode: fan_in}}}}, {drop_path: {rate: 0.2}}]}
head: [global_avg_pool, {dropout: {rate: 0.3}}, {linear: {out: 40}}]
"""
BACKENDS = {"torch": TorchBackend, "keras": KerasBackend}
Weights = dict[str, np.ndarray]


def run(text: str = SPEC, level: str = "start") -> NetworkResult:
    return verify(loads(text).compilation, Options(level), Origin("net.yaml"))


def failures(result: NetworkResult) -> list[tuple[str, str, str]]:
    return [(w.name, level.level, failure.message) for w, level, failure in result.failures()]


def test_what_is_right_agrees() -> None:
    result = run()
    assert failures(result) == []
    assert [level.status for level in result.witnesses[3].levels] == ["agrees", "agrees"]


def twice(weights: Weights) -> None:
    weights["conv1.weight"] *= 1.3


def shifted(weights: Weights) -> None:
    weights["conv2.weight"] += 0.03


def uniform(weights: Weights) -> None:
    old = weights["conv1.weight"]
    weights["conv1.weight"] = (
        np.random.default_rng(0).uniform(-1, 1, old.shape) * old.std() * 3**0.5
    )


def not_cut(weights: Weights) -> None:
    old = weights["conv2.weight"]
    weights["conv2.weight"] = np.random.default_rng(0).normal(0, old.std(), old.shape)


def cut(weights: Weights) -> None:
    old = weights["conv1.weight"]
    weights["conv1.weight"] = np.clip(old, -1.5 * old.std(), 1.5 * old.std())


def shared(weights: Weights) -> None:
    weights["conv2.bias"] = weights["conv1.bias"]


def constant(weights: Weights) -> None:
    weights["bn1.weight"] += 0.01


def zero(weights: Weights) -> None:
    weights["fc.bias"] *= 0


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (twice, "`conv1.weight` "),
        (shifted, "`conv2.weight` "),
        (uniform, "`conv1.weight` "),
        (not_cut, "`conv2.weight` "),
        (cut, "`conv1.weight` "),
        (shared, "`conv2.bias` starts with the values of `conv1.bias`"),
        (constant, "`bn1.weight` starts 0.01 away from 1"),
        (zero, "`fc.bias` "),
    ],
)
def test_a_wrong_start_of_a_live_model(
    name: str, mistake: Callable[[Weights], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = BACKENDS[name]
    original = backend.build

    def build(self: Any, network: Any, *arguments: Any) -> Any:
        model = original(self, network, *arguments)
        weights = {key: np.array(value) for key, value in self.read_weights(model, network).items()}
        mistake(weights)
        self.write_weights(model, network, weights)
        return model

    monkeypatch.setattr(backend, "build", build)
    ((witness, level, message),) = failures(run())
    assert (witness, level) == (f"{name} live", "start")
    assert said in message


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("torch", r"fan_out", "fan_in"),
        ("torch", r"kaiming_normal_", "kaiming_uniform_"),
        ("keras", r"scale=2\.0, mode=\"fan_out\"", 'scale=3.0, mode="fan_out"'),
        ("keras", r"untruncated_normal", "uniform"),
    ],
)
def test_a_wrong_start_of_source(
    name: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SPEC.replace("out: 16, kernel: 3}\n", "out: 48, kernel: 3}\n")
    text = text.replace("{out: 16", "{out: 48")
    backend = BACKENDS[name]
    original = backend.generate

    def wrong(self: Any, *given: Any) -> str:
        changed, count = re.subn(old, new, original(self, *given))
        assert count
        return changed

    monkeypatch.setattr(backend, "generate", wrong)
    ((witness, level, message),) = failures(run(text))
    assert (witness, level) == (f"{name} generated", "start")
    assert "conv1.weight" in message


class PerValue(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(x, self.p, self.training)


def unscaled(self: Any, x: torch.Tensor) -> torch.Tensor:
    keep = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1)) >= self.p
    return x * keep if self.training else x


def other_rate(self: Any, x: torch.Tensor) -> torch.Tensor:
    if not self.training:
        return x
    keep = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1)) >= 0.5
    return x * keep / (1 - self.p)


def always(self: Any, x: torch.Tensor) -> torch.Tensor:
    keep = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1)) >= self.p
    return x * keep / (1 - self.p)


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (PerValue.forward, "drops single values"),
        (unscaled, "scales what stays by 1, not by 1.25"),
        (other_rate, "of the values, not 0.2"),
        (always, "drops in evaluation mode"),
    ],
)
def test_what_drops_otherwise_than_stated(
    forward: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support.DropPath2d, "forward", forward)
    found = failures(run())
    assert found
    assert found[0][:2] == ("torch live", "start")
    assert said in found[0][2]


def test_one_seed_for_two_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras draws with the outputs last, so that the same numbers stand elsewhere in our order."""
    scaled = "variance_scaling: {scale: 2.0, mode: fan_in}"
    text = SPEC.replace("kaiming_normal: fan_out", scaled)
    original = KerasBackend.generate

    def wrong(self: Any, *given: Any) -> str:
        changed, count = re.subn(
            '"he_normal"', "initializers.HeNormal(seed=3)", original(self, *given)
        )
        assert count == 2
        return changed

    monkeypatch.setattr(KerasBackend, "generate", wrong)
    ((witness, level, message),) = failures(run(text))
    assert (witness, level) == ("keras generated", "start")
    assert "starts with the values of" in message


RANDOM_DROP = """\
netspec: 1
name: net
input: {channels: 8, size: [8, 9]}
stem: [{residual: {body: [{conv: {out: 8, kernel: 3}}, {drop_path: {rate: RATE}}]}}]
head: [global_avg_pool, {dropout: {rate: RATE}}, {linear: {out: 40}}]
"""


@pytest.mark.parametrize("rate", ["0.0", "0.000001", "0.0001", "0.01", "0.9999"])
def test_no_rate_is_too_small_or_too_large(rate: str) -> None:
    """Where next to nothing drops, single values look like whole examples."""
    assert failures(run(RANDOM_DROP.replace("RATE", rate))) == []


@pytest.mark.parametrize(("rate", "found"), [(0.02, 0.0), (0.1, 0.055), (0.9, 0.95)])
def test_a_share_is_held_to_its_own_spread(rate: float, found: float) -> None:
    """A share near 0 or 1 spreads less than one of a half."""
    layer = next(
        layer
        for layer in loads(RANDOM_DROP.replace("RATE", str(rate))).network.layers
        if isinstance(layer.op, DropPath)
    )
    values = np.full((EXAMPLES, 3), 1 / (1 - rate))
    values[: round(found * EXAMPLES)] = 0
    assert f"not {rate:g}" in _drop_deviation(layer, values, 1e-6)
    values[: round(rate * EXAMPLES)] = 0
    values[round(rate * EXAMPLES) :] = 1 / (1 - rate)
    assert _drop_deviation(layer, values, 1e-6) == ""


INITS = {
    "normal": Normal(0.02),
    "truncated": TruncatedNormal(0.02),
    "uniform": Uniform(0.1),
    "uniform fan in": UniformFanIn(),
    **{
        kind: VarianceScaling(2.0, "fan_in", kind)  # type: ignore[arg-type]
        for kind in ("normal", "truncated_normal", "uniform")
    },
}


@pytest.mark.parametrize("init", INITS.values(), ids=INITS)
def test_moments_are_those_of_large_samples(init: Any) -> None:
    """The numbers that bounds are made of, against a million values drawn by NumPy."""
    stated = _stated(Parameter("weight", (4,), init, fans=(9, 36)))
    generator = np.random.default_rng(1)
    values = generator.standard_normal(2_000_000)
    if stated.kind == "uniform":
        values = generator.uniform(-1, 1, 1_000_000)
    elif stated.kind == "truncated":
        values = values[abs(values) <= 2][:1_000_000]
    assert np.square(values).mean() == pytest.approx(stated.square, rel=0.01)
    assert np.square(values).var() == pytest.approx(stated.spread, rel=0.02)
    for value in (-1.5, -0.5, 0.0, 0.7):
        assert (values < value).mean() == pytest.approx(stated.below(value), abs=0.003)
    for count in (1, 3, 10, 100, 10_000):
        assert _deviation(stated, values[:count], 1e-6) == ""


@pytest.mark.parametrize("seed", range(30))
def test_no_false_alarm(seed: int) -> None:
    network = loads(SPEC).network
    assert check_values(network, initial_weights(network, seed)) is None
