"""One network in PyTorch and in Keras: outputs and gradients side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec import ir
from netspec.backends.keras import BACKEND
from netspec.backends.keras.framework import load_keras
from netspec.backends.keras.weights import from_keras, layers_of, variable_name
from netspec.elaborate.network import elaborate
from netspec.schema.bind import bind_spec
from netspec.source import parse

SIZES = {0: (), 1: (11,), 2: (9, 12), 3: (5, 6, 7)}


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Both frameworks make and compute everything in ``dtype``."""
    import torch

    config = load_keras().config
    before = torch.get_default_dtype(), config.floatx(), config.dtype_policy()
    torch.set_default_dtype(getattr(torch, dtype))
    config.set_floatx(dtype)
    config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before[0])
        config.set_floatx(before[1])
        config.set_dtype_policy(before[2])


def network_of(steps: str, size: tuple[int, ...], channels: int = 6, more: str = "") -> ir.Network:
    """A network of the steps given, one a line."""
    if not size:
        # A vector has to come from a map.
        size, steps = (2,), "global_avg_pool\n" + steps
    stem = "".join(f"  - {line}\n" for line in steps.strip().splitlines())
    text = f"netspec: 1\nname: n\ninput: {{channels: {channels}, size: {list(size)}}}\n{more}stem:\n{stem}"
    return elaborate(bind_spec(parse(text, "test.yaml")))


@dataclass
class Difference:
    """The largest absolute differences between two models."""

    output: float
    input_gradient: float
    weight_gradient: float
    statistics: float


def random_weights(network: ir.Network, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights away from zero and one that keep the size of what passes; variances positive."""
    random = np.random.default_rng(seed)
    found = {}
    for layer in ir.layers(network):
        for parameter in layer.op.parameters(layer.source):
            kernel = len(parameter.shape) > 1
            values = random.normal(size=parameter.shape) * (
                parameter.fans[0] ** -0.5 if kernel else 0.5
            )
            if parameter.name == "running_var":
                values = np.abs(values) + 0.5
            found[f"{layer.path}.{parameter.name}"] = values
    return found


def input_of(
    network: ir.Network, size: tuple[int, ...] | None = None, batch: int = 3
) -> np.ndarray:
    """Normal values, many and far enough out to reach every branch of an activation."""
    shape = (batch, network.source.channels, *(size or network.source.size))
    return np.random.default_rng(1).normal(size=shape) * 3


def compare(
    network: ir.Network,
    training: bool = False,
    size: tuple[int, ...] | None = None,
    open_size: bool = False,
) -> Difference:
    """The differences between the two live models on the same weights and input."""
    import torch

    from netspec.backends.torch import live as torch_live

    assert not (training and size), (
        "the correction of the running variance goes by the spec's sizes"
    )
    dtype = load_keras().config.floatx()
    weights = {name: w.astype(dtype) for name, w in random_weights(network).items()}
    x = input_of(network, size).astype(dtype)
    theirs = torch_live.build(network).train(training)
    state = {n: torch.tensor(w) for n, w in weights.items()}
    theirs.load_state_dict(state, strict=False)
    given = torch.tensor(x, requires_grad=True)
    expected = theirs(given)
    factors = np.random.default_rng(2).normal(size=expected.shape).astype(dtype)
    (expected * torch.tensor(factors)).sum().backward()

    shape = (None,) * network.source.rank if open_size else size
    ours = BACKEND.build(network, shape)
    BACKEND.write_weights(ours, network, weights)
    output, gradient, weight_gradients = keras_gradients(ours, network, x, factors, training)
    statistics = 0.0
    if training:
        after = BACKEND.read_weights(ours, network)
        sizes = {layer.path: layer.source.size for layer in ir.layers(network)}
        for name, value in theirs.state_dict().items():
            mine = after.get(name)
            if mine is None or not name.endswith(("running_mean", "running_var")):
                continue
            if name.endswith("running_var"):
                # PyTorch keeps the unbiased variance; all momenta here are 0.1.
                share = x.shape[0] * int(np.prod(sizes[name.rpartition(".")[0]]))
                old = weights[name] * 0.9
                mine = old + (mine - old) * share / (share - 1)
            statistics = max(statistics, _largest(mine, value.numpy()))
    parameters = dict(theirs.named_parameters())
    return Difference(
        _largest(output, expected.detach().numpy()),
        _largest(gradient, given.grad.numpy()),
        max(
            (
                _largest(gradient, parameters[name].grad.numpy())
                for name, gradient in weight_gradients.items()
            ),
            default=0.0,
        ),
        statistics,
    )


def keras_gradients(
    model: Any, network: ir.Network, x: np.ndarray, factors: np.ndarray, training: bool
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Output, and gradients of its sum weighted by ``factors``, all in canonical layout."""
    import tensorflow as tf

    by_name = {layer.name: layer for layer in layers_of(model)}
    places = [
        (
            layer,
            parameter,
            getattr(by_name[ir.flat_name(layer.path)], variable_name(layer, parameter)),
        )
        for layer in ir.layers(network)
        for parameter in layer.op.parameters(layer.source)
        if parameter.trainable
    ]
    given = tf.Variable(np.moveaxis(x, 1, -1))
    with tf.GradientTape() as tape:
        y = model(given, training=training)
        total = tf.reduce_sum(y * np.moveaxis(factors, 1, -1))
    gradients = tape.gradient(total, [given, *(variable.value for _, _, variable in places)])
    weights = {
        f"{layer.path}.{parameter.name}": from_keras(layer, parameter, gradient.numpy())
        for (layer, parameter, _), gradient in zip(places, gradients[1:], strict=True)
    }
    return np.moveaxis(y.numpy(), -1, 1), np.moveaxis(gradients[0].numpy(), -1, 1), weights


def _largest(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape, (a.shape, b.shape)
    assert np.isfinite(a).all()
    assert np.isfinite(b).all()
    return float(np.abs(a - b).max(initial=0.0))
