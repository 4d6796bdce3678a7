"""Where exports go: a file, or a directory that is replaced as one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netspec.errors import UsageError
from netspec.exports.base import Format
from netspec.system.files import check_output, check_writable, replacing, take_over
from netspec.system.room import reason

_ASIDE = ".netspec-"
"""What folders that an export is written in, or that hold what it replaces, begin with."""


def check_place(path: Path, format: Format) -> None:
    """Raise :class:`UsageError` where ``path`` cannot become an export: ahead of long work."""
    if format.content:
        try:
            _check_directory(path, format)
        except OSError as error:
            raise UsageError(f"{path}: {reason(error)}") from error
        return
    if path.suffix != format.suffix:
        raise UsageError(f"{path}: the name of a file in {format.name} ends in `{format.suffix}`")
    check_writable(path)
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is no file that could be replaced")


def check_free(path: Path, format: Format, force: bool) -> None:
    """:func:`check_place`, and raise :class:`UsageError` where something is there and not ``force``."""
    check_place(path, format)
    if not format.content:
        check_output(path, force)
    elif not force and path.is_dir() and any(path.iterdir()):
        raise UsageError(f"{path}: is there already; --force replaces it")


def _check_directory(path: Path, format: Format) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no directory `{path.parent}`")
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path}: is a file; {format.name} is a directory")
    present = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    # All of it goes when it is replaced, so nothing else may be in it.
    foreign = present - {format.content, *format.parts}
    if foreign or (present and format.content not in present):
        raise UsageError(f"{path}: is a directory that holds something other than {format.name}")
    if not os.access(path if present or path.is_dir() else path.parent, os.W_OK):
        raise UsageError(f"{path}: {os.strerror(errno.EACCES)}")


@contextmanager
def staged(path: Path, format: Format) -> Iterator[Path]:
    """A path to write an export to, which takes the place of ``path`` at the end, whole.

    When the body raises, what it wrote goes and ``path`` is as it was. An :class:`OSError` of the
    exchange becomes a :class:`UsageError`.
    """
    check_place(path, format)
    if format.content:
        with _staged_directory(path) as written:
            yield written
        return
    with (
        replacing(path) as temporary,
        tempfile.TemporaryDirectory(dir=temporary.parent, prefix=_ASIDE) as folder,
    ):
        written = Path(folder) / f"export{format.suffix}"
        yield written
        os.replace(written, temporary)


@contextmanager
def _staged_directory(path: Path) -> Iterator[Path]:
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        folder = _folder_for(target)
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    with folder as name:
        written = Path(name) / "export"
        yield written
        try:
            _exchange(written, target, Path(name) / "before")
        except OSError as error:
            raise UsageError(f"{path}: {reason(error)}") from error


def _folder_for(target: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder beside ``target``, or in it where nothing can be made beside it."""
    try:
        return tempfile.TemporaryDirectory(dir=target.parent, prefix=_ASIDE)
    except OSError:
        if not target.is_dir():
            raise
        return tempfile.TemporaryDirectory(dir=target, prefix=_ASIDE)


def _exchange(written: Path, target: Path, aside: Path) -> None:
    """Put a directory in the place of another, which goes back where it was if that fails."""
    if not target.exists():
        os.replace(written, target)
        return
    take_over(written, target)
    if not aside.is_relative_to(target):
        try:
            os.replace(target, aside)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EACCES, errno.EPERM):
                raise  # a mount point cannot be moved; what is in it can
        else:
            try:
                os.replace(written, target)
            except BaseException:
                os.replace(aside, target)
                raise
            return
    _exchange_entries(written, target)


def _exchange_entries(written: Path, target: Path) -> None:
    """The same for what is in the directories, one entry after the other."""
    old = [entry for entry in target.iterdir() if not entry.name.startswith(_ASIDE)]
    with tempfile.TemporaryDirectory(dir=target, prefix=_ASIDE) as name:
        before = Path(name)
        moved: list[Path] = []
        try:
            for entry in old:
                os.replace(entry, before / entry.name)
            for entry in list(written.iterdir()):
                moved.append(target / entry.name)
                shutil.move(entry, moved[-1])
        except BaseException:
            for entry in moved:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
            for entry in list(before.iterdir()):
                os.replace(entry, target / entry.name)
            raise
