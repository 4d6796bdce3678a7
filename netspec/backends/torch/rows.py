"""One row per op: the PyTorch module that it is, as a symbolic call.

Rows work on concrete and on varying numbers alike; targets are names as text, so nothing here imports
PyTorch. Each op is exactly one module, so that its path is its key; but for functions, which are a call on
tensors.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from netspec.backends.rows import Rows, Unsupported, look_up
from netspec.codegen.calls import Call
from netspec.codegen.numbers import features
from netspec.ir import Layer
from netspec.lang.expression.symbolic import same
from netspec.ops.activation import Elu, Gelu, LeakyRelu
from netspec.ops.constants import Normalize, Rescale
from netspec.ops.convolution import ChannelConv, Conv, Linear
from netspec.ops.geometry import effective_kernel, is_zero, scalar_or_tuple
from netspec.ops.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from netspec.ops.pooling import AvgPool, GlobalPool, MaxPool, Pool
from netspec.ops.structure import (
    Flatten,
    PadChannels,
    RandomDrop,
    Resize,
    Scale,
    Split,
    Subsample,
)
from netspec.ops.transposed import ConvTranspose

Row = Callable[[Layer], Call]

COPIED_FILES = ("same.py", "channels.py", "support.py")
"""The files beside this one that hold what PyTorch lacks; generated source has what it needs of them."""

X = ast.Name("x")
"""The tensor that a function works on."""


def _conv(layer: Layer) -> Call:
    op: Conv = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    target, more = _conv_padding(op, rank)
    return Call(
        target,
        (layer.source.channels, op.filters),
        {
            "kernel_size": scalar_or_tuple(op.kernel),
            "stride": scalar_or_tuple(op.stride),
            **more,
            "dilation": scalar_or_tuple(op.dilation),
            "groups": op.groups,
            "bias": op.bias,
        },
    )


def _conv_padding(op: Conv, rank: int) -> tuple[str, dict[str, Any]]:
    """The class and padding arguments: numbers where PyTorch takes them, else a class that pads."""
    pads = op.pads
    if pads is None:
        extents = [effective_kernel(k, d) for k, d in zip(op.kernel, op.dilation, strict=True)]
        if all(k == 1 for k in op.kernel):
            return f"nn.Conv{rank}d", {"padding": 0}
        if any(s != 1 for s in op.stride):
            return f"SameConv{rank}d", {"padding": 0}
        if any(extent % 2 == 0 for extent in extents):
            return f"nn.Conv{rank}d", {"padding": "same"}
        pads = tuple((extent // 2, extent // 2) for extent in extents)
    if all(same(before, after) or before == after for before, after in pads):
        return f"nn.Conv{rank}d", {"padding": scalar_or_tuple([before for before, _ in pads])}
    return f"PadConv{rank}d", {"pads": [*_torch_pads(pads)]}


def _conv_transpose(layer: Layer) -> Call:
    """PyTorch's own class where both ends are cut alike, but for what `output_padding` can add."""
    op: ConvTranspose = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    cuts = op.cuts
    more = [before - after for before, after in cuts]
    target, padding = f"nn.ConvTranspose{rank}d", {}
    if any(end < 0 or end >= step for end, step in zip(more, op.stride, strict=True)):
        more = [-after if after < 0 else 0 for _, after in cuts]
        ends = tuple((before, after if after > 0 else 0) for before, after in cuts)
        target, padding = f"CutConvTranspose{rank}d", {"cuts": [*_torch_pads(ends)]}
    else:
        padding = {"padding": scalar_or_tuple([before for before, _ in cuts])}
    return Call(
        target,
        (layer.source.channels, op.out),
        {
            "kernel_size": scalar_or_tuple(op.kernel),
            "stride": scalar_or_tuple(op.stride),
            **padding,
            "output_padding": scalar_or_tuple(more),
            "groups": op.groups,
            "bias": op.bias,
            "dilation": scalar_or_tuple(op.dilation),
        },
    )


def _torch_pads(pads: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """Pads as `F.pad` takes them: the last axis first."""
    return tuple(number for pair in reversed(pads) for number in pair)


def _linear(layer: Layer) -> Call:
    op: Linear = layer.op  # type: ignore[assignment]
    if op.pointwise:
        return Call("ChannelLinear", (layer.source.channels, op.out), {"bias": op.bias})
    return Call("nn.Linear", (features(layer.source), op.out), {"bias": op.bias})


def _channel_conv(layer: Layer) -> Call:
    op: ChannelConv = layer.op  # type: ignore[assignment]
    return Call("ChannelConv", (op.kernel,), {"bias": op.bias})


def _batch_norm(layer: Layer) -> Call:
    op: BatchNorm = layer.op  # type: ignore[assignment]
    if op.is_fixed:
        keywords = {"eps": op.eps, "affine": op.affine}
        return Call("FrozenBatchNorm", (layer.source.channels,), keywords)
    return Call(
        f"nn.BatchNorm{layer.source.rank or 1}d",
        (layer.source.channels,),
        {"eps": op.eps, "momentum": op.momentum, "affine": op.affine},
    )


def _layer_norm(layer: Layer) -> Call:
    op: LayerNorm = layer.op  # type: ignore[assignment]
    target = "ChannelNorm" if layer.source.rank else "nn.LayerNorm"
    keywords = {"eps": op.eps, "elementwise_affine": op.affine}
    return Call(target, (layer.source.channels,), keywords)


def _group_norm(layer: Layer) -> Call:
    op: GroupNorm = layer.op  # type: ignore[assignment]
    keywords = {"eps": op.eps, "affine": op.affine}
    return Call("nn.GroupNorm", (op.groups, layer.source.channels), keywords)


def _instance_norm(layer: Layer) -> Call:
    op: InstanceNorm = layer.op  # type: ignore[assignment]
    return Call(
        f"nn.InstanceNorm{layer.source.rank}d",
        (layer.source.channels,),
        {"eps": op.eps, "affine": op.affine},
    )


def _plain(target: str) -> Row:
    """A module without arguments."""
    return lambda layer: Call(target)


def _leaky_relu(layer: Layer) -> Call:
    op: LeakyRelu = layer.op  # type: ignore[assignment]
    return Call("nn.LeakyReLU", (op.slope,))


def _elu(layer: Layer) -> Call:
    op: Elu = layer.op  # type: ignore[assignment]
    return Call("nn.ELU", (), {"alpha": op.alpha})


def _gelu(layer: Layer) -> Call:
    op: Gelu = layer.op  # type: ignore[assignment]
    return Call("nn.GELU", (), {"approximate": op.approximate})


def _window(op: Pool) -> dict[str, Any]:
    return {"kernel_size": scalar_or_tuple(op.kernel), "stride": scalar_or_tuple(op.step)}


def _padded(layer: Layer, pads: tuple[tuple[int, int], ...], value: Any, pool: Call) -> Call:
    """A pooling behind padding that it cannot do itself."""
    pad = Call(f"nn.ConstantPad{layer.source.rank}d", (_torch_pads(pads), value))
    return Call("nn.Sequential", (pad, pool))


def _max_pool(layer: Layer) -> Call:
    op: MaxPool = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    if op.pads is None:
        return Call(f"SameMaxPool{rank}d", (tuple(op.kernel),), {"stride": tuple(op.step)})
    target = f"nn.MaxPool{rank}d"
    symmetric = all(before == after for before, after in op.pads)
    if symmetric and (op.pad_value == "lowest" or is_zero(op.pads)):
        padding = scalar_or_tuple([before for before, _ in op.pads])
        return Call(target, (), {**_window(op), "padding": padding, "ceil_mode": op.ceil})
    value = -math.inf if op.pad_value == "lowest" else 0.0
    return _padded(layer, op.pads, value, Call(target, (), _window(op)))


def _avg_pool(layer: Layer) -> Call:
    op: AvgPool = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    if op.pads is None:
        return Call(f"SameAvgPool{rank}d", (tuple(op.kernel),), {"stride": tuple(op.step)})
    target = f"nn.AvgPool{rank}d"
    if not all(before == after for before, after in op.pads):
        if not op.count_include_pad:
            raise Unsupported("`count_include_pad: false` needs equal padding on both sides")
        return _padded(layer, op.pads, 0.0, Call(target, (), _window(op)))
    if rank == 3 and any(n < k for n, k in zip(layer.source.size, op.kernel, strict=True)):
        size = "×".join(map(str, layer.source.size))
        raise Unsupported(f"its kernel is larger than the map of {size}, padding left out")
    keywords = {
        **_window(op),
        "padding": scalar_or_tuple([before for before, _ in op.pads]),
        "ceil_mode": op.ceil,
        "count_include_pad": op.count_include_pad,
    }
    return Call(target, (), keywords)


def _global_pool(kind: str) -> Row:
    def row(layer: Layer) -> Call:
        op: GlobalPool = layer.op  # type: ignore[assignment]
        pool = Call(f"nn.Adaptive{kind}Pool{layer.source.rank}d", (1,))
        return pool if op.keep_dims else Call("nn.Sequential", (pool, Call("nn.Flatten")))

    return row


def _flatten(layer: Layer) -> Call:
    op: Flatten = layer.op  # type: ignore[assignment]
    if op.order == "channels_last" and not op.absorbed:
        return Call("ChannelsLastFlatten")
    return Call("nn.Flatten")


def _split(layer: Layer) -> Call:
    """A tensor's own method."""
    op: Split = layer.op  # type: ignore[assignment]
    op.channels(layer.source)  # that they are right is no matter of arguments that users may choose
    if op.sizes is None:
        return Call("Tensor.chunk", (X, op.parts), {"dim": 1})
    return Call("Tensor.split", (X, [*op.sizes]), {"dim": 1})


def _pad_channels(layer: Layer) -> Call:
    op: PadChannels = layer.op  # type: ignore[assignment]
    return Call("PadChannels", (op.before, op.after))


def _subsample(layer: Layer) -> Call:
    op: Subsample = layer.op  # type: ignore[assignment]
    keywords = {"kernel_size": 1, "stride": scalar_or_tuple(op.stride)}
    return Call(f"nn.MaxPool{layer.source.rank}d", (), keywords)


def _resize(layer: Layer) -> Call:
    op: Resize = layer.op  # type: ignore[assignment]
    assert op.factor is not None  # else there is `like`, and another op
    keywords: dict[str, Any] = {"scale_factor": scalar_or_tuple(op.factor), "mode": op.mode}
    if op.mode != "nearest":
        keywords["align_corners"] = False
    return Call("nn.Upsample", (), keywords)


def _prelu(layer: Layer) -> Call:
    return Call("nn.PReLU", (layer.source.channels,))


def _scale(layer: Layer) -> Call:
    op: Scale = layer.op  # type: ignore[assignment]
    return Call("Affine" if op.bias else "Scale", (layer.source.channels,))


def _rescale(layer: Layer) -> Call:
    op: Rescale = layer.op  # type: ignore[assignment]
    return Call("Rescale", (op.factor,), {"offset": op.offset})


def _normalize(layer: Layer) -> Call:
    op: Normalize = layer.op  # type: ignore[assignment]
    return Call("Normalize", (), {"mean": [*op.mean], "std": [*op.std]})


def _dropout(layer: Layer) -> Call:
    op: RandomDrop = layer.op  # type: ignore[assignment]
    return Call("nn.Dropout", (op.rate,))


def _drop_path(layer: Layer) -> Call:
    op: RandomDrop = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    return Call(f"DropPath{rank}d" if rank else "DropPath", (op.rate,))


ROWS: Rows[Call] = {
    "conv": _conv,
    "linear": _linear,
    "channel_conv": _channel_conv,
    "conv_transpose": _conv_transpose,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "relu": _plain("nn.ReLU"),
    "relu6": _plain("nn.ReLU6"),
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "elu": _elu,
    "selu": _plain("nn.SELU"),
    "gelu": _gelu,
    "silu": _plain("nn.SiLU"),
    "mish": _plain("nn.Mish"),
    "hard_sigmoid": _plain("nn.Hardsigmoid"),
    "hard_swish": _plain("nn.Hardswish"),
    "sigmoid": _plain("nn.Sigmoid"),
    "tanh": _plain("nn.Tanh"),
    "softmax": lambda layer: Call("nn.Softmax", (), {"dim": 1}),
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_pool("Avg"),
    "global_max_pool": _global_pool("Max"),
    "flatten": _flatten,
    "split": _split,
    "pad_channels": _pad_channels,
    "subsample": _subsample,
    "resize": _resize,
    "scale": _scale,
    "rescale": _rescale,
    "normalize": _normalize,
    "dropout": _dropout,
    "drop_path": _drop_path,
}


def module_of(layer: Layer) -> Call:
    """The call that makes the module of a layer; raises :class:`NetspecError` where there is none.

    Of an op that is a function it is the call itself, in which :data:`X` stands for the tensor.
    """
    return look_up("torch", ROWS, layer)


# Arguments that equal the signature's default, which source may leave out. A test holds this table
# against PyTorch's own signatures.
SIGNATURE_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    **{
        f"{name}{rank}d": {**own, "stride": 1, "dilation": 1, "groups": 1, "bias": True}
        for name, own in {
            "nn.Conv": {"padding": 0},
            "SameConv": {"padding": 0},
            "PadConv": {},
        }.items()
        for rank in (1, 2, 3)
    },
    **{
        f"{name}{rank}d": {
            "stride": 1,
            **own,
            "output_padding": 0,
            "groups": 1,
            "bias": True,
            "dilation": 1,
        }
        for name, own in {"nn.ConvTranspose": {"padding": 0}, "CutConvTranspose": {}}.items()
        for rank in (1, 2, 3)
    },
    **{
        f"nn.BatchNorm{rank}d": {"eps": 1e-5, "momentum": 0.1, "affine": True} for rank in (1, 2, 3)
    },
    **{f"nn.init.kaiming_{kind}_": {"mode": "fan_in"} for kind in ("normal", "uniform")},
    **{f"nn.InstanceNorm{rank}d": {"eps": 1e-5, "affine": False} for rank in (1, 2, 3)},
    **{f"nn.MaxPool{rank}d": {"padding": 0, "ceil_mode": False} for rank in (1, 2, 3)},
    **{
        f"nn.AvgPool{rank}d": {"padding": 0, "ceil_mode": False, "count_include_pad": True}
        for rank in (1, 2, 3)
    },
    "nn.Linear": {"bias": True},
    "ChannelLinear": {"bias": True},
    "ChannelConv": {"bias": True},
    "Rescale": {"offset": 0.0},
    "nn.Upsample": {"mode": "nearest"},
    "nn.LayerNorm": {"eps": 1e-5, "elementwise_affine": True},
    "FrozenBatchNorm": {"eps": 1e-5, "affine": True},
    "ChannelNorm": {"eps": 1e-5, "elementwise_affine": True},
    "nn.GroupNorm": {"eps": 1e-5, "affine": True},
    "nn.ELU": {"alpha": 1.0},
    "nn.GELU": {"approximate": "none"},
}
