"""Files are written whole or not at all, and one that is rewritten stays the file that it was.

New content is written aside and takes its place by a rename. Mode, owner, group and, on Linux, extended
attributes with access control lists go over to it. Where they cannot, where the file has other names
(hard links), or where no rename is possible (a mount point, a folder that is read-only), the file is
rewritten in place: then everything of it stays, but who reads it meanwhile may see part of either.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from netspec.errors import NetspecError, UsageError
from netspec.system.channels import readable
from netspec.system.room import CHUNK, lacking, reason, write_all

_LONGEST_SUFFIX = 32
"""Characters of a suffix that a temporary name repeats; a file's name has 255 bytes at most."""

_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")
_MOST_LINKS = 40


def check_writable(path: Path) -> None:
    """Raise :class:`UsageError` where ``path`` cannot be written: ahead of long work."""
    try:
        status = _status(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{path}: is a directory")
        if status is not None and stat.S_ISBLK(status.st_mode):
            raise UsageError(f"{path}: is a disk, not a file")
        if _is_stream(path, status):
            return
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            leads = f"leads to {target}, and " if os.path.islink(path) else ""
            folder = target.parent if leads else path.parent
            raise UsageError(f"{path}: {leads}there is no directory `{folder}`")
        place = target.parent if status is None else target
        if not os.access(place, os.W_OK):
            is_fixed = hasattr(os, "statvfs") and os.statvfs(place).f_flag & os.ST_RDONLY
            raise UsageError(f"{path}: {os.strerror(errno.EROFS if is_fixed else errno.EACCES)}")
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error


def check_output(path: Path, force: bool) -> None:
    """Raise :class:`UsageError` where ``path`` cannot be written, or holds something and not ``force``.

    An empty file holds nothing, and neither does what is no file, such as a pipe.
    """
    check_writable(path)
    status = _status(path)
    if not force and status is not None and status.st_size and not _is_stream(path, status):
        raise UsageError(f"{path}: is there already; --force replaces it")


def is_stream(path: Path) -> bool:
    """Whether ``path`` is a pipe, a device or an open descriptor, which keeps nothing; never raises."""
    try:
        return _is_stream(path, _status(path))
    except OSError:
        return False


def check_distinct(paths: Sequence[Path]) -> None:
    """Raise :class:`UsageError` where two of ``paths`` are one: the second would replace the first."""
    seen: set[str] = set()
    for path in paths:
        place = os.path.realpath(path)
        if place in seen:
            raise UsageError(f"{path}: is named twice")
        seen.add(place)


def holds(path: Path, text: str) -> bool:
    """Whether ``path`` is a file of this text, whatever its kind of line ends."""
    try:
        status = _status(path)
        if status is None or _is_stream(path, status):
            return False
        present = path.read_bytes()
    except OSError:
        return False
    return present == with_line_ends_of(present, text)


def with_line_ends_of(present: bytes, text: str) -> bytes:
    """``text``, whose lines end in ``\\n``, as UTF-8 with the kind of line ends that ``present`` has.

    The first line of ``present`` says which: CRLF is what Git checks out on Windows.
    """
    first, newline, _ = present.partition(b"\n")
    if newline and first.endswith(b"\r"):
        text = text.replace("\n", "\r\n")
    return encoded(text)


def encoded(text: str) -> bytes:
    """``text`` as UTF-8; a name in it that cannot be is shown with its bytes."""
    return readable(text).encode("utf-8")


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write ``data`` to ``path``; whoever reads it sees the old file or the new one.

    Text becomes UTF-8, with the line ends that the file has had. Raises :class:`UsageError` when the
    place cannot be written to.
    """
    check_writable(path)
    try:
        if _is_stream(path, _status(path)):
            with _opened(path) as stream:
                stream.write(encoded(data) if isinstance(data, str) else data)
            return
        raw = with_line_ends_of(_beginning(path), data) if isinstance(data, str) else data
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    with replacing(path) as temporary:
        temporary.write_bytes(raw)


def _beginning(path: Path) -> bytes:
    """The first line of a file; nothing where there is none, or it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.readline(CHUNK)
    except OSError:
        return b""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path with the suffix of ``path``, to be written; its content becomes that of ``path`` at the end.

    When the body raises, the temporary file goes and ``path`` is as it was. An :class:`OSError` of the
    body or of the exchange becomes a :class:`UsageError`, and so does what else a body raises for want
    of room. A pipe or a device gets the content when it is whole.
    """
    check_writable(path)
    with ExitStack() as leftovers:
        try:
            temporary = _temporary(path, leftovers)
            yield temporary
            _put(temporary, path, leftovers)
        except OSError as error:
            raise UsageError(f"{path}: {reason(error)}") from error
        except (NetspecError, UsageError):
            raise
        except Exception as error:  # frameworks write in C++, and raise what they like
            lack = lacking(temporary.parent)
            if lack is None:
                raise
            raise UsageError(f"{path}: {reason(lack)}") from error


def _temporary(path: Path, leftovers: ExitStack) -> Path:
    """A new, empty file beside ``path``, or elsewhere if none can be made there; it goes in the end."""
    target = Path(os.path.realpath(path))
    status = _status(path)
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ""
    name = f".netspec-{os.urandom(4).hex()}{suffix}"
    if not _is_stream(path, status):
        beside = target.with_name(name)
        # Nobody may read the new content who could not read the old.
        mode = 0o666 if status is None else stat.S_IMODE(status.st_mode) & 0o666 | stat.S_IWUSR
        try:
            os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        except OSError as error:
            is_closed = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
            if status is None or not is_closed:
                raise
        else:
            leftovers.callback(beside.unlink, missing_ok=True)
            return beside
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="netspec-")
    leftovers.callback(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / name


def _put(temporary: Path, path: Path, leftovers: ExitStack) -> None:
    """Make what is in ``temporary`` the content of ``path``."""
    with temporary.open("rb+") as written:
        os.fsync(written.fileno())
    status = _status(path)
    if _is_stream(path, status):
        with temporary.open("rb") as written, _opened(path) as stream:
            while chunk := written.read(CHUNK):
                stream.write(chunk)
        return
    target = Path(os.path.realpath(path))  # a link stays a link
    if status is None:
        os.replace(temporary, target)
        return
    is_beside = temporary.parent == target.parent
    if is_beside and status.st_nlink == 1 and take_over(temporary, target):
        try:
            os.replace(temporary, target)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EACCES, errno.EPERM):
                raise
        else:
            return
    try:
        _rewrite(temporary, target)
    except _Torn as torn:
        leftovers.pop_all()
        raise UsageError(
            f"{path}: {torn}; it is in pieces now, and what was to be in it is in {temporary}"
        ) from torn


def take_over(new: Path, old: Path) -> bool:
    """Give ``new`` the mode, owner, group and extended attributes of ``old``; whether it has them."""
    wanted, own = old.stat(), new.stat()
    try:
        if (wanted.st_uid, wanted.st_gid) != (own.st_uid, own.st_gid):
            os.chown(new, wanted.st_uid, wanted.st_gid)
        attributes, present = _attributes(old), _attributes(new)
        for name, value in attributes.items():
            if present.get(name) != value:
                os.setxattr(new, name, value)
        new.chmod(stat.S_IMODE(wanted.st_mode))
        return _attributes(new).keys() == attributes.keys()
    except (OSError, AttributeError):  # not every system has owners
        return False


def _attributes(path: Path) -> dict[str, bytes]:
    """The extended attributes of a file, access control lists among them; none where there is no such."""
    if sys.platform != "linux":
        return {}
    try:
        return {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOSYS):
            raise
        return {}


class _Torn(Exception):
    """A file was being rewritten in place when this went wrong."""


def _rewrite(source: Path, target: Path) -> None:
    """Give ``target`` the content of ``source``, in place. Room is made first: want of it changes nothing.

    Raises :class:`_Torn` when the writing itself is broken off.
    """
    with source.open("rb") as new, target.open("rb+", buffering=0) as file:
        before, after = file.seek(0, os.SEEK_END), os.fstat(new.fileno()).st_size
        try:
            for start in range(before, after, CHUNK):
                write_all(file, bytes(min(CHUNK, after - start)))
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(before)
            raise
        file.seek(0)
        try:
            while chunk := new.read(CHUNK):
                write_all(file, chunk)
            file.truncate()
            os.fsync(file.fileno())
        except OSError as error:
            raise _Torn(reason(error)) from error
        except BaseException as error:
            raise _Torn("interrupted") from error


# Streams


def _status(path: Path) -> os.stat_result | None:
    """What the system knows of ``path``, links followed; None where nothing is there."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_stream(path: Path, status: os.stat_result | None) -> bool:
    """Whether ``path`` is written to and not replaced: a pipe, a device, or a descriptor that is open."""
    is_file = status is None or stat.S_ISREG(status.st_mode)
    return not is_file or _descriptor(path) is not None


def _descriptor(path: Path) -> int | None:
    """The descriptor of this process that ``path`` names, such as ``/dev/stdout``.

    Where it leads, a shell may have more to write: that file is not to be cut off, nor replaced.
    """
    place = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        if place in _STREAMS:
            return _STREAMS[place]
        match = _DESCRIPTOR.fullmatch(place)
        if match:
            return int(match[1])
        if not os.path.islink(place):
            return None
        place = os.path.abspath(os.path.join(os.path.dirname(place), os.readlink(place)))
    return None


def _opened(path: Path) -> BinaryIO:
    """A pipe, device or descriptor, open for writing."""
    number = _descriptor(path)
    if number is None:
        return path.open("wb")
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    return os.fdopen(os.dup(number), "wb")
