"""The primitive ops, by name: those of the language, and those that other distributions bring.

Everything else is a block, written in YAML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.ops import (
    activation,
    constants,
    convolution,
    normalization,
    pooling,
    structure,
    transposed,
)
from netspec.ops.base import Axes, Op, OpError, attributes_of
from netspec.ops.elsewhere import with_plugins

LANGUAGE_OPS: dict[str, type[Op]] = {
    op.kind: op
    for op in (
        convolution.Conv,
        convolution.Linear,
        convolution.ChannelConv,
        transposed.ConvTranspose,
        normalization.BatchNorm,
        normalization.LayerNorm,
        normalization.GroupNorm,
        normalization.InstanceNorm,
        activation.Relu,
        activation.Relu6,
        activation.LeakyRelu,
        activation.Prelu,
        activation.Elu,
        activation.Selu,
        activation.Gelu,
        activation.Silu,
        activation.Mish,
        activation.HardSigmoid,
        activation.HardSwish,
        activation.Sigmoid,
        activation.Tanh,
        activation.Softmax,
        pooling.MaxPool,
        pooling.AvgPool,
        pooling.GlobalAvgPool,
        pooling.GlobalMaxPool,
        structure.Flatten,
        structure.Split,
        structure.PadChannels,
        structure.Subsample,
        structure.Resize,
        structure.Scale,
        constants.Rescale,
        constants.Normalize,
        structure.Dropout,
        structure.DropPath,
    )
}


if TYPE_CHECKING:
    OPS: dict[str, type[Op]]
else:

    def __getattr__(name):
        """``OPS``, made when it is first asked for: a distribution's module may be what imports us."""
        if name != "OPS":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()["OPS"] = with_plugins(LANGUAGE_OPS)
        return found


__all__ = ["LANGUAGE_OPS", "OPS", "Axes", "Op", "OpError", "attributes_of"]
