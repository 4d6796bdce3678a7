"""Ops that rearrange, drop or scale: `flatten`, `split`, `pad_channels`, `subsample`, `resize`, `scale`, dropout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from netspec.initializers import ONES, Initializer
from netspec.ops.base import (
    Axes,
    Function,
    GroupsError,
    Op,
    OpError,
    RangeError,
    Sizes,
    attribute,
    product,
    require,
    require_map,
    require_positive,
)
from netspec.types import FlatLayout, FlattenOrder, Parameter, TensorType


@dataclass(frozen=True, kw_only=True, eq=False)
class Flatten(Op):
    __doc__ = """A map as a vector, in a stated order whatever the backend's own is."""

    kind = "flatten"
    label = "flatten"

    order: FlattenOrder = attribute(
        "`channels_first`: all positions of channel 0, then of channel 1 (PyTorch's habit); "
        "`channels_last`: all channels of position 0, then of position 1 (Keras')",
        "channels_first",
    )
    absorbed: bool = False
    """Set by a pass: a linear layer takes the order into its weight, so a backend may use its own."""

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        layout = FlatLayout(self.order, source.channels, source.size)
        features = source.channels * product(source.size)
        return TensorType(features, (), source.non_negative, layout)


@dataclass(frozen=True, kw_only=True, eq=False)
class Split(Function):
    __doc__ = """The channels in parts, each a result with a name: `as: [a, b]`. What flows on is the first."""

    kind = "split"
    label = "split"
    one_of = ("parts", "sizes")

    parts: int | None = attribute("number of equal parts", None)
    sizes: Sizes | None = attribute("the channels of each part", None)

    def resolve(self, source: TensorType) -> Split:
        """This op, where its parts are those of ``source``."""
        self.channels(source)
        return self

    def infer(self, source: TensorType) -> TensorType:
        """The type of the first part."""
        return self.types(source)[0]

    def types(self, *sources: TensorType) -> tuple[TensorType, ...]:
        (source,) = sources
        channels = self.channels(source)
        return tuple(TensorType(part, source.size, source.non_negative) for part in channels)

    def channels(self, source: TensorType) -> tuple[int, ...]:
        """The channels of each part; raises :class:`OpError` where they are not those of ``source``."""
        sizes, parts = self.sizes, self.parts
        if sizes is not None:
            require(parts is None, "`split` takes `parts` or `sizes`, not both", "sizes")
            _require_several(len(sizes), "sizes")
            require_positive(self, "sizes")
            total = sum(sizes)
            if total != source.channels:
                message = f"the parts have {total} channels, and the input {source.channels}"
                raise OpError(message, "sizes")
            return sizes
        assert parts is not None  # one of the two is given
        _require_several(parts, "parts")
        if source.channels % parts != 0:
            raise GroupsError(
                f"{source.channels} channels cannot be split into {parts} equal parts", "parts"
            )
        return (source.channels // parts,) * int(parts)

    def ends(self, source: TensorType) -> tuple[int, ...]:
        """The channel at which each part ends, the last one left out."""
        return tuple(accumulate(self.channels(source)[:-1]))


def _require_several(count: int, attribute: str) -> None:
    if count < 2:
        raise RangeError(f"`split` gives two parts or more, got {count}", attribute)


@dataclass(frozen=True, kw_only=True, eq=False)
class PadChannels(Op):
    __doc__ = """Channels of zeros before and after the input's: the parameter-free shortcut of He et al., 2015."""

    kind = "pad_channels"
    label = "pad_channels"

    before: int = attribute("channels of zeros ahead of the input's", 0)
    after: int = attribute("channels of zeros behind the input's", 0)

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        for name in ("before", "after"):
            if getattr(self, name) < 0:
                raise RangeError(f"`{name}` cannot be negative, got {getattr(self, name)}", name)
        channels = source.channels + self.before + self.after
        return TensorType(channels, source.size, source.non_negative)


@dataclass(frozen=True, kw_only=True, eq=False)
class Subsample(Op):
    __doc__ = """Every stride-th position along each axis, from the first."""

    kind = "subsample"
    label = "subsample"

    stride: Axes = attribute("step, one number or one per axis")

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        require_positive(self, "stride")
        steps = zip(source.size, self.stride, strict=True)
        size = tuple((length + step - 1) // step for length, step in steps)
        return TensorType(source.channels, size, source.non_negative)


@dataclass(frozen=True, kw_only=True, eq=False)
class Resize(Op):
    __doc__ = """A map made larger by whole factors: each value repeated, or values between two positions in proportion.

    Positions are centres, as with PyTorch's `align_corners=False`. At other factors the frameworks differ.
    """

    kind = "resize"
    label = "resize"

    factor: Axes = attribute("how many positions one becomes, one number or one per axis")
    mode: Literal["nearest", "bilinear"] = attribute(
        "`nearest` repeats values; `bilinear` goes from one to the next, over two axes", "nearest"
    )

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        require_positive(self, "factor")
        if self.mode == "bilinear" and source.rank != 2:
            axes = "axis" if source.rank == 1 else "axes"
            raise OpError(
                f"`mode: bilinear` is for maps of two axes, and this one has {source.rank} {axes}",
                "mode",
            )
        size = tuple(length * times for length, times in zip(source.size, self.factor, strict=True))
        return TensorType(source.channels, size, source.non_negative)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale(Op):
    __doc__ = """A learned factor per channel (LayerScale; Touvron et al., 2021)."""

    kind = "scale"
    label = "scale"

    init: Initializer = attribute("how the factors start", ONES)

    def infer(self, source: TensorType) -> TensorType:
        return TensorType(source.channels, source.size)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        return (Parameter("weight", (source.channels,), self.init),)


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomDrop(Op):
    """What the two kinds of dropout share; both do nothing in evaluation."""

    rate: float = attribute("probability of dropping", 0.5)

    def infer(self, source: TensorType) -> TensorType:
        if not 0 <= self.rate < 1:
            raise RangeError(f"`rate` must lie in [0, 1), got {self.rate}", "rate")
        return replace(source)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dropout(RandomDrop):
    __doc__ = """Zero single values at random and scale the rest up (Srivastava et al., 2014)."""

    kind = "dropout"
    label = "dropout"


@dataclass(frozen=True, kw_only=True, eq=False)
class DropPath(RandomDrop):
    __doc__ = """Zero whole examples at random and scale the rest up: stochastic depth (Huang et al., 2016)."""

    kind = "drop_path"
    label = "drop_path"
