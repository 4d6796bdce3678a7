"""Files are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netspec.errors import UsageError


def check_writable(path: Path) -> None:
    """Raise :class:`UsageError` where ``path`` cannot become a file: ahead of long work."""
    if path.is_dir():
        raise UsageError(f"{path}: is a directory")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no directory `{path.parent}`")


HEAD = 4096
"""How much of a file is read to see who wrote it."""


def check_replaceable(path: Path, marks: Iterable[bytes]) -> None:
    """Raise :class:`UsageError` where ``path`` is a file that was not written by netspec.

    One that was has one of ``marks`` near its beginning. An empty file may be replaced, and so may what
    is no file, such as a pipe.
    """
    check_writable(path)
    if not path.is_file():
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if head and not any(mark in head for mark in marks):
        raise UsageError(f"{path}: is there, and netspec did not write it; --force replaces it")


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write ``data`` (text as UTF-8) to ``path``; whoever reads it sees the old file or the new one.

    Raises :class:`UsageError` when the place cannot be written to.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    if path.exists() and not (path.is_file() or path.is_dir()):
        path.write_bytes(raw)  # a pipe or a device, such as /dev/stdout, is not replaced
        return
    with replacing(path) as temporary:
        temporary.write_bytes(raw)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` with its suffix, to be written; it takes the place of ``path`` at the end.

    When the body raises, the temporary file goes and ``path`` is as it was. An :class:`OSError` of the
    body or of the exchange becomes a :class:`UsageError`.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
