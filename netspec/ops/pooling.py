"""Pooling: `max_pool`, `avg_pool`, and their global forms."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

from netspec.ops.base import (
    Axes,
    Op,
    OpError,
    RangeError,
    attribute,
    require_map,
    require_positive,
)
from netspec.ops.convolution import require_pads, require_window_fits
from netspec.ops.geometry import Padding, explicit_pads, output_size
from netspec.ops.types import TensorType


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool(Op):
    """What the window poolings share."""

    kernel: Axes = attribute("window size, one number or one per axis")
    stride: Axes | None = attribute("step; the kernel unless given", None)
    padding: Padding = attribute(
        "`valid` (none), `symmetric` ((kernel - 1) // 2 on both sides), `same` (TensorFlow's), a "
        "number, or one number or [before, after] per axis; at most half the kernel",
        Padding("valid"),
    )
    ceil: bool = attribute("round the output size up instead of down", False)

    def resolve(self, source: TensorType) -> Pool:
        require_map(source, self.kind)
        return self if self.stride is not None else replace(self, stride=self.kernel)

    @property
    def step(self) -> Axes:
        """The stride of a resolved pooling."""
        assert self.stride is not None
        return self.stride

    @property
    def pads(self) -> tuple[tuple[int, int], ...] | None:
        """(before, after) of each axis, None where they depend on the input's size."""
        return explicit_pads(self.padding, self.kernel, (1,) * len(self.kernel))

    def infer(self, source: TensorType) -> TensorType:
        require_positive(self, "kernel", "stride")
        require_pads(self.padding)
        pads = self.pads
        for axis, (before, after) in enumerate(pads or ()):
            if before > self.kernel[axis] // 2 or after > self.kernel[axis] // 2:
                raise RangeError("padding of a pooling is at most half its kernel", "padding")
        if self.ceil:
            self.require_ceil_defined(pads)
        ones = (1,) * source.rank
        size = output_size(source.size, self.kernel, self.step, ones, self.padding, self.ceil)
        require_window_fits(source, size, self.kind)
        return TensorType(source.channels, size, non_negative=source.non_negative)

    @abstractmethod
    def require_ceil_defined(self, pads: tuple[tuple[int, int], ...] | None) -> None:
        """Refuse the cases in which `ceil` has no meaning. A backend may refuse more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MaxPool(Pool):
    __doc__ = """Maximum over a sliding window."""

    kind = "max_pool"
    label = "maxpool"

    pad_value: Literal["lowest", "zero"] = attribute(
        "what padding holds: `lowest` never wins; `zero` can, where values are negative", "lowest"
    )

    def require_ceil_defined(self, pads: tuple[tuple[int, int], ...] | None) -> None:
        if pads is None:
            raise OpError("`ceil` has no meaning with `padding: same`", "ceil")
        if self.pad_value == "zero":
            raise OpError("`ceil` and `pad_value: zero` exclude each other", "ceil")
        if any(before != after for before, after in pads):
            raise OpError("`ceil` needs equal padding on both sides", "ceil")


@dataclass(frozen=True, kw_only=True, eq=False)
class AvgPool(Pool):
    __doc__ = """Mean over a sliding window."""

    kind = "avg_pool"
    label = "avgpool"

    count_include_pad: bool = attribute(
        "whether padding counts in the mean; never with `same` or beyond the border with `ceil`",
        True,
    )

    def require_ceil_defined(self, pads: tuple[tuple[int, int], ...] | None) -> None:
        if pads is None or any(before != 0 or after != 0 for before, after in pads):
            raise OpError("`ceil` of an average needs `padding: valid`", "ceil")


@dataclass(frozen=True, kw_only=True, eq=False)
class GlobalPool(Op):
    """What the global poolings share."""

    keep_dims: bool = attribute("give a map of size 1 instead of a vector", False)

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        size = (1,) * source.rank if self.keep_dims else ()
        return TensorType(source.channels, size, non_negative=source.non_negative)


class GlobalAvgPool(GlobalPool):
    __doc__ = """Mean over all positions of each channel."""

    kind = "global_avg_pool"
    label = "avgpool"


class GlobalMaxPool(GlobalPool):
    __doc__ = """Maximum over all positions of each channel."""

    kind = "global_max_pool"
    label = "maxpool"
