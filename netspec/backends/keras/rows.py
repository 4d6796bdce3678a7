"""One row per op: the Keras layers and expressions that it is, as symbolic calls.

Rows work on concrete and on varying numbers alike; targets are names as text, so nothing here imports
Keras. Only stock layers are used, and nodes of ``keras.ops`` where no layer will do: saved models load
without netspec. The tensor is channels-last. Window ops are in :mod:`netspec.backends.keras.windows`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from netspec.backends.keras.initial import initializers
from netspec.backends.keras.lowered import CHANNELS_LAST, SHAPE, Joined, Lowered, Row, X
from netspec.backends.keras.transposed import conv_transpose
from netspec.backends.keras.windows import (
    avg_pool,
    conv,
    global_pool,
    max_pool,
    subsample,
)
from netspec.backends.rows import Rows, Unsupported
from netspec.codegen.calls import Call
from netspec.ir import Layer
from netspec.lang.expression.symbolic import apply
from netspec.ops.activation import Elu, Gelu, LeakyRelu
from netspec.ops.constants import Normalize, Rescale
from netspec.ops.convolution import ChannelConv, Linear
from netspec.ops.geometry import scalar_or_tuple
from netspec.ops.normalization import BatchNorm, GroupNorm, Normalization
from netspec.ops.structure import (
    Flatten,
    PadChannels,
    RandomDrop,
    Resize,
    ResizeLike,
    Scale,
    Split,
)

_AXES = {0: "", 1: "l", 2: "hw", 3: "dhw"}


def complement(share: Any) -> Any:
    """``1 - share`` in decimal: 0.9 for 0.1, where floats would give 0.99000000000001 elsewhere."""
    return apply(
        lambda number: float(1 - Decimal(repr(number))),
        [share],
        lambda nodes: ast.BinOp(ast.Constant(1), ast.Sub(), nodes[0]),
    )


def _linear(layer: Layer) -> Lowered:
    op: Linear = layer.op  # type: ignore[assignment]
    keywords = {"use_bias": op.bias, **initializers(layer, "kernel")}
    return (("", Call("layers.Dense", (op.out,), keywords)),)


def _channel_conv(layer: Layer) -> Lowered:
    """A convolution over one axis, which the channels are laid out along."""
    op: ChannelConv = layer.op  # type: ignore[assignment]
    keywords = {"strides": 1, "padding": "same", "dilation_rate": 1, "groups": 1}
    keywords |= {**CHANNELS_LAST, "use_bias": op.bias}
    keywords |= initializers(layer, "kernel")
    back = (*(1,) * layer.source.rank, -1)
    return (
        ("_axis", Call("layers.Reshape", ((-1, 1),))),
        ("", Call("layers.Conv1D", (1, op.kernel), keywords)),
        ("_channels", Call("layers.Reshape", (back,))),
    )


def _normalization(layer: Layer, target: str, **first: Any) -> Lowered:
    op: Normalization = layer.op  # type: ignore[assignment]
    keywords = {**first, "epsilon": op.eps, "center": op.affine, "scale": op.affine}
    keywords |= initializers(layer, "gamma", "beta")
    return (("", Call(target, (), keywords)),)


def _batch_norm(layer: Layer) -> Lowered:
    op: BatchNorm = layer.op  # type: ignore[assignment]
    momentum = complement(op.momentum)
    return _normalization(layer, "layers.BatchNormalization", axis=-1, momentum=momentum)


def _layer_norm(layer: Layer) -> Lowered:
    return _normalization(layer, "layers.LayerNormalization", axis=-1)


def _group_norm(layer: Layer) -> Lowered:
    op: GroupNorm = layer.op  # type: ignore[assignment]
    return _normalization(layer, "layers.GroupNormalization", groups=op.groups, axis=-1)


def _instance_norm(layer: Layer) -> Lowered:
    return _normalization(layer, "layers.GroupNormalization", groups=-1, axis=-1)


def _plain(target: str, *args: Any, **kwargs: Any) -> Row:
    """A layer that depends on nothing."""
    return lambda layer: (("", Call(target, args, kwargs)),)


def _leaky_relu(layer: Layer) -> Lowered:
    op: LeakyRelu = layer.op  # type: ignore[assignment]
    return (("", Call("layers.LeakyReLU", (), {"negative_slope": op.slope})),)


def _prelu(layer: Layer) -> Lowered:
    rank = layer.source.rank
    keywords = {
        **initializers(layer, "alpha"),
        "shared_axes": tuple(range(1, rank + 1)) if rank else None,
    }
    return (("", Call("layers.PReLU", (), keywords)),)


def _elu(layer: Layer) -> Lowered:
    op: Elu = layer.op  # type: ignore[assignment]
    return (("", Call("layers.ELU", (), {"alpha": op.alpha})),)


_GELU_SLOPE = 2 * math.sqrt(2 / math.pi)


def _gelu(layer: Layer) -> Lowered:
    """The stock activation; Keras has no name for the approximation by tanh, which is a gate of x."""
    op: Gelu = layer.op  # type: ignore[assignment]
    if op.approximate == "none":
        return (("", Call("layers.Activation", ("gelu",))),)
    # (1 + tanh(z)) / 2 is sigmoid(2z), and z is x times a polynomial of its square.
    return (
        ("_square", Joined("layers.Multiply")),
        (
            "_polynomial",
            Call("layers.Rescaling", (_GELU_SLOPE * 0.044715,), {"offset": _GELU_SLOPE}),
        ),
        ("_product", Joined("layers.Multiply")),
        ("_gate", Call("layers.Activation", ("sigmoid",))),
        ("", Joined("layers.Multiply")),
    )


def _flatten(layer: Layer) -> Lowered:
    op: Flatten = layer.op  # type: ignore[assignment]
    flat = ("", Call("layers.Flatten", (), {**CHANNELS_LAST}))
    if op.absorbed or op.order == "channels_last":
        return (flat,)
    rank = layer.source.rank
    channels_first = (rank + 1, *range(1, rank + 1))
    return (("_permute", Call("layers.Permute", (channels_first,))), flat)


def _split(layer: Layer) -> Lowered:
    """An expression of several results: no stock layer takes channels of every kind of tensor apart."""
    op: Split = layer.op  # type: ignore[assignment]
    ends = op.ends(layer.source)
    where = op.parts if op.sizes is None else [*ends]
    return (("", Call("ops.split", (X, where), {"axis": -1})),)


def _pad_channels(layer: Layer) -> Lowered:
    """Zeros along the last axis, which is where a layer for channels first has its last spatial one."""
    op: PadChannels = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    ends = (op.before, op.after)
    widths = (*((0, 0),) * (rank - 1), ends) if rank > 1 else ends
    keywords = {"data_format": "channels_first"}
    return (("", Call(f"layers.ZeroPadding{rank}D", (widths,), keywords)),)


def _resize(layer: Layer) -> Lowered:
    op: Resize | ResizeLike = layer.op  # type: ignore[assignment]
    return (
        _resize_like(layer, op)
        if isinstance(op, ResizeLike)
        else _upsampling(layer, op.factor, op.mode)
    )


def _resize_like(layer: Layer, op: ResizeLike) -> Lowered:
    """By the factor where it is whole, else to the size; both have to be known where the model is made."""
    own, wanted = layer.source.size, layer.target.size
    if any(length is None for length in (*own, *wanted)):
        raise Unsupported("it follows from sizes that are known, and here they are open")
    if any(target % length != 0 for length, target in zip(own, wanted, strict=True)):
        keywords = {"interpolation": op.mode, **CHANNELS_LAST}
        return (("", Call("layers.Resizing", wanted, keywords)),)
    factor = tuple(target // length for length, target in zip(own, wanted, strict=True))
    return _upsampling(layer, factor, op.mode)


def _upsampling(layer: Layer, factor: Any, mode: str) -> Lowered:
    keywords: dict[str, Any] = {"size": scalar_or_tuple(factor)}
    if layer.source.rank > 1:
        keywords |= CHANNELS_LAST
    if layer.source.rank == 2:  # the others know the nearest value alone
        keywords["interpolation"] = mode
    return (("", Call(f"layers.UpSampling{layer.source.rank}D", (), keywords)),)


def _scale(layer: Layer) -> Lowered:
    op: Scale = layer.op  # type: ignore[assignment]
    axes = f"b{_AXES[layer.source.rank]}c"
    keywords = {"bias_axes": "c" if op.bias else None, **initializers(layer, "kernel")}
    return (("", Call("layers.EinsumDense", (f"{axes},c->{axes}", SHAPE), keywords)),)


def _rescale(layer: Layer) -> Lowered:
    op: Rescale = layer.op  # type: ignore[assignment]
    return (("", Call("layers.Rescaling", (op.factor,), {"offset": op.offset})),)


def _normalize(layer: Layer) -> Lowered:
    op: Normalize = layer.op  # type: ignore[assignment]
    variance = [Call("**", (std, 2)) for std in op.std]
    keywords = {"axis": -1, "mean": [*op.mean], "variance": variance}
    return (("", Call("layers.Normalization", (), keywords)),)


def _dropout(layer: Layer) -> Lowered:
    op: RandomDrop = layer.op  # type: ignore[assignment]
    return (("", Call("layers.Dropout", (op.rate,), {"noise_shape": None})),)


def _drop_path(layer: Layer) -> Lowered:
    op: RandomDrop = layer.op  # type: ignore[assignment]
    whole_examples = (None, *(1,) * (layer.source.rank + 1))
    return (("", Call("layers.Dropout", (op.rate,), {"noise_shape": whole_examples})),)


ROWS: Rows[Lowered] = {
    "conv": conv,
    "linear": _linear,
    "channel_conv": _channel_conv,
    "conv_transpose": conv_transpose,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "relu": _plain("layers.ReLU"),
    "relu6": _plain("layers.ReLU", max_value=6.0),
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "elu": _elu,
    "selu": _plain("layers.Activation", "selu"),
    "gelu": _gelu,
    "silu": _plain("layers.Activation", "silu"),
    "mish": _plain("layers.Activation", "mish"),
    "hard_sigmoid": _plain("layers.Activation", "hard_sigmoid"),
    "hard_swish": _plain("layers.Activation", "hard_swish"),
    "sigmoid": _plain("layers.Activation", "sigmoid"),
    "tanh": _plain("layers.Activation", "tanh"),
    "softmax": _plain("layers.Softmax", axis=-1),
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_avg_pool": global_pool("Average"),
    "global_max_pool": global_pool("Max"),
    "flatten": _flatten,
    "split": _split,
    "pad_channels": _pad_channels,
    "subsample": subsample,
    "resize": _resize,
    "scale": _scale,
    "rescale": _rescale,
    "normalize": _normalize,
    "dropout": _dropout,
    "drop_path": _drop_path,
}

_KERNEL = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros", "use_bias": True}
_CONV = {"strides": 1, "padding": "valid", "dilation_rate": 1}
_NORM = {
    "axis": -1,
    "epsilon": 0.001,
    "center": True,
    "scale": True,
    "beta_initializer": "zeros",
    "gamma_initializer": "ones",
}

# Arguments that equal the signature's default, which source may leave out; a scalar stands for the
# same number along each axis. A test holds this table against Keras' own signatures.
SIGNATURE_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "layers.UpSampling2D": {"interpolation": "nearest"},
    "layers.Resizing": {"interpolation": "bilinear"},
    **{f"layers.Conv{rank}D": {**_CONV, **_KERNEL, "groups": 1} for rank in (1, 2, 3)},
    **{
        f"layers.Conv{rank}DTranspose": {**_CONV, **_KERNEL, "output_padding": None}
        for rank in (1, 2, 3)
    },
    **{
        f"layers.DepthwiseConv{rank}D": {
            **_CONV,
            "depth_multiplier": 1,
            "use_bias": True,
            "depthwise_initializer": "glorot_uniform",
            "bias_initializer": "zeros",
        }
        for rank in (1, 2)
    },
    **{
        f"layers.{kind}Pooling{rank}D": {"padding": "valid"}
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    **{
        f"layers.Global{kind}Pooling{rank}D": {"keepdims": False}
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    "layers.Dense": _KERNEL,
    "layers.BatchNormalization": {**_NORM, "momentum": 0.99},
    "layers.LayerNormalization": _NORM,
    "layers.GroupNormalization": _NORM,
    "layers.PReLU": {"shared_axes": None},
    "layers.ELU": {"alpha": 1.0},
    "layers.Softmax": {"axis": -1},
    "layers.Concatenate": {"axis": -1},
    "layers.EinsumDense": {"bias_axes": None, "kernel_initializer": "glorot_uniform"},
    "layers.Dropout": {"noise_shape": None},
    "layers.Rescaling": {"offset": 0.0},
    "layers.Normalization": {"axis": -1},
    "ops.pad": {"mode": "constant"},
    "initializers.RandomNormal": {"mean": 0.0},
    "initializers.TruncatedNormal": {"mean": 0.0},
}
