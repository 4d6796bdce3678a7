"""Zip archives: what is whole and safe is listed with its place, and all else refused."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from netspec.errors import NetspecError, UsageError
from netspec.weights.storage.archive import is_archive, members_of


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_members_are_where_it_says(tmp_path: Path) -> None:
    contents = {"a/data": b"12345", "b": b"", "c": bytes(range(256)) * 5000}
    path = archive(tmp_path / "a.zip", contents)
    assert is_archive(path)
    raw = path.read_bytes()
    found = members_of(path)
    assert {n: raw[m.offset : m.offset + m.size] for n, m in found.items()} == contents


def test_what_is_compressed_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a": bytes(1000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(NetspecError, match=r"NS602.*compressed"):
        members_of(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", b"1")
        file.writestr("a", b"2")
    with pytest.raises(NetspecError, match=r"NS602.*twice"):
        members_of(path)


def test_a_size_that_is_a_lie_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a": bytes(100)})
    raw = path.read_bytes()
    huge = (10**9).to_bytes(4, "little")
    central = raw.index(b"PK\x01\x02")
    path.write_bytes(raw[: central + 20] + huge + huge + raw[central + 28 :])
    with pytest.raises(NetspecError, match=r"NS601.*cut short"):
        members_of(path)


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a": bytes(100)})
    raw = bytearray(path.read_bytes())
    raw[60] = 1
    path.write_bytes(raw)
    with pytest.raises(NetspecError, match=r"NS601.*checksum"):
        members_of(path)


def test_other_files_are_no_archives(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK")
    assert not is_archive(tmp_path / "a")
    with pytest.raises(NetspecError, match="NS601"):
        members_of(tmp_path / "a")
    with pytest.raises(UsageError, match="No such file"):
        is_archive(tmp_path / "b")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "in.pt"
    os.mkfifo(path)
    with pytest.raises(UsageError, match=r"in\.pt: is no file; weights are read here and there"):
        is_archive(path)
