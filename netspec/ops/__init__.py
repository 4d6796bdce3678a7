"""The primitive ops of the language, by name. Everything else is a block, written in YAML."""

from netspec.ops import activation, convolution, normalization, pooling, structure, transposed
from netspec.ops.base import Axes, Op, OpError, attributes_of

OPS: dict[str, type[Op]] = {
    op.kind: op
    for op in (
        convolution.Conv,
        convolution.Linear,
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
        structure.PadChannels,
        structure.Subsample,
        structure.Resize,
        structure.Scale,
        structure.Dropout,
        structure.DropPath,
    )
}

__all__ = ["OPS", "Axes", "Op", "OpError", "attributes_of"]
