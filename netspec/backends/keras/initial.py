"""Initialisers as arguments of Keras layers: a name where Keras has one of that meaning, else a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from netspec.backends.keras.lowered import CHANNELS
from netspec.codegen.calls import Call
from netspec.codegen.numbers import said, unrounded
from netspec.ir import Layer
from netspec.lang.expression.symbolic import Varying, same
from netspec.ops.convolution import ChannelConv, Conv, Linear
from netspec.ops.initializers import (
    Constant,
    Distribution,
    FanMode,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformFanIn,
    VarianceScaling,
)
from netspec.ops.transposed import ConvTranspose
from netspec.ops.types import Parameter

_NAMED: Mapping[tuple[float, FanMode, Distribution], str] = {
    (1.0, "fan_avg", "uniform"): "glorot_uniform",
    (1.0, "fan_avg", "truncated_normal"): "glorot_normal",
    (1.0, "fan_in", "uniform"): "lecun_uniform",
    (1.0, "fan_in", "truncated_normal"): "lecun_normal",
    (2.0, "fan_in", "uniform"): "he_uniform",
    (2.0, "fan_in", "truncated_normal"): "he_normal",
}
_DISTRIBUTIONS: Mapping[Distribution, str] = {
    "normal": "untruncated_normal",
    "truncated_normal": "truncated_normal",
    "uniform": "uniform",
}


_SAME: Mapping[FanMode, FanMode] = {mode: mode for mode in get_args(FanMode)}
_EXCHANGED: Mapping[FanMode, FanMode] = {**_SAME, "fan_in": "fan_out", "fan_out": "fan_in"}


def is_depthwise(layer: Layer) -> bool:
    """Whether a convolution is one of Keras' depthwise layers, which exist up to two axes."""
    op = layer.op
    if not isinstance(op, Conv) or op.groups == 1 or layer.source.rank > 2:
        return False
    return bool(op.groups == layer.source.channels)


def initializers(layer: Layer, weight: str, bias: str = "bias") -> dict[str, Call | str]:
    """The arguments that say how a layer's parameters start; Keras calls them ``weight`` and ``bias``."""
    names = {"weight": weight, "bias": bias}
    return {
        f"{names[parameter.name]}_initializer": initializer(parameter, layer)
        for parameter in layer.op.parameters(layer.source)
        if parameter.name in names
    }


def initializer(parameter: Parameter, layer: Layer) -> Call | str:
    """What Keras is told about how ``parameter`` starts; numbers may be varying.

    Each call makes an initialiser of its own: one shared by two layers would give them equal weights.
    """
    init = parameter.init
    if isinstance(init, UniformFanIn) and same(parameter.fans[0], layer.source.channels):
        end = Call("**", (CHANNELS, -0.5))
        return Call("initializers.RandomUniform", (Call("-", (end,)), end))
    if isinstance(init, VarianceScaling):
        modes = _modes(parameter, layer)
        if modes is not None:
            return _scaled(replace(init, mode=modes[init.mode]))
    match unrounded(parameter, layer.source):
        case Constant(value=value):
            if isinstance(value, Varying):  # one initialiser serves all of its values
                return Call("initializers.Constant", (value,))
            if value == 0:
                return "zeros"
            if value == 1:
                return "ones"
            return Call("initializers.Constant", (value,))
        case Normal(std=std):
            return Call("initializers.RandomNormal", (), {"mean": 0.0, "stddev": said(std)})
        case TruncatedNormal(std=std):
            return Call("initializers.TruncatedNormal", (), {"mean": 0.0, "stddev": std})
        case Uniform(limit=limit):
            return Call("initializers.RandomUniform", (said(-limit), said(limit)))


def _modes(parameter: Parameter, layer: Layer) -> Mapping[FanMode, FanMode] | None:
    """What Keras calls the fans of this variable; None where it has none of those of the IR.

    It reads them off the variable's shape: right for the kernels of dense, (grouped) convolution and
    transposed convolution layers, wrong for everything that has one axis. A depthwise kernel's last two axes
    are the channels and how many filters each has, so for one filter it has the two fans exchanged.
    """
    if parameter.name != "weight":
        return None
    if isinstance(layer.op, Linear | ConvTranspose | ChannelConv):
        return _SAME
    if not isinstance(layer.op, Conv):
        return None
    if not is_depthwise(layer):
        return _SAME
    return _EXCHANGED if layer.op.filters == layer.source.channels else None


def _scaled(init: VarianceScaling) -> Call | str:
    name = _NAMED.get((init.scale, init.mode, init.distribution))
    if name is not None:
        return name
    keywords = {
        "scale": init.scale,
        "mode": init.mode,
        "distribution": _DISTRIBUTIONS[init.distribution],
    }
    return Call("initializers.VarianceScaling", (), keywords)
