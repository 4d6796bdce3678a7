"""Ops that rearrange, drop or scale: `flatten`, `split`, `pad_channels`, `subsample`, `resize`, `scale`, dropout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from netspec.ops.base import (
    FROZEN,
    Axes,
    Frozen,
    Function,
    GroupsError,
    Op,
    OpError,
    RangeError,
    Result,
    Sizes,
    attribute,
    product,
    require,
    require_frozen,
    require_map,
    require_positive,
    weight_and_bias,
)
from netspec.ops.initializers import ONES, ZEROS, Initializer
from netspec.ops.types import FlatLayout, FlattenOrder, Parameter, TensorType

Mode = Literal["nearest", "bilinear"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Flatten(Op):
    __doc__ = """A map as a vector, in a stated order whatever the backend's own is."""

    kind = "flatten"

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
    one_of = ("factor", "like")

    factor: Axes | None = attribute(
        "how many positions one becomes, one number or one per axis", None
    )
    mode: Mode = attribute(
        "`nearest` repeats values; `bilinear` goes from one to the next, over two axes", "nearest"
    )
    like: Result | None = attribute(
        "an earlier result by its name: the map gets its size, with `nearest` a multiple of its own",
        None,
    )

    def resolve(self, source: TensorType) -> Op:
        """This op; one of two inputs where another result gives the size."""
        if self.like is None:
            return self
        require(self.factor is None, "`resize` takes `factor` or `like`, not both", "like")
        return ResizeLike(mode=self.mode)

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        require_positive(self, "factor")
        _check_mode(self.mode, source)
        return TensorType(source.channels, self.size(source.size), source.non_negative)

    def size(self, *sizes: Axes) -> Axes:
        """The size of the result, from that of the input."""
        assert self.factor is not None  # else there is `like`
        return tuple(length * times for length, times in zip(sizes[0], self.factor, strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class ResizeLike(Function):
    __doc__ = """A map with the size of another: what `resize` with `like` becomes.

    Inputs are the map, and what gives the size, whose values do not matter. `nearest` goes to a multiple of
    the map's own size alone: elsewhere PyTorch and TensorFlow take other positions for the nearest.
    """

    kind = "resize"

    mode: Mode = attribute("as `resize` has it", "nearest")

    def infer(self, source: TensorType) -> TensorType:
        """The type of a map that has the size already."""
        return self.types(source, source)[0]

    def types(self, *sources: TensorType) -> tuple[TensorType, ...]:
        source, like = sources
        require_map(source, "resize")
        if like.rank != source.rank:
            raise OpError(f"{source} cannot get the size of {like}, which has other axes", "like")
        _check_mode(self.mode, source)
        pairs = zip(source.size, like.size, strict=True)
        if self.mode == "nearest" and any(target % length != 0 for length, target in pairs):
            raise OpError(
                f"a map of {_size(source)} cannot become one of {_size(like)}: no multiple of it, where "
                "frameworks differ in what is nearest",
                "like",
                "take `mode: bilinear`" if source.rank == 2 else None,
            )
        return (TensorType(source.channels, like.size, source.non_negative),)

    def size(self, *sizes: Axes) -> Axes:
        """The size of the result, which is that of the second input."""
        return sizes[1]


def _size(source: TensorType) -> str:
    return "×".join(map(str, source.size))


def _check_mode(mode: Mode, source: TensorType) -> None:
    if mode == "bilinear" and source.rank != 2:
        axes = "axis" if source.rank == 1 else "axes"
        raise OpError(
            f"`mode: bilinear` is for maps of two axes, and this one has {source.rank} {axes}",
            "mode",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale(Op):
    __doc__ = """A learned factor per channel, and a learned summand (LayerScale; Touvron et al., 2021)."""

    kind = "scale"

    bias: bool = attribute("add a learned bias per channel", False)
    init: Initializer = attribute("how the factors start", ONES)
    bias_init: Initializer = attribute("how the bias starts", ZEROS)
    frozen: Frozen = attribute(FROZEN, "none")

    def infer(self, source: TensorType) -> TensorType:
        require_frozen(self, source)
        return TensorType(source.channels, source.size)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        return weight_and_bias(self, (source.channels,), source.channels, (1, 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomDrop(Op):
    """What the two kinds of dropout share; both do nothing in evaluation."""

    rate: float = attribute("probability of dropping", 0.5)

    def infer(self, source: TensorType) -> TensorType:
        if not 0 <= self.rate < 1:
            raise RangeError(f"`rate` must lie in [0, 1), got {self.rate}", "rate")
        return replace(source)


class Dropout(RandomDrop):
    __doc__ = """Zero single values at random and scale the rest up (Srivastava et al., 2014)."""

    kind = "dropout"


class DropPath(RandomDrop):
    __doc__ = """Zero whole examples at random and scale the rest up: stochastic depth (Huang et al., 2016)."""

    kind = "drop_path"
