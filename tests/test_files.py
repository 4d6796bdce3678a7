"""Files are written whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from netspec.errors import UsageError
from netspec.files import check_writable, replacing, write_atomically


def entries(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def break_off(path: Path, error: Exception) -> None:
    """Fail with half of the file written."""
    with replacing(path) as temporary:
        assert temporary.suffix == path.suffix
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize("data", ["é\n", b"\xff\x00"])
def test_writes_text_and_bytes(tmp_path: Path, data: str | bytes) -> None:
    path = tmp_path / "out.txt"
    write_atomically(path, data)
    write_atomically(path, data)
    assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert entries(tmp_path) == {"out.txt"}


def test_a_failure_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        break_off(path, ZeroDivisionError())
    assert path.read_text() == "old"
    assert entries(tmp_path) == {"out.txt"}


def test_a_full_disk_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with pytest.raises(UsageError, match=r"out\.txt: No space left"):
        break_off(path, OSError(28, "No space left on device"))
    assert entries(tmp_path) == set()


def test_a_failed_exchange_is_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        write_atomically(tmp_path / "out.txt", "new")
    assert entries(tmp_path) == set()


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        check_writable(tmp_path)
    with pytest.raises(UsageError, match="there is no directory"):
        write_atomically(tmp_path / "no" / "out.txt", "new")
    check_writable(tmp_path / "out.txt")


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    target = tmp_path / "target.txt"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    write_atomically(pipe, "through")
    reader.join(timeout=10)
    assert found == ["through"]
    assert pipe.is_fifo()
