"""Initialisers as calls of `nn.init`, and which of them a fresh PyTorch module does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec import ir
from netspec.codegen.calls import Call
from netspec.initializers import (
    ONES,
    TRUNCATED_STD,
    ZEROS,
    Constant,
    Initializer,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformFanIn,
    VarianceScaling,
)
from netspec.types import Parameter

_LAYER_DEFAULT = VarianceScaling(1 / 3, "fan_in", "uniform")
_NATIVE: Mapping[str, Mapping[str, Initializer]] = {
    "conv": {"weight": _LAYER_DEFAULT, "bias": UniformFanIn()},
    "linear": {"weight": _LAYER_DEFAULT, "bias": UniformFanIn()},
    "prelu": {"weight": Constant(0.25)},
}
_NATIVE_OTHER: Mapping[str, Initializer] = {
    "weight": ONES,
    "bias": ZEROS,
    "running_mean": ZEROS,
    "running_var": ONES,
}


def is_native(layer: ir.Layer, parameter: Parameter) -> bool:
    """Whether a fresh module starts this parameter that way without being told."""
    native = _NATIVE.get(layer.op.kind, _NATIVE_OTHER)
    return _same_initializer(native[parameter.name], parameter.init)


def _same_initializer(a: Initializer, b: Initializer) -> bool:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return bool(a.value == b.value)
    return a == b


def init_call(parameter: Parameter, tensor: Any) -> Call:
    """The call that fills ``tensor``; numbers may be varying."""
    init = parameter.init
    match init:
        case Constant(value=value):
            if value == 0:
                return Call("nn.init.zeros_", (tensor,))
            if value == 1:
                return Call("nn.init.ones_", (tensor,))
            return Call("nn.init.constant_", (tensor, value))
        case Normal(std=std):
            return Call("nn.init.normal_", (tensor,), {"std": std})
        case Uniform(limit=limit):
            return Call("nn.init.uniform_", (tensor, -limit, limit))
        case UniformFanIn():
            limit = parameter.fans[0] ** -0.5
            return Call("nn.init.uniform_", (tensor, -limit, limit))
        case TruncatedNormal(std=std):
            return _truncated(tensor, std)
        case VarianceScaling():
            return _scaled(parameter, init, tensor)
    raise AssertionError(init)  # pragma: no cover


def _truncated(tensor: Any, std: Any) -> Call:
    return Call("nn.init.trunc_normal_", (tensor,), {"std": std, "a": -2 * std, "b": 2 * std})


def _scaled(parameter: Parameter, init: VarianceScaling, tensor: Any) -> Call:
    """Variance scaling, by PyTorch's own name where it has one, which needs two axes to count fans."""
    if len(parameter.shape) > 1 and init.distribution != "truncated_normal":
        if init.scale == 2 and init.mode != "fan_avg":
            target = f"nn.init.kaiming_{init.distribution}_"
            return Call(target, (tensor,), {"mode": init.mode, "nonlinearity": "relu"})
        if init.scale == 1 and init.mode == "fan_avg":
            return Call(f"nn.init.xavier_{init.distribution}_", (tensor,))
    fan_in, fan_out = parameter.fans
    fan: Any = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[init.mode]
    if init.distribution == "uniform":
        limit = (3 * init.scale / fan) ** 0.5
        return Call("nn.init.uniform_", (tensor, -limit, limit))
    std = (init.scale / fan) ** 0.5
    if init.distribution == "normal":
        return Call("nn.init.normal_", (tensor,), {"std": std})
    return _truncated(tensor, std / TRUNCATED_STD)
