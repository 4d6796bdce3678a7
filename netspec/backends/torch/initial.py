"""Initialisers as calls of `nn.init`, and which of them a fresh PyTorch module does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.codegen.calls import Call
from netspec.codegen.numbers import said, unrounded
from netspec.ir import Layer
from netspec.lang.expression.symbolic import Varying
from netspec.ops.initializers import (
    ONES,
    ZEROS,
    Constant,
    Initializer,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformFanIn,
    VarianceScaling,
)
from netspec.ops.types import Parameter, TensorType

_LAYER_DEFAULT = VarianceScaling(1 / 3, "fan_in", "uniform")
_NATIVE: Mapping[str, Mapping[str, Initializer]] = {
    "conv": {"weight": _LAYER_DEFAULT, "bias": UniformFanIn()},
    "conv_transpose": {"weight": _LAYER_DEFAULT, "bias": UniformFanIn()},
    "linear": {"weight": _LAYER_DEFAULT, "bias": UniformFanIn()},
    "channel_conv": {"weight": _LAYER_DEFAULT, "bias": UniformFanIn()},
    "prelu": {"weight": Constant(0.25)},
}
_NATIVE_OTHER: Mapping[str, Initializer] = {
    "weight": ONES,
    "bias": ZEROS,
    "running_mean": ZEROS,
    "running_var": ONES,
}


def is_native(layer: Layer, parameter: Parameter) -> bool:
    """Whether a fresh module starts this parameter that way without being told, in all instances."""
    native = _NATIVE.get(layer.op.kind, _NATIVE_OTHER)[parameter.name]
    init = parameter.init
    if isinstance(native, Constant) and isinstance(init, Constant):
        return not isinstance(init.value, Varying) and bool(native.value == init.value)
    return native == init


def init_call(parameter: Parameter, source: TensorType, tensor: Any) -> Call:
    """The call that fills ``tensor``, of a layer that ``source`` enters; numbers may be varying."""
    name = _own_name(parameter)
    if name is not None:
        return Call(f"nn.init.{name[0]}", (tensor,), name[1])
    match unrounded(parameter, source):
        case Constant(value=value):
            if isinstance(value, Varying):  # one call serves all of its values
                return Call("nn.init.constant_", (tensor, value))
            if value == 0:
                return Call("nn.init.zeros_", (tensor,))
            if value == 1:
                return Call("nn.init.ones_", (tensor,))
            return Call("nn.init.constant_", (tensor, value))
        case Normal(std=std):
            return Call("nn.init.normal_", (tensor,), {"std": said(std)})
        case TruncatedNormal(std=std):
            limits = {"a": -2 * std, "b": 2 * std}
            return Call("nn.init.trunc_normal_", (tensor,), {"std": std, **limits})
        case Uniform(limit=limit):
            return Call("nn.init.uniform_", (tensor, said(-limit), said(limit)))


def _own_name(parameter: Parameter) -> tuple[str, Mapping[str, str]] | None:
    """PyTorch's own function of variance scaling and its arguments, where it has one.

    It counts fans off the tensor's shape, which needs two axes.
    """
    init = parameter.init
    if not isinstance(init, VarianceScaling) or len(parameter.shape) < 2:
        return None
    if init.distribution == "truncated_normal" or isinstance(init.scale, Varying):
        return None
    if init.scale == 2 and init.mode != "fan_avg":
        return f"kaiming_{init.distribution}_", {"mode": init.mode, "nonlinearity": "relu"}
    if init.scale == 1 and init.mode == "fan_avg":
        return f"xavier_{init.distribution}_", {}
    return None
