"""Two models of one network side by side: outputs, gradients, and statistics after a training step.

Models may be live or from generated source, of either framework. Everything is compared in canonical
names and layout, channels first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.backends.base import backend_of, get_backend
from netspec.backends.keras.framework import load_keras
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.weights import from_keras, layers_of, variable_name
from netspec.ir import Program
from netspec.ir.parameters import parameters_of
from netspec.ops.normalization import BatchNorm
from tests.support.networks import input_of, random_weights

Arrays = dict[str, np.ndarray]


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


@dataclass(frozen=True)
class Passed:
    """What one pass through a model gave.

    Gradients are those of the sum of all outputs, each weighted by a fixed random factor. Statistics
    are the running ones afterwards, variances as PyTorch keeps them.
    """

    outputs: Arrays
    input_gradient: np.ndarray
    gradients: Arrays
    statistics: Arrays


def check_start(own: Arrays, other: Arrays) -> None:
    """Initial weights of two models: constants alike, and elsewhere equal standard deviations and means."""
    random = 0
    for key, expected in other.items():
        if (expected == expected.flat[0]).all():
            np.testing.assert_array_equal(own[key], expected, err_msg=key)
        elif expected.size >= 100:
            random += 1
            assert abs(own[key].std() / expected.std() - 1) <= 7 / expected.size**0.5, key
            assert abs(own[key].mean()) < 6 * expected.std() / expected.size**0.5, key
            assert not np.array_equal(own[key], expected)
    assert random > 5


@dataclass(frozen=True)
class Difference:
    """The largest differences between two passes, relative to the largest value of each tensor.

    The gradient of a weight is held against a thousandth of the largest gradient of all weights where
    its own is smaller: a bias ahead of a batch normalisation has none but rounding.
    """

    output: float
    input_gradient: float
    weight_gradient: float
    statistics: float


def difference(ours: Passed, theirs: Passed) -> Difference:
    """How far two passes are apart; names and shapes must be equal."""
    everything = [*theirs.gradients.values()]
    floor = 1e-3 * max((float(np.abs(g).max(initial=0.0)) for g in everything), default=0.0)
    return Difference(
        _largest(ours.outputs, theirs.outputs),
        relative(ours.input_gradient, theirs.input_gradient),
        _largest(ours.gradients, theirs.gradients, floor),
        _largest(ours.statistics, theirs.statistics),
    )


def relative(ours: np.ndarray, theirs: np.ndarray, floor: float = 0.0) -> float:
    """The largest difference over the largest value, or over ``floor`` where that is larger."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    assert np.isfinite(ours).all()
    assert np.isfinite(theirs).all()
    far = float(np.abs(ours - theirs).max(initial=0.0))
    scale = max(float(np.abs(theirs).max(initial=0.0)), floor)
    return far / scale if far else 0.0


def _largest(ours: Arrays, theirs: Arrays, floor: float = 0.0) -> float:
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    return max((relative(ours[name], theirs[name], floor) for name in theirs), default=0.0)


def passed(model: Any, network: Program, x: np.ndarray, training: bool = False) -> Passed:
    """One pass of ``x``, (batch, channels, *size), through a model of either framework."""
    run = {"torch": _torch_pass, "keras": _keras_pass}[backend_of(model).name]
    return run(model, network, x, training)


def factors_of(outputs: Arrays) -> Arrays:
    """What the outputs are weighted with in the sum that gradients are taken of."""
    random = np.random.default_rng(2)
    return {
        name: random.normal(size=outputs[name].shape).astype(outputs[name].dtype)
        for name in sorted(outputs)
    }


def _torch_pass(model: Any, network: Program, x: np.ndarray, training: bool) -> Passed:
    import torch

    model.train(training)
    model.zero_grad(set_to_none=True)
    given = torch.tensor(x, requires_grad=True)
    found = model(given)
    outputs = found if isinstance(found, dict) else {"output": found}
    arrays = {name: value.detach().numpy() for name, value in outputs.items()}
    factors = factors_of(arrays)
    terms = [(value * torch.tensor(factors[name])).sum() for name, value in outputs.items()]
    torch.stack(terms).sum().backward()
    statistics = _statistics(model, network) if training else {}
    return Passed(arrays, _gradient(given), _torch_gradients(model), statistics)


def _torch_gradients(model: Any) -> Arrays:
    named = model.named_parameters()
    return {name: _gradient(parameter) for name, parameter in named if parameter.requires_grad}


def _gradient(tensor: Any) -> np.ndarray:
    """A tensor's gradient; zeros where the result does not depend on it."""
    if tensor.grad is None:
        return np.zeros(tensor.shape, tensor.detach().numpy().dtype)
    return tensor.grad.numpy().copy()  # type: ignore[no-any-return]


def _statistics(model: Any, network: Program) -> Arrays:
    weights = backend_of(model).read_weights(model, network)
    roles = {name: parameter.role for name, _, parameter in parameters_of(network.layers)}
    return {name: value for name, value in weights.items() if roles[name] == "statistic"}


def _keras_pass(model: Any, network: Program, x: np.ndarray, training: bool) -> Passed:
    import tensorflow as tf

    by_name = {layer.name: layer for layer in layers_of(model)}
    places = [
        (
            layer,
            parameter,
            getattr(by_name[flat_name(layer.path)], variable_name(layer, parameter)),
        )
        for layer in network.layers
        for parameter in layer.op.parameters(layer.source)
        if parameter.trainable
    ]
    before = _statistics(model, network)
    given = tf.Variable(np.moveaxis(x, 1, -1))
    with tf.GradientTape() as tape:
        found = model(given, training=training)
        outputs = found if isinstance(found, dict) else {"output": found}
        arrays = {name: np.moveaxis(y.numpy(), -1, 1) for name, y in outputs.items()}
        factors = factors_of(arrays)
        total = tf.add_n(
            [tf.reduce_sum(y * np.moveaxis(factors[name], 1, -1)) for name, y in outputs.items()]
        )
    gradients = tape.gradient(
        total,
        [given, *(variable.value for _, _, variable in places)],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    weights = {
        f"{layer.path}.{parameter.name}": from_keras(layer, parameter, gradient.numpy())
        for (layer, parameter, _), gradient in zip(places, gradients[1:], strict=True)
    }
    statistics = {}
    if training:
        statistics = unbiased(network, x.shape, before, _statistics(model, network))
    return Passed(arrays, np.moveaxis(gradients[0].numpy(), -1, 1), weights, statistics)


def unbiased(network: Program, shape: tuple[int, ...], before: Arrays, after: Arrays) -> Arrays:
    """Keras' running statistics as PyTorch keeps them, which counts n / (n - 1) of a batch's variance.

    ``shape`` is the input's, of the spec's size; ``before`` and ``after`` are around one step.
    """
    assert shape[2:] == network.source.size, "n goes by the spec's sizes"
    result = dict(after)
    for layer in network.layers:
        if isinstance(layer.op, BatchNorm):
            name = f"{layer.path}.running_var"
            if name not in before:  # of a frozen one
                continue
            count = shape[0] * int(np.prod(layer.source.size))
            kept = before[name] * (1 - layer.op.momentum)
            result[name] = kept + (after[name] - kept) * (count / (count - 1))
    return result


def compare(
    network: Program,
    training: bool = False,
    size: tuple[int, ...] | None = None,
    open_size: bool = False,
) -> Difference:
    """The differences between the two live models on the same weights and input."""
    dtype = load_keras().config.floatx()
    weights = {name: w.astype(dtype) for name, w in random_weights(network).items()}
    x = input_of(network, size).astype(dtype)
    passes = []
    for name in ("keras", "torch"):
        backend = get_backend(name)
        model = backend.build(network, (None,) * network.source.rank if open_size else size)
        backend.write_weights(model, network, weights)
        passes.append(passed(model, network, x, training))
    return difference(*passes)
