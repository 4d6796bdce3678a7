"""What single layers of a model are changed in: they stay the stock ones, and save as such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from netspec.backends.keras.framework import load_keras
from netspec.backends.keras.weights import layers_of


def adapt(layer: Any) -> None:
    """Let a layer compute at a bearable speed, and in float64 by constants of that precision.

    Layers of models in float32, and all that another process loads, are what Keras makes of them but for
    grouped convolutions on a CPU.
    """
    if getattr(layer, "groups", 1) > 1 and hasattr(layer, "convolution_op"):
        from netspec.backends.keras.support import by_groups, by_groups_1d  # which imports Keras

        (by_groups_1d if layer.rank == 1 else by_groups)(layer)
    exact = _exact(layer) if layer.compute_dtype == "float64" else None
    if exact is not None:
        layer.call = exact


@contextmanager
def written_out(model: Any) -> Iterator[None]:
    """Within, every GELU of a model computes its formula: tf2onnx does not know what TensorFlow's is made of."""
    changed = [layer for layer in layers_of(model) if _is_gelu(layer)]
    for layer in changed:
        layer.call = _gelu
    try:
        yield
    finally:
        for layer in changed:
            del layer.call
            adapt(layer)


def _is_gelu(layer: Any) -> bool:
    keras = load_keras()
    if not isinstance(layer, keras.layers.Activation):
        return False
    return bool(layer.activation == keras.activations.gelu)


def _gelu(inputs: Any) -> Any:
    return inputs * 0.5 * (load_keras().ops.erf(inputs * 0.5**0.5) + 1)


def _exact(layer: Any) -> Callable[[Any], Any] | None:
    """What a layer computes, where its own constants are float32: up to 5e-8 off; None elsewhere.

    TensorFlow makes float32 of a number of Python before it makes float64 of that.
    """
    keras = load_keras()
    ops = keras.ops
    match layer:
        case keras.layers.Rescaling():
            return lambda inputs: inputs * layer.scale + layer.offset
        case keras.layers.Normalization():
            found = layer.input_mean, layer.input_variance
            if layer.input_mean is None:  # they are variables
                found = layer.adapt_mean, layer.adapt_variance
            mean, variance = (ops.convert_to_tensor(numbers, "float64") for numbers in found)
            return lambda inputs: (inputs - mean) / ops.sqrt(variance)
        case keras.layers.LeakyReLU():
            return lambda inputs: ops.where(inputs > 0, inputs, inputs * layer.negative_slope)
    return _gelu if _is_gelu(layer) else None
