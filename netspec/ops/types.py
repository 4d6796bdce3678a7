"""What stands on every edge of a network, and what a layer holds: tensor types and parameters.

Sizes and channels are plain integers in a concrete network and may be varying ones
(:mod:`netspec.lang.expression.symbolic`) while source code is derived; the rules of the ops serve both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netspec.ops.initializers import Initializer

FlattenOrder = Literal["channels_first", "channels_last"]


@dataclass(frozen=True, eq=False)
class FlatLayout:
    """How a vector came to be: the flattened map's channels and size, and the order of its values."""

    order: FlattenOrder
    channels: int
    size: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class TensorType:
    """The type of a tensor without its batch: channels and spatial size (empty for a vector).

    Attributes:
        channels: number of channels (features, for a vector).
        size: length of each spatial axis, first to last.
        non_negative: every value is known to be at least zero (it follows a ReLU, say).
        flat: set on a vector that a `flatten` made and that only channel-agnostic ops followed.
    """

    channels: int
    size: tuple[int, ...]
    non_negative: bool = False
    flat: FlatLayout | None = None

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels first, no batch: (channels, *size)."""
        return (self.channels, *self.size)

    def __str__(self) -> str:
        return "×".join(str(n) for n in self.shape)


Role = Literal["trained", "frozen", "statistic"]
"""What becomes of a parameter's values in training: they follow gradients (``trained``), could and do not
(``frozen``), or follow the values that pass (``statistic``).
"""


@dataclass(frozen=True, eq=False)
class Parameter:
    """One tensor of a layer, in the canonical layout, which is PyTorch's.

    Attributes:
        name: ``weight``, ``bias``, ``running_mean`` or ``running_var``.
        shape: in the canonical layout, such as (out, in / groups, *kernel).
        init: how its values start.
        role: what becomes of its values; see :data:`Role`.
        fans: (fan_in, fan_out) as PyTorch counts them; what variance scaling divides by.
    """

    name: str
    shape: tuple[int, ...]
    init: Initializer
    role: Role = "trained"
    fans: tuple[int, int] = (1, 1)

    @property
    def trainable(self) -> bool:
        """Whether it learns from gradients."""
        return self.role == "trained"

    @property
    def count(self) -> int:
        """The number of values."""
        total = 1
        for length in self.shape:
            total *= length
        return total
