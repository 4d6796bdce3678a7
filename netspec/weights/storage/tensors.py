"""A tensor in a file: its dtype and shape, and its values when they are asked for.

NumPy has no bfloat16. Its bits travel in arrays of ``uint16``: reshaping and transposing do not care,
and no value is ever rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from netspec.weights.storage.refusal import damaged

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[Any]

FLOATS = ("float64", "float32", "float16", "bfloat16")
"""The dtypes that weights may have."""

NUMBERS = (*FLOATS, "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8")
"""The dtypes that a count may have."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of a file.

    Attributes:
        dtype: NumPy's name of the dtype, or ``bfloat16``.
        shape: as the file has it.
        read: gives the values, of :func:`carrier` of the dtype, in C order. Each call reads anew.
    """

    dtype: str
    shape: tuple[int, ...]
    read: Callable[[], Array]

    @property
    def count(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """The size of the values."""
        return self.count * int(carrier(self.dtype).itemsize)

    def laid_out(self, shape: tuple[int, ...], change: Callable[[Array], Array]) -> StoredTensor:
        """The tensor of ``shape`` that ``change`` makes by reshaping and transposing."""

        def read() -> Array:
            import numpy

            return numpy.ascontiguousarray(change(self.read()))

        return StoredTensor(self.dtype, shape, read)


def carrier(dtype: str) -> numpy.dtype[Any]:
    """The NumPy dtype whose arrays hold the bits of ``dtype``."""
    import numpy

    return numpy.dtype("uint16" if dtype == "bfloat16" else dtype)


def in_memory(array: Array) -> StoredTensor:
    """A NumPy array as a tensor to be written."""
    import numpy

    return StoredTensor(array.dtype.name, array.shape, lambda: numpy.ascontiguousarray(array))


def read_at(
    path: Path,
    file: BinaryIO,
    offset: int,
    end: int,
    written: numpy.dtype[Any],
    shape: tuple[int, ...],
) -> Array:
    """The array of ``shape`` that lies at ``offset`` in a file, as the machine has its numbers.

    Args:
        path: what the file is called.
        file: the file, open.
        offset: where the values begin.
        end: where what may belong to them ends.
        written: their dtype in the file, with its byte order.
        shape: of the array.

    Raises:
        NetspecError: the values go beyond ``end`` or the file.
    """
    import numpy

    count = math.prod(shape)
    if offset < 0 or offset + count * written.itemsize > end:
        raise damaged(path, "a tensor goes beyond what the file holds for it")
    array = numpy.empty(shape, written)
    file.seek(offset)
    if count and file.readinto(array.reshape(-1).view("uint8").data) != array.nbytes:  # type: ignore[attr-defined]
        raise damaged(path, "the file ends within a tensor")
    return array.astype(written.newbyteorder("="), copy=False)


def values(dtype: str, array: Array) -> Array:
    """What :attr:`StoredTensor.read` gave, as numbers: bfloat16 widened to float32, exactly."""
    import numpy

    if dtype != "bfloat16":
        return array
    wide = array.astype(numpy.uint32)
    wide <<= 16
    return wide.view(numpy.float32)


def as_dtype(tensor: StoredTensor, dtype: str) -> StoredTensor:
    """The tensor with its values rounded to an integer ``dtype``, where it has another."""
    if tensor.dtype == dtype:
        return tensor

    def read() -> Array:
        import numpy

        return numpy.rint(values(tensor.dtype, tensor.read())).astype(dtype)

    return StoredTensor(dtype, tensor.shape, read)


def count_not_finite(dtype: str, array: Array) -> int:
    """How many values are NaN or infinite. Takes little memory beside the array."""
    import numpy

    if dtype not in FLOATS:
        return 0
    flat = array.reshape(-1)
    found = 0
    for start in range(0, flat.size, _CHUNK):
        part = values(dtype, flat[start : start + _CHUNK])
        found += part.size - int(numpy.count_nonzero(numpy.isfinite(part)))
    return found
