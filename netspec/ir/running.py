"""What runs one op in NumPy: a function for each class of ops, registered where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from numpy.typing import NDArray

from netspec.ops import Op

Array = NDArray[Any]
Held = Mapping[str, Array]
"""What one op holds, by the name of the parameter."""


@singledispatch
def run(op: Op, inputs: Sequence[Array], held: Held) -> Array:
    """What ``op`` makes of ``inputs`` with the tensors that it holds."""
    raise NotImplementedError(f"`{op.kind}` has no function in NumPy")


def per_channel(values: Array, x: Array) -> Array:
    """One value a channel, spread over batch and positions."""
    return values.reshape(1, -1, *(1,) * (x.ndim - 2))
