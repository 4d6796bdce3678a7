"""Ops whose numbers are fixed in the spec, for what enters a network: `rescale` and `normalize`."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.ops.base import Op, OpError, RangeError, Reals, attribute
from netspec.ops.types import TensorType


@dataclass(frozen=True, kw_only=True, eq=False)
class Rescale(Op):
    __doc__ = """Every value times a factor, and an offset added: pixels of 0 to 255 become numbers around zero."""

    kind = "rescale"

    factor: float = attribute("what values are multiplied by", 1.0)
    offset: float = attribute("what is added then", 0.0)

    def infer(self, source: TensorType) -> TensorType:
        return TensorType(source.channels, source.size)


@dataclass(frozen=True, kw_only=True, eq=False)
class Normalize(Op):
    __doc__ = """The mean of each channel subtracted, the rest divided by its standard deviation, as data sets have them."""

    kind = "normalize"

    mean: Reals = attribute("the mean of each channel")
    std: Reals = attribute("the standard deviation of each channel")

    def infer(self, source: TensorType) -> TensorType:
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            count = len(numbers)
            if count != source.channels:
                message = f"`{name}` has {count} numbers, and the input {source.channels} channels"
                raise OpError(message, name)
        for number in self.std:
            if number <= 0:
                raise RangeError(f"`std` must be positive, got {number}", "std")
        return TensorType(source.channels, source.size)
