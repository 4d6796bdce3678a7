"""Numbers of two models side by side: how far apart, and the first place where that is too far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy

from netspec.verification.bounds import Bound
from netspec.verification.results import Measure

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays

FLOOR = 1e-3
"""The gradient of a weight is held against this share of the largest one where its own is smaller.

A bias ahead of a batch normalisation has no gradient but rounding.
"""


CHUNK = 1 << 20
"""Values that are compared at a time."""


def errors(ours: Array, theirs: Array, floor: float = 0.0) -> tuple[float, float]:
    """The largest difference, and that over the largest of ``theirs`` or ``floor``, whichever is more.

    Both are infinite where shapes differ or a value is not finite.
    """
    if ours.shape != theirs.shape:
        return float("inf"), float("inf")
    absolute = scale = 0.0
    for one, other in zip(_chunks(ours), _chunks(theirs), strict=True):
        if not (numpy.isfinite(one).all() and numpy.isfinite(other).all()):
            return float("inf"), float("inf")
        absolute = max(absolute, _largest(one - other))  # type: ignore[operator]
        scale = max(scale, _largest(other))
    scale = max(scale, floor)
    if absolute == 0.0:
        return 0.0, 0.0
    return absolute, absolute / scale if scale else float("inf")


def _chunks(array: Array) -> Iterator[Array]:
    """The values piece by piece: a large tensor is not held several times at once."""
    flat = numpy.ravel(array)
    return (flat[start : start + CHUNK] for start in range(0, flat.size, CHUNK))


def _largest(array: Array) -> float:
    return float(numpy.abs(array).max(initial=0.0))


def measure_places(
    quantity: str,
    parts: Iterable[str],
    ours: Arrays,
    theirs: Arrays,
    bound: Bound,
    floor: float = 0.0,
) -> Iterator[Measure]:
    """A measure for each of ``parts`` that both have."""
    for part in parts:
        if part in ours and part in theirs:
            absolute, relative = errors(ours[part], theirs[part], floor)
            yield Measure(quantity, part, "", absolute, relative, bound.value)


def measure_each(
    quantity: str, part: str, ours: Arrays, theirs: Arrays, bound: Bound
) -> Iterator[Measure]:
    """A measure for each tensor that ``theirs`` has."""
    for name in theirs:
        found = measure_worst(quantity, part, [name], ours, theirs, bound)
        if found is not None:
            yield found


def measure_worst(
    quantity: str,
    part: str,
    names: Iterable[str],
    ours: Arrays,
    theirs: Arrays,
    bound: Bound,
    floor: float = 0.0,
) -> Measure | None:
    """The worst of the tensors called ``names`` that ``theirs`` has; None where there are none."""
    worst: Measure | None = None
    for name in names:
        if name not in theirs:
            continue
        absolute, relative = (
            errors(ours[name], theirs[name], floor) if name in ours else (float("inf"),) * 2
        )
        if worst is None or relative > worst.relative:
            worst = Measure(quantity, part, name, absolute, relative, bound.value)
    return worst


ROUNDINGS = 100
"""So many roundings of the largest number in a backward pass are not told from a gradient of zero."""


def rounding_floor(largest: float, dtype: str, bound: Bound) -> float:
    """What gradients are held against where they are smaller, since they may be zero but for rounding.

    A normalisation ahead of an average, say, lets nothing flow back. What is left then comes from numbers
    as large as ``largest``, each rounded to a share of it: :data:`ROUNDINGS` of these pass ``bound``.
    """
    return ROUNDINGS * float(numpy.finfo(dtype).eps) * largest / bound.value


def largest_of(*groups: Arrays) -> float:
    """The largest magnitude in any of the arrays."""
    return max((_largest(array) for group in groups for array in group.values()), default=0.0)


def that_flow_on(gradient: Array, value: Array | None) -> Array:
    """The gradients at a place where no value is negative, without those that go no further.

    Where a value is zero, a `relu` has cut it, and passes nothing back. Behind it, a pooling of nothing but
    zeros is free to choose which of them gets the gradient, and frameworks choose differently.
    """
    return gradient if value is None else numpy.where(value == 0, 0, gradient)


def gradient_floor(gradients: Arrays) -> float:
    """What gradients of weights are held against where they are smaller."""
    return FLOOR * largest_of(gradients)
