"""What an HDF5 file holds, found out in a process of its own: HDF5 hangs or crashes on some damaged files.

Run by path, with the file and the stretch of it to look at. Prints a JSON object: ``datasets``, a list of
(place, NumPy's dtype, shape, offset in the file, how Keras marks the dtype), ``groups``, the layers'
names by the place of their variables, and ``weights``, the names of weights by the place of a layer. What cannot be listed is an ``error``, or ``unsafe``. Imports
nothing of netspec.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any, BinaryIO

MEMORY = 4 << 30
"""No more is needed for names and places, however many there are."""


class Unsafe(Exception):
    """The file leads out of itself, or could grow in memory."""


class Window(io.RawIOBase):
    """A stretch of a file as a file of its own."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the stretch."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` as far as the stretch goes; the number of bytes."""
        view = memoryview(buffer).cast("B")
        length = min(len(view), max(0, self._size - self._position))
        self._file.seek(self._offset + self._position)
        done = self._file.readinto(view[:length])  # type: ignore[attr-defined]
        self._position += done
        return int(done)


def listing(file: BinaryIO, offset: int, size: int) -> dict[str, Any]:
    """What the stretch of ``file`` holds. Links to other files are not followed, and data held there named."""
    import h5py

    datasets: list[Any] = []
    groups: dict[str, str] = {}
    weights: dict[str, list[str]] = {}

    def visit(place: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            if item.is_virtual or item.external:
                raise Unsafe(f"`{place}` in it leads to another file")
            if item.size and item.id.get_offset() is None:
                raise Unsafe(f"`{place}` in it is in pieces or compressed, which Keras does not do")
            marked = item.attrs.get("dtype")
            where = offset + (item.id.get_offset() or 0)
            datasets.append([place, item.dtype.str, item.shape or (), where, str(marked)])
            return
        if isinstance(item.attrs.get("name"), str):
            groups[place] = item.attrs["name"]
        named = [key for key in item.attrs if key.startswith("weight_names")]
        if named:  # a long list is in pieces: weight_names0, weight_names1, …
            numbers = sorted(
                (int(key[12:] or 0), key)
                for key in named
                if key[12:].isdigit() or key == "weight_names"
            )
            weights[place] = [
                _text(name) for _, key in numbers for name in _entries(item.attrs[key])
            ]

    with h5py.File(Window(file, offset, size), "r") as root:
        root.visititems(visit)
    return {"datasets": datasets, "groups": groups, "weights": weights}


def _entries(value: Any) -> Any:
    """The entries of an attribute, none where it is empty or a single one."""
    return value if getattr(value, "shape", None) else ()


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def main(path: str, offset: str, size: str) -> None:
    """Print the listing, or why there is none."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # not every system has it
    try:
        with open(path, "rb") as file:
            found = listing(file, int(offset), int(size))
    except Unsafe as error:
        found = {"unsafe": str(error)}
    except Exception as error:  # h5py raises by what HDF5 trips over
        found = {"error": (str(error).strip().splitlines() or [type(error).__name__])[0]}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
