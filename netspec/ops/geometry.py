"""The arithmetic of windows that slide over maps: padding rules and output sizes.

Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), and
TensorFlow's documentation for the rule `same`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from netspec.lang.expression.symbolic import same

PaddingRule = Literal["symmetric", "same", "valid", "explicit"]


@dataclass(frozen=True, eq=False)
class Padding:
    """A padding rule; ``pads`` holds (before, after) of each axis for the rule ``explicit``."""

    rule: PaddingRule
    pads: tuple[tuple[int, int], ...] = ()


def effective_kernel(kernel: int, dilation: int) -> int:
    """The extent of a dilated kernel along one axis."""
    return (kernel - 1) * dilation + 1


def explicit_pads(
    padding: Padding, kernel: Sequence[int], dilation: Sequence[int]
) -> tuple[tuple[int, int], ...] | None:
    """(before, after) of each axis, or None for ``same``, where they depend on the input's size."""
    if padding.rule == "same":
        return None
    if padding.rule == "explicit":
        return padding.pads
    if padding.rule == "valid":
        return tuple((0, 0) for _ in kernel)
    halves = [(k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True)]
    return tuple((half, half) for half in halves)


def output_size(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Padding,
    ceil: bool = False,
) -> tuple[int, ...]:
    """The spatial size after a window op; entries below 1 mean that the window does not fit."""
    pads = explicit_pads(padding, kernel, dilation)
    result = []
    for axis, length in enumerate(size):
        step, extent = stride[axis], effective_kernel(kernel[axis], dilation[axis])
        if pads is None:
            result.append((length + step - 1) // step)
            continue
        before, after = pads[axis]
        room = length + before + after - extent
        if ceil:
            count = (room + step - 1) // step + 1
            # PyTorch's rule: the last window must start inside the input or its leading padding.
            if (count - 1) * step >= length + before:
                count = count - 1
            result.append(count)
        else:
            result.append(room // step + 1)
    return tuple(result)


def is_zero(pads: Sequence[tuple[int, int]]) -> bool:
    """Whether no axis is padded."""
    return all(before == 0 and after == 0 for before, after in pads)


def scalar_or_tuple(values: Sequence[Any]) -> Any:
    """Per-axis values that are all equal as the scalar, others as a tuple."""
    first = values[0]
    return first if all(same(first, value) for value in values[1:]) else tuple(values)
