"""What single layers of a model are changed in: they stay the stock ones, and save as such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.backends.keras.framework import load_keras
from netspec.backends.keras.grouped import speed_up


def adapt(layer: Any) -> None:
    """Let a layer compute at a bearable speed, and in float64 by constants of that precision.

    Layers of models in float32, and all that another process loads, are what Keras makes of them but for
    grouped convolutions on a CPU.
    """
    speed_up(layer)
    exact = _exact(layer) if layer.compute_dtype == "float64" else None
    if exact is not None:
        layer.call = exact


def _exact(layer: Any) -> Callable[[Any], Any] | None:
    """What a layer computes, where its own constants are float32: up to 5e-8 off; None elsewhere.

    TensorFlow makes float32 of a number of Python before it makes float64 of that.
    """
    keras = load_keras()
    ops = keras.ops
    match layer:
        case keras.layers.Rescaling():
            return lambda inputs: inputs * layer.scale + layer.offset
        case keras.layers.LeakyReLU():
            return lambda inputs: ops.where(inputs > 0, inputs, inputs * layer.negative_slope)
        case keras.layers.Activation(activation=keras.activations.gelu):
            return lambda inputs: inputs * 0.5 * (ops.erf(inputs * 0.5**0.5) + 1)
    return None
