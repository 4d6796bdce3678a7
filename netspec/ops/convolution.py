"""Layers that mix channels: `conv` and `linear`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netspec.ops.base import (
    Axes,
    GroupsError,
    Op,
    OpError,
    RangeError,
    WindowError,
    attribute,
    product,
    require,
    require_map,
    require_positive,
)
from netspec.ops.geometry import Padding, explicit_pads, output_size
from netspec.ops.initializers import GLOROT_UNIFORM, ZEROS, Initializer
from netspec.ops.types import Parameter, TensorType


def require_window_fits(source: TensorType, size: tuple[int, ...], kind: str) -> None:
    """Every axis of the output must be at least 1."""
    for length in size:
        if length < 1:
            raise WindowError(
                f"`{kind}`: the kernel is larger than its padded input of size "
                + "×".join(str(n) for n in source.size)
            )


def require_pads(padding: Padding) -> None:
    """Explicit pads are not negative."""
    for before, after in padding.pads:
        if before < 0 or after < 0:
            raise RangeError("padding cannot be negative", "padding")


@dataclass(frozen=True, kw_only=True, eq=False)
class Conv(Op):
    __doc__ = """Convolution (cross-correlation) over maps of one to three spatial axes."""

    kind = "conv"
    label = "conv"
    numbered = True

    out: int | None = attribute(
        "output channels; needed unless `depthwise`, where it defaults to the input's", None
    )
    kernel: Axes = attribute("kernel size, one number or one per axis")
    stride: Axes = attribute("step, one number or one per axis", 1)
    dilation: Axes = attribute("spacing of the kernel's taps", 1)
    groups: int = attribute("groups that channels are split into", 1)
    depthwise: bool = attribute("one group per input channel", False)
    bias: bool = attribute("add a learned bias", True)
    padding: Padding = attribute(
        "`symmetric` ((kernel - 1) * dilation // 2 on both sides), `same` (TensorFlow's: the output is "
        "ceil(size / stride), what is odd goes to the end), `valid` (none), a number, or one number or "
        "[before, after] per axis",
        Padding("symmetric"),
    )
    init: Initializer = attribute("how the weight starts", GLOROT_UNIFORM)
    bias_init: Initializer = attribute("how the bias starts", ZEROS)

    def resolve(self, source: TensorType) -> Conv:
        require_map(source, self.kind)
        if not self.depthwise:
            require(
                self.out is not None, "`conv` needs `out`, its number of output channels", "out"
            )
            return self
        if self.groups != 1:
            raise OpError("`groups` and `depthwise` exclude each other", "groups")
        out = source.channels if self.out is None else self.out
        return replace(self, out=out, groups=source.channels, depthwise=False)

    @property
    def filters(self) -> int:
        """The output channels of a resolved convolution."""
        assert self.out is not None
        return self.out

    @property
    def pads(self) -> tuple[tuple[int, int], ...] | None:
        """(before, after) of each axis, None where they depend on the input's size."""
        return explicit_pads(self.padding, self.kernel, self.dilation)

    def infer(self, source: TensorType) -> TensorType:
        require_positive(self, "out", "kernel", "stride", "dilation", "groups")
        require_pads(self.padding)
        for what, channels, name in (
            ("input", source.channels, "groups"),
            ("output", self.filters, "out"),
        ):
            if channels % self.groups != 0:
                raise GroupsError(
                    f"`groups` ({self.groups}) does not divide the {channels} {what} channels", name
                )
        size = output_size(source.size, self.kernel, self.stride, self.dilation, self.padding)
        require_window_fits(source, size, self.kind)
        return TensorType(self.filters, size)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        taps = product(self.kernel)
        inputs = source.channels // self.groups
        fans = (taps * inputs, taps * self.filters)
        shape = (self.filters, inputs, *self.kernel)
        weight = Parameter("weight", shape, self.init, fans=fans)
        bias = Parameter("bias", (self.filters,), self.bias_init, fans=fans)
        return (weight, bias) if self.bias else (weight,)

    def macs(self, source: TensorType, target: TensorType) -> int:
        per_position = self.filters * (source.channels // self.groups) * product(self.kernel)
        return per_position * product(target.size)


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear(Op):
    __doc__ = """Fully connected layer on a vector."""

    kind = "linear"
    label = "fc"

    out: int = attribute("output features")
    bias: bool = attribute("add a learned bias", True)
    init: Initializer = attribute("how the weight starts", GLOROT_UNIFORM)
    bias_init: Initializer = attribute("how the bias starts", ZEROS)

    def infer(self, source: TensorType) -> TensorType:
        require_positive(self, "out")
        if source.size:
            raise OpError(
                f"`linear` needs a vector, got a map of {source}",
                help="put `global_avg_pool` or `flatten` before it",
            )
        return TensorType(self.out, ())

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        fans = (source.channels, self.out)
        weight = Parameter("weight", (self.out, source.channels), self.init, fans=fans)
        bias = Parameter("bias", (self.out,), self.bias_init, fans=fans)
        return (weight, bias) if self.bias else (weight,)

    def macs(self, source: TensorType, target: TensorType) -> int:
        return source.channels * self.out
