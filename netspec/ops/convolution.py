"""Layers that mix channels: `conv` and `linear`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netspec.ops.base import (
    FROZEN,
    Axes,
    Frozen,
    Op,
    OpError,
    RangeError,
    WindowError,
    attribute,
    product,
    require,
    require_frozen,
    require_groups,
    require_map,
    require_positive,
    weight_and_bias,
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
    frozen: Frozen = attribute(FROZEN, "none")

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
        require_groups(source, self.groups, self.filters)
        size = output_size(source.size, self.kernel, self.stride, self.dilation, self.padding)
        require_window_fits(source, size, self.kind)
        require_frozen(self, source)
        return TensorType(self.filters, size)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        taps = product(self.kernel)
        inputs = source.channels // self.groups
        fans = (taps * inputs, taps * self.filters)
        return weight_and_bias(self, (self.filters, inputs, *self.kernel), self.filters, fans)

    def macs(self, source: TensorType, target: TensorType) -> int:
        per_position = self.filters * (source.channels // self.groups) * product(self.kernel)
        return per_position * product(target.size)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelConv(Op):
    __doc__ = """Convolution along the channels of a vector, or of a map of one position (ECA; Wang et al., 2020)."""

    kind = "channel_conv"
    numbered = True

    kernel: int = attribute("neighbouring channels that each result is made of, an odd number")
    bias: bool = attribute("add a learned bias", True)
    init: Initializer = attribute("how the weight starts", GLOROT_UNIFORM)
    bias_init: Initializer = attribute("how the bias starts", ZEROS)
    frozen: Frozen = attribute(FROZEN, "none")

    def infer(self, source: TensorType) -> TensorType:
        require_positive(self, "kernel")
        require_frozen(self, source)
        if self.kernel % 2 == 0:
            raise RangeError(f"`kernel` must be odd, got {self.kernel}", "kernel")
        if any(length != 1 for length in source.size):
            raise OpError(
                f"`channel_conv` needs a vector or a map of one position, got a map of {source}",
                help="put `global_avg_pool: {keep_dims: true}` before it",
            )
        return TensorType(source.channels, source.size)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        return weight_and_bias(self, (1, 1, self.kernel), 1, (self.kernel, self.kernel))

    def macs(self, source: TensorType, target: TensorType) -> int:
        return source.channels * self.kernel


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear(Op):
    __doc__ = """Fully connected layer on a vector, or on each position of a map by itself."""

    kind = "linear"
    label = "fc"

    out: int = attribute("output features")
    pointwise: bool = attribute(
        "work on each position of a map, as a 1×1 convolution does whose weight is (out, in)", False
    )
    bias: bool = attribute("add a learned bias", True)
    init: Initializer = attribute("how the weight starts", GLOROT_UNIFORM)
    bias_init: Initializer = attribute("how the bias starts", ZEROS)
    frozen: Frozen = attribute(FROZEN, "none")

    def infer(self, source: TensorType) -> TensorType:
        require_positive(self, "out")
        require_frozen(self, source)
        if source.size and not self.pointwise:
            raise OpError(
                f"`linear` needs a vector, got a map of {source}",
                help="put `global_avg_pool` or `flatten` before it; `pointwise: true` works on each position",
            )
        if self.pointwise:
            require_map(source, "pointwise: true")
        return TensorType(self.out, source.size)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        fans = (source.channels, self.out)
        return weight_and_bias(self, (self.out, source.channels), self.out, fans)

    def macs(self, source: TensorType, target: TensorType) -> int:
        return source.channels * self.out * product(source.size)
