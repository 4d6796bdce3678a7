"""Grouped convolutions that train at a bearable speed on a CPU.

Keras runs them through XLA there, and their backward pass takes 60 to 200 times as long as it needs.
The layers stay the stock ones, and save as such; only the function that this instance calls is another.
"""

from __future__ import annotations

from typing import Any

from netspec.backends.keras.framework import load_keras


def speed_up(layer: Any) -> None:
    """Let a grouped convolution on TensorFlow and a CPU compute group by group; else do nothing.

    A raw `tf.nn.conv2d` is no substitute: its gradient fails at some sizes.
    """
    keras = load_keras()
    if keras.backend.backend() != "tensorflow" or getattr(layer, "groups", 1) == 1:
        return
    if not hasattr(layer, "convolution_op"):
        return
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        layer.convolution_op = _by_groups(layer)
        if layer.rank == 1:
            # `Conv1D` has a `call` of its own, which asks for no `convolution_op`; its base's does.
            layer.call = super(type(layer), layer).call


def _by_groups(layer: Any) -> Any:
    import tensorflow as tf

    def convolution_op(inputs: Any, kernel: Any) -> Any:
        parts = zip(
            tf.split(inputs, layer.groups, axis=-1),
            tf.split(tf.convert_to_tensor(kernel), layer.groups, axis=-1),
            strict=True,
        )
        results = [
            tf.nn.convolution(
                part,
                weight,
                strides=list(layer.strides),
                padding=layer.padding.upper(),
                dilations=list(layer.dilation_rate),
                # Left out, the gradient over three axes fails.
                data_format={1: "NWC", 2: "NHWC", 3: "NDHWC"}[layer.rank],
            )
            for part, weight in parts
        ]
        return tf.concat(results, axis=-1)

    return convolution_op
