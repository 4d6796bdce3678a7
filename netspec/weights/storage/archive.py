"""Zip archives that hold tensors, which nothing has vouched for.

Both frameworks store without compression. So no member may be compressed, none may overlap another,
and together they are no larger than the file: an archive cannot grow in memory.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from netspec.errors import UsageError
from netspec.system.room import reason
from netspec.weights.storage.refusal import damaged, unsafe

_LOCAL_HEADER = 30
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Member:
    """Where the bytes of a member lie in the file."""

    offset: int
    size: int


def open_file(path: Path) -> BinaryIO:
    """``path``, open for reading; raises :class:`UsageError` when it cannot be."""
    if os.path.isdir(path):
        raise UsageError(f"{path}: is a directory")
    if os.path.exists(path) and not os.path.isfile(path):
        raise UsageError(f"{path}: is no file; weights are read here and there, not in order")
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error


def is_archive(path: Path) -> bool:
    """Whether the file begins as a zip archive does."""
    with open_file(path) as file:
        return file.read(4) == _LOCAL_MAGIC


def members_of(path: Path) -> Mapping[str, Member]:
    """The members by name, once it is known that reading them is safe and that they are whole.

    Raises:
        NetspecError: the archive is damaged, compressed, encrypted, or its members overlap.
    """
    with open_file(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = _places(path, file, archive.infolist())
                changed = archive.testzip()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
            raise damaged(path, f"no readable archive ({error})") from None
    if changed is not None:
        raise damaged(path, f"`{changed}` in it does not match its checksum")
    return members


def _places(path: Path, file: BinaryIO, entries: list[zipfile.ZipInfo]) -> Mapping[str, Member]:
    """Where the members are, which are only looked into when this is known to be safe."""
    members: dict[str, Member] = {}
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise unsafe(path, f"`{entry.filename}` in it is encrypted")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise unsafe(path, f"`{entry.filename}` in it is compressed, which no framework does")
        if entry.filename in members:
            raise unsafe(path, f"`{entry.filename}` is in it twice")
        members[entry.filename] = Member(_data_offset(path, file, entry), entry.file_size)
    _check_places(path, file, members)
    return members


def _data_offset(path: Path, file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    header = b""
    if entry.header_offset >= 0:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(_LOCAL_MAGIC):
        raise damaged(path, f"`{entry.filename}` in it does not begin where the archive says")
    name, extra = struct.unpack("<HH", header[26:30])
    return int(entry.header_offset) + _LOCAL_HEADER + int(name) + int(extra)


def _check_places(path: Path, file: BinaryIO, members: Mapping[str, Member]) -> None:
    file.seek(0, io.SEEK_END)
    length, end = file.tell(), 0
    for name, member in sorted(members.items(), key=lambda item: item[1].offset):
        if member.offset < end:
            raise unsafe(path, f"`{name}` in it overlaps another part")
        end = member.offset + member.size
        if end > length:
            raise damaged(path, f"`{name}` in it is cut short")
