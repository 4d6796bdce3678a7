"""Rows on numbers that vary over the instances of a block: formulas, or a stated divergence."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from netspec.backends.keras.lowered import SHAPE, Lowered
from netspec.backends.keras.rows import ROWS
from netspec.codegen.calls import Call
from netspec.ir import Node, Value
from netspec.lang.expression.symbolic import Diverges, Varying, named, to_text
from netspec.ops import OPS
from netspec.ops.geometry import Padding
from netspec.ops.initializers import VarianceScaling
from netspec.ops.types import TensorType

WIDTH = named("width", [64, 128])
STRIDE = named("stride", [1, 2])
KERNEL = named("kernel", [3, 5])
MAP = TensorType(WIDTH, (named("height", [8, 9]), named("breadth", [9, 12])))


def lowered(kind: str, **attributes: Any) -> Lowered:
    """The calls of an op on a map of varying channels and size."""
    layer = Node(OPS[kind](**attributes), (Value(0, MAP),), (Value(1, MAP),), "block.op")
    return ROWS[kind](layer)


def texts(value: Any) -> Any:
    """Varying numbers as their formulas."""
    if isinstance(value, tuple):
        return tuple(texts(item) for item in value)
    return to_text(value) if isinstance(value, Varying) else value


def conv(**attributes: Any) -> Lowered:
    """A convolution with stride 1 and no dilation unless given."""
    return lowered("conv", **{"out": WIDTH, "stride": (1, 1), "dilation": (1, 1), **attributes})


def test_a_stride_that_no_padding_depends_on() -> None:
    ((suffix, call),) = conv(kernel=(1, 1), stride=(STRIDE, STRIDE), out=WIDTH * 4)
    assert suffix == ""
    assert texts(call.args) == ("width * 4", 1)
    assert texts(call.kwargs["strides"]) == "stride"
    assert call.kwargs["padding"] == "valid"


def test_tensorflows_own_padding_takes_any_stride() -> None:
    ((_, call),) = conv(kernel=(KERNEL, KERNEL), stride=(STRIDE, STRIDE), padding=Padding("same"))
    assert call.kwargs["padding"] == "same"
    ((_, call),) = conv(kernel=(1, 1), stride=(STRIDE, STRIDE), padding=Padding("same"))
    assert call.kwargs["padding"] == "valid"  # which is the same, and Keras' default


def test_a_stride_that_decides_the_padding() -> None:
    with pytest.raises(Diverges, match="stride == 1"):
        conv(kernel=(3, 3), stride=(STRIDE, STRIDE))


@pytest.mark.parametrize(
    ("kernel", "amount"),
    [
        (KERNEL, "kernel // 2"),
        (named("kernel", [4, 6]), "(kernel - 1) // 2"),
        (Varying(ast.Name("kernel"), (3, 5), True), "(kernel - 1) // 2"),
    ],
)
def test_padding_as_a_formula_of_the_kernel(kernel: Varying, amount: str) -> None:
    """Half of it where it is known to be odd."""
    (pad_suffix, pad), (suffix, call) = conv(kernel=(kernel, kernel), stride=(2, 2))
    assert (pad_suffix, suffix) == ("_pad", "")
    assert pad.target == "layers.ZeroPadding2D"
    assert texts(pad.args) == (amount,)
    assert texts(call.args) == ("width", "kernel")


def test_a_depthwise_deviation_needs_no_formula() -> None:
    """Keras works it out of its own fans, whatever the width."""
    init = VarianceScaling(2.0, "fan_out", "normal")
    ((_, call),) = conv(kernel=(3, 3), groups=WIDTH, init=init)
    assert call.target == "layers.DepthwiseConv2D"
    start = call.kwargs["depthwise_initializer"]
    assert isinstance(start, Call)
    assert start.target == "initializers.VarianceScaling"
    assert start.kwargs["mode"] == "fan_in"


def test_momentum_as_a_formula() -> None:
    ((_, call),) = lowered("batch_norm", momentum=named("momentum", [0.1, 0.01]))
    momentum = call.kwargs["momentum"]
    assert texts(momentum) == "1 - momentum"
    assert momentum.values == (0.9, 0.99)


def test_formulas_elsewhere() -> None:
    ((_, scale),) = lowered("scale")
    assert scale.args == ("bhwc,c->bhwc", SHAPE)
    ((_, pad),) = lowered("pad_channels", before=WIDTH // 2, after=0)
    assert texts(pad.args[0])[-1] == ("width // 2", 0)
    ((_, norm),) = lowered("group_norm", groups=WIDTH // 8)
    assert texts(norm.kwargs["groups"]) == "width // 8"
