"""Disks that are full: what the system says of them, and writers that do not take it well."""

from __future__ import annotations

import errno
import os
from io import FileIO, RawIOBase
from pathlib import Path
from typing import Any

CHUNK = 1 << 20
"""How many bytes are written at a time."""


def reason(error: OSError) -> str:
    """What the system says, as one line."""
    return (error.strerror or str(error) or type(error).__name__).splitlines()[0]


def lacking(folder: Path) -> OSError | None:
    """Why nothing can be written in ``folder``; None where something can."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(CHUNK))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def reserve(folder: Path, size: int) -> None:
    """Raise :class:`OSError` where a file of ``size`` bytes has no room in ``folder``.

    For what ends the whole process when a disk fills up.
    """
    import shutil
    import tempfile

    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
        elif shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class PatientFile(RawIOBase):
    """A file to be written in order that takes everything, and tells at the end what it had no room for.

    For writers in C++ that end the whole process when a write fails.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("wb", buffering=0)
        self._error: OSError | None = None

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the file."""
        return self._file.seek(offset, whence)

    def write(self, data: Any) -> int:
        """Write ``data``, as long as that has worked; its length in any case."""
        try:
            if self._error is None:
                write_all(self._file, data)
        except OSError as error:
            self._error = error
        return len(data)

    def close(self) -> None:
        """Raise :class:`OSError` where something could not be written."""
        super().close()
        self._file.close()
        if self._error is not None:
            error, self._error = self._error, None
            raise error


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of ``data``; an unbuffered file may take part of it at a time."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
