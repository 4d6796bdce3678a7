"""Where exports go: a file, or a directory that is replaced as one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netspec.errors import UsageError
from netspec.export.base import Format
from netspec.files import check_writable, replacing


def check_place(path: Path, format: Format) -> None:
    """Raise :class:`UsageError` where ``path`` cannot become an export: ahead of long work."""
    if format.content:
        _check_directory(path, format)
        return
    if path.suffix != format.suffix:
        raise UsageError(f"{path}: the name of a file in {format.name} ends in `{format.suffix}`")
    check_writable(path)
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is no file that could be replaced")


def _check_directory(path: Path, format: Format) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no directory `{path.parent}`")
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path}: is a file; {format.name} is a directory")
    if path.is_dir() and any(path.iterdir()) and not (path / format.content).is_file():
        raise UsageError(f"{path}: is a directory that holds something other than {format.name}")


@contextmanager
def staged(path: Path, format: Format) -> Iterator[Path]:
    """A path to write an export to, which takes the place of ``path`` at the end, whole.

    When the body raises, what it wrote goes and ``path`` is as it was. An :class:`OSError` of the
    exchange becomes a :class:`UsageError`.
    """
    check_place(path, format)
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        folder = tempfile.TemporaryDirectory(dir=target.parent, prefix=".netspec-")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    with folder as name:
        written = Path(name) / f"export{format.suffix}"
        yield written
        if not format.content:
            with replacing(path) as temporary:
                os.replace(written, temporary)
            return
        try:
            _exchange(written, target, Path(name) / "before")
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from error


def _exchange(written: Path, target: Path, aside: Path) -> None:
    """Put a directory in the place of another, which goes back where it was if that fails."""
    if not target.exists():
        os.replace(written, target)
        return
    os.replace(target, aside)
    try:
        os.replace(written, target)
    except OSError:
        os.replace(aside, target)
        raise
