"""Initial values: the distributions that the spec names, and the same ones in every backend."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from netspec import api
from netspec.backends.base import get_backend
from netspec.ops import initializers
from tests.support.generated import build_generated
from tests.support.networks import network_of

pytest.importorskip("torch")
pytest.importorskip("keras")

BACKENDS = ("torch", "keras")

# (steps, input size) with the fans of the weight as PyTorch counts them
LAYERS = {
    ("conv: {out: 96, kernel: 3, init: INIT}", (8, 9)): (64 * 9, 96 * 9),
    ("conv: {out: 96, kernel: [5, 2], init: INIT}", (8, 9)): (64 * 10, 96 * 10),
    ("conv: {out: 96, kernel: 3, groups: 4, init: INIT}", (8, 9)): (16 * 9, 96 * 9),
    ("conv: {out: 128, kernel: 5, depthwise: true, init: INIT}", (8, 9)): (25, 25 * 128),
    ("conv: {kernel: 51, depthwise: true, init: INIT}", (60,)): (51, 51 * 64),
    ("conv: {out: 64, kernel: 3, init: INIT}", (20,)): (64 * 3, 64 * 3),
    ("conv: {out: 64, kernel: [2, 3, 1], init: INIT}", (5, 6, 7)): (64 * 6, 64 * 6),
    ("conv_transpose: {out: 96, kernel: 3, stride: 2, init: INIT}", (8, 9)): (96 * 9, 64 * 9),
    ("conv: {kernel: 4, depthwise: true, init: INIT}", (5, 6, 7)): (64, 64 * 64),
    ("global_avg_pool\nlinear: {out: 300, init: INIT}", (8, 9)): (64, 300),
}
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer[0])
every_backend = pytest.mark.parametrize("backend", BACKENDS)
VARIANCE = "{variance_scaling: {scale: SCALE, mode: MODE, distribution: KIND}}"
TRUNCATED_STD = 0.87962566103423978
"""The standard deviation of a unit normal cut at two, from its density: 1 - 4 φ(2) / (2 Φ(2) - 1)."""


@pytest.fixture(autouse=True)
def _seed() -> None:
    import keras
    import torch

    torch.manual_seed(0)
    keras.utils.set_random_seed(0)


@cache
def fresh(backend: str, steps: str, size: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The weights of a fresh model of one layer on 64 channels."""
    network = network_of(steps, size, channels=64)
    found = get_backend(backend)
    return found.read_weights(found.build(network), network)  # type: ignore[return-value]


def weight_of(backend: str, layer: tuple[str, tuple[int, ...]], init: str) -> np.ndarray:
    """The fresh weight of the only layer with weights."""
    weights = fresh(backend, layer[0].replace("INIT", init), layer[1])
    return next(w for name, w in weights.items() if name.endswith(".weight"))


def test_the_constant_of_truncation() -> None:
    density = np.exp(-2.0) / np.sqrt(2 * np.pi)
    inside = 0.95449973610364158
    assert abs((1 - 4 * density / inside) ** 0.5 - TRUNCATED_STD) < 1e-12


@every_backend
@pytest.mark.parametrize("scale", ["1 / 3", "2.0"])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("kind", ["normal", "truncated_normal", "uniform"])
@every_layer
def test_variance_scaling(backend: str, layer: Any, kind: str, mode: str, scale: str) -> None:
    fan_in, fan_out = LAYERS[layer]
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    init = VARIANCE.replace("SCALE", scale).replace("MODE", mode).replace("KIND", kind)
    std = ((1 / 3 if "/" in scale else 2.0) / fan) ** 0.5
    check_distribution(weight_of(backend, layer, init), kind, std)


def check_distribution(values: np.ndarray, kind: str, std: float) -> None:
    """Mean, standard deviation and extent of at least 3,000 values, within five standard errors."""
    assert values.size >= 3000
    noise = 5 / np.sqrt(values.size)
    assert abs(values.mean()) < noise * std
    assert abs(values.std() / std - 1) < noise
    extent = np.abs(values).max() / std
    if kind == "uniform":
        assert 1.70 < extent <= 3**0.5 + 1e-5
    elif kind == "truncated_normal":
        assert 2.1 < extent <= 2 / TRUNCATED_STD + 1e-5
    else:
        assert extent > 2.9


SAME = [
    *("{kaiming_normal: fan_out}", "{kaiming_uniform: fan_in}", "glorot_uniform"),
    *("{normal: 0.02}", "{truncated_normal: 0.02}", "{uniform: 0.1}", "{uniform: fan_in}"),
    "{variance_scaling: {scale: 1.0, mode: fan_out, distribution: truncated_normal}}",
]


@pytest.mark.parametrize("init", SAME)
@every_layer
def test_both_backends_draw_from_one_distribution(layer: Any, init: str) -> None:
    """The distance of the two empirical distributions, at which chance arrives once in 10,000."""
    ours, theirs = (np.sort(weight_of(backend, layer, init).ravel()) for backend in BACKENDS)
    assert ours.size == theirs.size
    everything = np.concatenate([ours, theirs])
    shares = [np.searchsorted(v, everything, side="right") / v.size for v in (ours, theirs)]
    assert np.abs(shares[0] - shares[1]).max() < 2.23 * np.sqrt(2 / ours.size)


@every_backend
@pytest.mark.parametrize(
    ("init", "std", "extent"),
    [
        ("{normal: 0.02}", 0.02, np.inf),
        ("{truncated_normal: 0.02}", 0.02 * TRUNCATED_STD, 0.04),
        ("{uniform: 0.1}", 0.1 / 3**0.5, 0.1),
        ("{constant: 0.25}", 0.0, 0.25),
        ("zeros", 0.0, 0.0),
        ("ones", 0.0, 1.0),
        ("-0.5", 0.0, 0.5),
    ],
)
@every_layer
def test_plain_distributions(
    backend: str, layer: Any, init: str, std: float, extent: float
) -> None:
    values = weight_of(backend, layer, init)
    assert abs(values.std() - std) <= std * 5 / np.sqrt(values.size) + 1e-7
    assert 0.99 * min(extent, 0.05) <= np.abs(values).max() <= extent + 1e-6


@every_backend
def test_kaiming_is_not_truncated(backend: str) -> None:
    layer = next(iter(LAYERS))
    values = weight_of(backend, layer, "{kaiming_normal: fan_in}")
    assert np.abs(values).max() > 3.5 * (2 / LAYERS[layer][0]) ** 0.5


@every_backend
@pytest.mark.parametrize(
    ("steps", "fan"),
    [
        ("conv: {out: 512, kernel: 3, bias_init: {uniform: fan_in}}", 64 * 9),
        ("conv: {out: 512, kernel: 3, groups: 4, bias_init: {uniform: fan_in}}", 16 * 9),
        ("conv: {out: 512, kernel: 3, depthwise: true, bias_init: {uniform: fan_in}}", 9),
        ("global_avg_pool\nlinear: {out: 512, bias_init: {uniform: fan_in}}", 64),
    ],
)
def test_a_bias_within_the_fan_of_its_weight(backend: str, steps: str, fan: int) -> None:
    weights = fresh(backend, steps, (8, 9))
    bias = next(w for name, w in weights.items() if name.endswith(".bias"))
    assert 0.98 * fan**-0.5 < np.abs(bias).max() <= fan**-0.5 + 1e-6
    assert abs(bias.std() * (3 * fan) ** 0.5 - 1) < 5 / np.sqrt(bias.size)


@every_backend
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("batch_norm", {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}),
        ("layer_norm: {init: zeros, bias_init: {constant: 0.5}}", {"weight": 0, "bias": 0.5}),
        ("batch_norm: {affine: false}", {"running_mean": 0, "running_var": 1}),
        ("layer_norm: {init: 0.1}", {"weight": 0.1, "bias": 0}),
        ("group_norm", {"weight": 1, "bias": 0}),
        ("instance_norm: {bias_init: ones}", {"weight": 1, "bias": 1}),
        ("prelu", {"weight": 0.25}),
        ("prelu: {init: zeros}", {"weight": 0}),
        ("scale: {init: {constant: 1e-6}}", {"weight": 1e-6}),
        ("conv: {out: 4, kernel: 1}", {"bias": 0}),
    ],
)
def test_values_that_start_equal(backend: str, steps: str, expected: dict[str, float]) -> None:
    weights = {n.rpartition(".")[2]: w for n, w in fresh(backend, steps, (8, 9)).items()}
    for name, value in expected.items():
        np.testing.assert_array_equal(weights[name], np.float32(value))
    if "conv" not in steps:
        assert weights.keys() == expected.keys()


@every_backend
@pytest.mark.parametrize("init", ["{truncated_normal: 0.5}", "{normal: 0.5}", "{uniform: 0.5}"])
def test_random_scales(backend: str, init: str) -> None:
    values = fresh(backend, f"conv: {{out: 4096, kernel: 1}}\nscale: {{init: {init}}}", (2, 3))
    std = {"t": 0.5 * TRUNCATED_STD, "n": 0.5, "u": 0.5 / 3**0.5}[init[1]]
    assert abs(values["scale.weight"].std() / std - 1) < 5 / 4096**0.5


ONE_AXIS = """
netspec: 1
name: net
input: {channels: 2048, size: [2, 3]}
stem:
  - batch_norm: {init: INIT, bias_init: INIT}
  - layer_norm: {init: INIT, bias_init: INIT}
  - group_norm: {init: INIT, bias_init: INIT}
  - instance_norm: {init: INIT, bias_init: INIT}
  - {conv: {kernel: 1, depthwise: true, bias: true, bias_init: INIT}}
  - {conv: {out: 2048, kernel: 1, groups: 512, bias: true, bias_init: INIT}}
  - prelu: {init: INIT}
  - scale: {init: INIT}
  - batch_norm: {affine: false}
  - layer_norm: {affine: false}
  - group_norm: {affine: false}
  - instance_norm: {affine: false}
head:
  - global_avg_pool
  - layer_norm: {init: INIT, bias_init: INIT}
  - linear: {out: 512, bias_init: INIT}
"""
SCALED = [
    VARIANCE.replace("SCALE", scale).replace("MODE", mode).replace("KIND", kind)
    for scale in ("1.0", "2.0")
    for mode in ("fan_in", "fan_out", "fan_avg")
    for kind in ("normal", "truncated_normal", "uniform")
]
PLAIN = ["{normal: 0.5}", "{truncated_normal: 0.5}", "{uniform: 0.5}", "{uniform: fan_in}"]
PLAIN += ["{constant: 0.25}", "zeros", "ones"]


def expected_deviation(init: Any, fans: tuple[int, int]) -> float:
    """The standard deviation that a distribution is to have."""
    match init:
        case initializers.VarianceScaling(scale=scale, mode=mode):
            fan = {"fan_in": fans[0], "fan_out": fans[1], "fan_avg": sum(fans) / 2}[mode]
            return float((scale / fan) ** 0.5)
        case initializers.Normal(std=std):
            return std
        case initializers.TruncatedNormal(std=std):
            return std * TRUNCATED_STD
        case initializers.Uniform(limit=limit):
            return limit / 3**0.5
        case initializers.UniformFanIn():
            return float((3 * fans[0]) ** -0.5)
    return 0.0


@every_backend
@pytest.mark.parametrize("init", SCALED + PLAIN)
def test_every_distribution_on_what_has_one_axis(backend: str, init: str) -> None:
    """Biases, and the weights of norms, PReLUs and scales; live and from source."""
    compiled = api.loads(ONE_AXIS.replace("INIT", init))
    network, found = compiled.network, get_backend(backend)
    wanted = {
        f"{layer.path}.{parameter.name}": parameter
        for layer in network.layers
        for parameter in layer.op.parameters(layer.source)
        if parameter.trainable and len(parameter.shape) == 1
    }
    assert len(wanted) == 15
    for model in (found.build(network), build_generated(compiled, backend)):
        weights = found.read_weights(model, network)
        for name, parameter in wanted.items():
            values, std = weights[name], expected_deviation(parameter.init, parameter.fans)
            assert abs(values.std() - std) <= 5 * std / values.size**0.5 + 1e-7, name
            if isinstance(parameter.init, initializers.Constant):
                np.testing.assert_array_equal(values, np.float32(parameter.init.value))


@every_backend
def test_layers_of_one_kind_start_differently(backend: str) -> None:
    step = "conv: {out: 64, kernel: 3, init: {kaiming_normal: fan_out}}"
    weights = fresh(backend, f"{step}\n{step}", (8, 9))
    first, second = weights["conv1.weight"], weights["conv2.weight"]
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 5 / first.size**0.5
