"""Convolutions backwards, which make maps larger: `conv_transpose`."""

from __future__ import annotations

from dataclasses import dataclass

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
    require_frozen,
    require_groups,
    require_map,
    require_positive,
    weight_and_bias,
)
from netspec.ops.convolution import require_pads
from netspec.ops.geometry import Padding, effective_kernel, explicit_pads
from netspec.ops.initializers import GLOROT_UNIFORM, ZEROS, Initializer
from netspec.ops.types import Parameter, TensorType


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvTranspose(Op):
    __doc__ = """Transposed convolution over maps of one to three spatial axes: what a `conv` does to gradients.

    Every value adds the kernel, times itself, to the output, `stride` positions further for each step
    (Zeiler et al., 2010; Dumoulin & Visin, 2016). With the attributes of a `conv` it gives the size
    that went into that one, as far as `output_padding` says which of them. Initialisers count the
    weight's fans as both frameworks do: fan_in is (out / groups) × taps. Keras has it without groups,
    and TensorFlow without dilation.
    """

    kind = "conv_transpose"
    numbered = True

    out: int = attribute("output channels")
    kernel: Axes = attribute("kernel size, one number or one per axis")
    stride: Axes = attribute("how many positions one becomes, one number or one per axis", 1)
    padding: Padding = attribute(
        "what is cut off the output: `symmetric` ((kernel - 1) * dilation // 2 on both sides), `same` "
        "(TensorFlow's: the output is size * stride, what is odd is cut at the end), `valid` (nothing), "
        "a number, or one number or [before, after] per axis",
        Padding("symmetric"),
    )
    output_padding: Axes = attribute(
        "positions more at the end, fewer than `stride`; one number or one per axis", 0
    )
    dilation: Axes = attribute("spacing of the kernel's taps", 1)
    groups: int = attribute("groups that channels are split into", 1)
    bias: bool = attribute("add a learned bias", True)
    init: Initializer = attribute("how the weight starts", GLOROT_UNIFORM)
    bias_init: Initializer = attribute("how the bias starts", ZEROS)
    frozen: Frozen = attribute(FROZEN, "none")

    @property
    def cuts(self) -> tuple[tuple[int, int], ...]:
        """(before, after) of each axis: what is cut off the kernels' whole extent.

        That extent is (length - 1) * stride + (kernel - 1) * dilation + 1. A negative ``after`` is so many
        positions behind it, which hold the bias alone; it is above ``-stride``.
        """
        pads = explicit_pads(self.padding, self.kernel, self.dilation)
        if pads is not None:
            return tuple(
                (before, after - more)
                for (before, after), more in zip(pads, self.output_padding, strict=True)
            )
        found = []
        for kernel, step, spacing in zip(self.kernel, self.stride, self.dilation, strict=True):
            over = effective_kernel(kernel, spacing) - step
            before = over // 2 if over > 0 else 0
            found.append((before, over - before))
        return tuple(found)

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        require_positive(self, "out", "kernel", "stride", "dilation", "groups")
        require_pads(self.padding)
        self._require_output_padding()
        require_groups(source, self.groups, self.out)
        size = self._size(source)
        for length in size:
            if length < 1:
                raise WindowError(
                    f"`{self.kind}`: `padding` cuts all of the output off at an input of size "
                    + "×".join(str(n) for n in source.size),
                    "padding",
                )
        require_frozen(self, source)
        return TensorType(self.out, size)

    def _size(self, source: TensorType) -> tuple[int, ...]:
        if self.padding.rule == "same":
            return tuple(n * step for n, step in zip(source.size, self.stride, strict=True))
        return tuple(
            (length - 1) * step + effective_kernel(kernel, spacing) - before - after
            for length, step, kernel, spacing, (before, after) in zip(
                source.size, self.stride, self.kernel, self.dilation, self.cuts, strict=True
            )
        )

    def _require_output_padding(self) -> None:
        """It chooses among the sizes that a convolution makes one of; there are ``stride`` of them."""
        for more, step in zip(self.output_padding, self.stride, strict=True):
            if more < 0:
                raise RangeError(
                    f"`output_padding` cannot be negative, got {more}", "output_padding"
                )
            if more >= step:
                raise RangeError(
                    f"`output_padding` must be smaller than `stride` ({step}), got {more}",
                    "output_padding",
                )
            if self.padding.rule == "same" and more != 0:
                raise OpError(
                    "`output_padding` and `padding: same` exclude each other: `same` states the size",
                    "output_padding",
                )

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        taps = product(self.kernel)
        outputs = self.out // self.groups
        # Both frameworks read fans off the weight as if it were a convolution's: its second axis is "in".
        fans = (taps * outputs, taps * source.channels)
        return weight_and_bias(self, (source.channels, outputs, *self.kernel), self.out, fans)

    def macs(self, source: TensorType, target: TensorType) -> int:
        """Each value of the input meets every tap once, also those whose product is cut off."""
        per_position = source.channels * (self.out // self.groups) * product(self.kernel)
        return per_position * product(source.size)
