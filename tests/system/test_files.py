"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from netspec.errors import UsageError
from netspec.system import files
from netspec.system.files import (
    check_distinct,
    check_output,
    check_writable,
    holds,
    replacing,
    write_atomically,
)
from netspec.system.room import PatientFile, reserve
from tests.support.disks import room_for


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


def test_names_may_be_as_long_as_the_system_lets_them(tmp_path: Path) -> None:
    for name in ("b" * 247 + ".py", "a." + "b" * 250):
        path = tmp_path / name
        write_atomically(path, "new")
        write_atomically(path, "newer")
        assert path.read_text() == "newer"
        path.unlink()
    for check in (check_writable, lambda path: write_atomically(path, "new")):
        with pytest.raises(UsageError, match=r"File name too long$"):
            check(tmp_path / ("b" * 300))
    assert entries(tmp_path) == set()


def test_a_link_into_nothing_makes_the_file_that_it_names(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to("target.txt")
    write_atomically(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "target.txt").read_text() == "new"
    lost = tmp_path / "lost.txt"
    lost.symlink_to(tmp_path / "gone" / "target.txt")
    with pytest.raises(
        UsageError, match=r"lost\.txt: leads to .*gone/target\.txt, and there is no"
    ):
        check_writable(lost)
    loop = tmp_path / "loop.txt"
    loop.symlink_to("loop.txt")
    with pytest.raises(UsageError, match="symbolic links"):
        write_atomically(loop, "new")
    assert loop.is_symlink()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")
def test_owner_and_group_stay(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    os.chown(path, 1234, 2345)
    path.chmod(0o664)
    write_atomically(path, "new")
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 2345, 0o664)
    assert path.read_text() == "new"


def test_an_owner_that_cannot_be_given_stays_by_rewriting_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    place = path.stat().st_ino

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    monkeypatch.setattr(Path, "chmod", refuse)
    write_atomically(path, "new")
    assert (path.stat().st_ino, path.read_text()) == (place, "new")


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="extended attributes are Linux's")
def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    try:
        os.setxattr(path, "user.origin", b"here")
    except OSError:
        pytest.skip("the file system has none")
    write_atomically(path, "new")
    assert (os.getxattr(path, "user.origin"), path.read_text()) == (b"here", "new")


@pytest.mark.parametrize("text", ["", "longer than it was\n", "-"])
def test_hard_links_stay(tmp_path: Path, text: str) -> None:
    path, other = tmp_path / "out.txt", tmp_path / "other.txt"
    path.write_text("as it was\n")
    other.hardlink_to(path)
    write_atomically(path, text)
    assert (path.read_text(), other.read_text(), path.stat().st_nlink) == (text, text, 2)
    assert entries(tmp_path) == {"out.txt", "other.txt"}


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EPERM])
def test_a_mount_point_is_rewritten_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "out.txt"
    path.write_text("old")
    place = path.stat().st_ino
    monkeypatch.setattr(os, "replace", refuse)
    write_atomically(path, "new")
    assert (path.stat().st_ino, path.read_text()) == (place, "new")
    assert entries(tmp_path) == {"out.txt"}


def closed_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let no file be made in a folder."""
    make = os.open

    def refuse(path: str | Path, flags: int, mode: int = 0o777, **more: int) -> int:
        if flags & os.O_CREAT and Path(path).parent == folder:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return make(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", refuse)


def test_a_file_in_a_closed_folder_is_rewritten_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    closed_folder(monkeypatch, tmp_path)
    write_atomically(path, "new")
    assert path.read_text() == "new"
    with pytest.raises(UsageError, match=r"other\.txt: Read-only file system"):
        write_atomically(tmp_path / "other.txt", "new")
    assert entries(tmp_path) == {"out.txt"}


def test_want_of_room_leaves_a_file_that_is_rewritten_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "out.txt", tmp_path / "other.txt"
    path.write_text("as it was\n")
    other.hardlink_to(path)
    write = files.write_all

    def full(file: Any, data: bytes) -> None:
        write(file, data[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_all", full)
    with pytest.raises(UsageError, match=r"out\.txt: No space left"):
        write_atomically(path, "longer than it was")
    assert path.read_text() == "as it was\n"
    assert entries(tmp_path) == {"out.txt", "other.txt"}


def test_what_is_broken_off_in_place_is_kept_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "out.txt", tmp_path / "other.txt"
    path.write_text("as it was, which was long\n")
    other.hardlink_to(path)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_all", interrupt)
    with pytest.raises(UsageError, match="interrupted; it is in pieces now") as caught:
        write_atomically(path, "new\n")
    kept = Path(str(caught.value).rpartition(" ")[2])
    assert kept.read_text() == "new\n"


def test_frameworks_that_have_no_room_say_so_in_their_own_ways(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with room_for(1000), pytest.raises(UsageError, match=r"out\.txt: File too large"):
        break_off(path, RuntimeError("PytorchStreamWriter failed"))
    with pytest.raises(RuntimeError, match="of its own"):
        break_off(path, RuntimeError("a fault of its own"))
    assert entries(tmp_path) == set()


def test_a_patient_file_takes_all_and_tells_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    with room_for(1000):
        file = PatientFile(path)
        assert [file.write(bytes(600)) for _ in range(3)] == [600, 600, 600]
        with pytest.raises(OSError, match="File too large"):
            file.close()
        with pytest.raises(OSError, match="File too large"):
            reserve(tmp_path, 1001)
        reserve(tmp_path, 1000)
    with PatientFile(path) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert entries(tmp_path) == {"out.bin"}


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replacing(tmp_path / "out.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert entries(tmp_path) == set()


def test_the_new_content_is_as_secret_as_the_old(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    path.chmod(0o600)
    with replacing(path) as temporary:
        assert temporary.stat().st_mode & 0o777 == 0o600
        temporary.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("present", "kept"),
    [(b"a\r\nb\r\n", b"x\r\ny\r\n"), (b"a\nb\r\n", b"x\ny\n"), (b"", b"x\ny\n"), (b"a", b"x\ny\n")],
)
def test_text_keeps_the_line_ends_of_the_file(tmp_path: Path, present: bytes, kept: bytes) -> None:
    path = tmp_path / "out.txt"
    path.write_bytes(present)
    write_atomically(path, "x\ny\n")
    assert path.read_bytes() == kept
    assert holds(path, "x\ny\n")
    assert not holds(path, "x\n")
    write_atomically(path, b"x\ny\n")
    assert path.read_bytes() == b"x\ny\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_device_that_is_full_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"^/dev/full: No space left on device$"):
        write_atomically(Path("/dev/full"), "new")
    with (
        pytest.raises(UsageError, match="No space left"),
        replacing(Path("/dev/full")) as temporary,
    ):
        temporary.write_bytes(bytes(100))
    write_atomically(Path(os.devnull), "new")


def test_a_file_on_an_open_descriptor_is_written_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as shell:
        shell.write("head\n")
        shell.flush()
        for link in (tmp_path / "link", tmp_path / "link of a link"):
            link.symlink_to(f"/dev/fd/{shell.fileno()}" if link.name == "link" else "link")
            write_atomically(link, "text\n")
            check_output(link, force=False)
            with replacing(link) as temporary:
                temporary.write_text("whole\n")
            link.unlink() if link.name != "link" else None
        shell.seek(0, os.SEEK_END)
        shell.write("tail\n")
    assert log.read_text() == "head\ntext\nwhole\ntext\nwhole\ntail\n"
    with pytest.raises(UsageError, match="Bad file descriptor"):
        write_atomically(Path("/dev/fd/987654"), "text")


def test_a_pipe_gets_a_format_that_needs_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.zip"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    with replacing(pipe) as temporary:
        assert temporary.suffix == ".zip"
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr("name", "content")
    reader.join(timeout=10)
    assert zipfile.ZipFile(io.BytesIO(found[0])).read("name") == b"content"
    assert entries(tmp_path) == {"pipe.zip"}


def test_what_is_there_is_replaced_by_force(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    check_output(path, force=False)
    path.touch()
    check_output(path, force=False)
    path.write_text("mine")
    with pytest.raises(UsageError, match=r"out\.txt: is there already; --force replaces it"):
        check_output(path, force=False)
    check_output(path, force=True)
    with pytest.raises(UsageError, match="is a directory"):
        check_output(tmp_path, force=True)
    (tmp_path / "link.txt").symlink_to(path)
    with pytest.raises(UsageError, match="named twice"):
        check_distinct([path, tmp_path / "link.txt"])
    check_distinct([path, tmp_path / "other.txt"])


def test_a_name_that_is_no_text_is_written_with_its_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xe9t\xc3\xa9") + "\ud83d"
    write_atomically(tmp_path / "out.txt", name)
    assert (tmp_path / "out.txt").read_text("utf-8") == "\\xe9té\\ud83d"
