"""Ops of several inputs: `add`, `mul`, `concat`. Combinators of the language become them."""

from __future__ import annotations

from netspec.ops.base import Function, OpError
from netspec.ops.types import TensorType


class Merge(Function):
    """One result of two inputs or more, whose order counts."""

    def infer(self, source: TensorType) -> TensorType:
        """The type of one input alone."""
        return TensorType(source.channels, source.size, source.non_negative)


class Add(Merge):
    __doc__ = """The sum of inputs of one shape."""

    kind = "add"

    def types(self, *sources: TensorType) -> tuple[TensorType, ...]:
        first = sources[0]
        for other in sources[1:]:
            require_same_shape(first, other)
        return (TensorType(first.channels, first.size, _none_is_negative(sources)),)


class Mul(Merge):
    __doc__ = """The product of inputs of one shape, or of the first with one value a channel."""

    kind = "mul"

    def types(self, *sources: TensorType) -> tuple[TensorType, ...]:
        first = sources[0]
        for other in sources[1:]:
            is_spread = other.rank == first.rank and all(length == 1 for length in other.size)
            if not (is_spread and other.channels == first.channels):
                require_same_shape(first, other)
        return (TensorType(first.channels, first.size, _none_is_negative(sources)),)


class Concat(Merge):
    __doc__ = """Inputs of one size behind one another, along the channels."""

    kind = "concat"
    label = "cat"

    def types(self, *sources: TensorType) -> tuple[TensorType, ...]:
        first, channels = sources[0], sources[0].channels
        for other in sources[1:]:
            if other.size != first.size:
                raise OpError(f"maps of different sizes: {first}, {other}")
            channels = channels + other.channels
        return (TensorType(channels, first.size, _none_is_negative(sources)),)


MERGES: dict[str, type[Merge]] = {op.kind: op for op in (Add, Mul, Concat)}
"""The merges by what the language calls them."""


def require_same_shape(first: TensorType, other: TensorType) -> None:
    """Raise :class:`OpError` unless the two have the same shape."""
    if other.shape != first.shape:
        raise OpError(f"inputs of different shapes: {first}, {other}")


def _none_is_negative(sources: tuple[TensorType, ...]) -> bool:
    return all(source.non_negative for source in sources)
