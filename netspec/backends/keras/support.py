"""What Keras lacks: live models use it, and generated source holds copies of what it needs.

Each definition stands on its own: its text is taken from this file as it is.
"""

from collections.abc import Callable
from functools import partial

from netspec.backends.keras.framework import load_keras

load_keras()

import keras  # noqa: E402
from keras import KerasTensor, layers, ops  # noqa: E402


def submodels(
    x: KerasTensor, name: str, blocks: list[partial[KerasTensor]], stops: tuple[int, ...]
) -> KerasTensor:
    """Run blocks in models of their own, since Keras recurses through each model."""
    start = 0
    for number, stop in enumerate(stops, 1):
        inputs = y = keras.Input(x.shape[1:], name=f"{name}_chunk{number}_input")
        for block in blocks[start:stop]:
            y = block(y)
        x = keras.Model(inputs, y, name=f"{name}_chunk{number}")(x)
        start = stop
    return x


def expression(
    function: Callable[[KerasTensor], KerasTensor], x: KerasTensor, *, name: str
) -> KerasTensor:
    """A model of a function of x, since Keras itself names what is inside."""
    inputs = keras.Input(x.shape[1:], dtype=x.dtype, name=f"{name}_input")
    return keras.Model(inputs, function(inputs), name=name)


def frozen(layer: layers.Layer, x: KerasTensor, *names: str) -> KerasTensor:
    """Call a layer of which some variables stay as they start."""
    y = layer(x)
    for name in names:
        getattr(layer, name).trainable = False
    return y


def by_groups(layer: layers.Layer) -> layers.Layer:
    """Let a grouped convolution train fast on a CPU; it stays Keras' own layer.

    TensorFlow itself takes many times as long there.
    """
    on_tensorflow = keras.config.backend() == "tensorflow"
    if layer.groups > 1 and on_tensorflow and not keras.distribution.list_devices("gpu"):
        layer.convolution_op = partial(convolve_groups, layer)
    return layer


def convolve_groups(layer: layers.Layer, inputs: KerasTensor, kernel: KerasTensor) -> KerasTensor:
    """The convolution of each group by itself."""
    parts = ops.split(inputs, layer.groups, axis=-1)
    kernels = ops.split(kernel, layer.groups, axis=-1)
    strides, dilation = list(layer.strides), list(layer.dilation_rate)
    return ops.concatenate(
        [
            ops.conv(part, part_kernel, strides, layer.padding, "channels_last", dilation)
            for part, part_kernel in zip(parts, kernels, strict=True)
        ],
        axis=-1,
    )


def by_groups_1d(layer: layers.Conv1D) -> layers.Conv1D:
    """The same over one axis, where ``call`` of the layer asks for no ``convolution_op``."""
    layer.call = super(layers.Conv1D, layer).call
    return by_groups(layer)
