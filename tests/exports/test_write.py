"""Exports are written whole, compared, and only then in their place; without a framework."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy
import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.backends.base import export_of
from netspec.errors import UsageError
from netspec.exports.base import ExportError
from netspec.exports.write import export_model
from tests.support.fake_backend import FakeBackend
from tests.support.fake_export import FakeFormat, Outputs

TEXT = """
netspec: 1
name: small
input: {channels: 3, size: [6, 8]}
outputs: {early: first}
stem:
  - {conv: {out: 4, kernel: 3}, as: first}
  - relu
head:
  - global_avg_pool
"""


@pytest.fixture(scope="module")
def small() -> CompiledNetwork:
    return netspec.loads(TEXT)


def exported(small: CompiledNetwork, fake: FakeFormat, path: Path, **options: bool) -> Any:
    backend = FakeBackend(exports={"fake-format": fake.export(**options)})
    model = backend.build(small.network)
    export = export_of(backend, "fake-format")
    return export_model(backend, model, small.network, export, path)


def test_a_report_says_what_was_compared(small: CompiledNetwork, tmp_path: Path) -> None:
    path = tmp_path / "net.fake"
    report = exported(small, FakeFormat(), path)
    assert path.is_file()
    assert (report.path, report.format, report.bound) == (path, "fake-format", 1e-3)
    assert report.runtime == f"numpy {numpy.__version__}"
    assert (report.comparison.input, report.comparison.input_shape) == ("x", (3, 6, 8))
    assert [(o.name, o.shape, o.error) for o in report.comparison.outputs] == [
        ("early", (4, 6, 8), 0.0),
        ("output", (4,), 0.0),
    ]


def test_channels_last_is_undone_for_the_comparison(small: CompiledNetwork, tmp_path: Path) -> None:
    seen = []

    def last(outputs: Outputs) -> Outputs:
        seen.append({name: value.shape[0] for name, value in outputs.items()})
        return {name: numpy.moveaxis(value, 1, -1) for name, value in outputs.items()}

    report = exported(small, FakeFormat(last), tmp_path / "net.fake", channels_last=True)
    assert report.comparison.input_shape == (6, 8, 3)
    assert [o.shape for o in report.comparison.outputs] == [(6, 8, 4), (4,)]
    assert seen == [{"early": 1, "output": 1}, {"early": 3, "output": 3}]


CHANGES = {
    "values": (lambda o: {**o, "early": o["early"] + 0.01}, "`early` at batch 1 by 1.0e-02"),
    "one value of a larger batch": (
        lambda o: {**o, "output": o["output"] + (len(o["output"]) == 3) * numpy.eye(1, 4)},
        "`output` at batch 3",
    ),
    "no numbers": (lambda o: {**o, "output": o["output"] * numpy.nan}, "`output` at batch 1"),
    "a missing output": (lambda o: {"output": o["output"]}, "has the outputs `output`, the live"),
    "another name": (lambda o: {"early": o["early"], "y": o["output"]}, "`early`, `y`"),
    "another shape": (
        lambda o: {**o, "early": numpy.moveaxis(o["early"], 1, -1)},
        "`early` has shape (1, 6, 8, 4), the live model's (1, 4, 6, 8)",
    ),
    "a fixed batch": (
        lambda o: {name: value[:1] for name, value in o.items()},
        "at batch 3: `early` has shape (1, 4, 6, 8)",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_export_that_differs_is_refused_and_gone(
    small: CompiledNetwork, tmp_path: Path, name: str
) -> None:
    change, said = CHANGES[name]
    with pytest.raises(ExportError) as caught:
        exported(small, FakeFormat(change), tmp_path / "net.fake")
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_difference_is_measured_by_the_largest_value(
    small: CompiledNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = FakeBackend.run

    def hundreds(self: FakeBackend, model: Any, inputs: Any) -> Outputs:
        return {name: value - 100 for name, value in zeros(self, model, inputs).items()}

    monkeypatch.setattr(FakeBackend, "run", hundreds)
    near = FakeFormat(lambda o: {name: value - 100.05 for name, value in o.items()})
    report = exported(small, near, tmp_path / "net.fake")
    assert [round(o.error, 6) for o in report.comparison.outputs] == [5e-4, 5e-4]
    far = FakeFormat(lambda o: {name: value - 100.2 for name, value in o.items()})
    with pytest.raises(ExportError, match=r"by 2.0e-03 of its largest value; the bound is 1e-03"):
        exported(small, far, tmp_path / "net.fake")


def test_a_live_model_without_numbers_is_nothing_to_compare_with(
    small: CompiledNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = FakeBackend.run

    def nothing(self: FakeBackend, model: Any, inputs: Any) -> Outputs:
        return {
            name: value / value.dtype.type(0) for name, value in zeros(self, model, inputs).items()
        }

    monkeypatch.setattr(FakeBackend, "run", nothing)
    with numpy.errstate(all="ignore"), pytest.raises(ExportError, match="wants trained weights"):
        exported(small, FakeFormat(), tmp_path / "net.fake")


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("old", [False, True])
def test_a_failure_leaves_what_was_there(
    small: CompiledNetwork, tmp_path: Path, folder: bool, old: bool
) -> None:
    path = tmp_path / ("net" if folder else "net.fake")
    if old:
        exported(small, FakeFormat(), path, folder=folder)
    before = {entry: entry.stat().st_mtime_ns for entry in tmp_path.rglob("*")}
    refusal = ValueError("\n\n  no kernel for it\nsecond line")
    with pytest.raises(ExportError, match=r"^small cannot be exported") as caught:
        exported(small, FakeFormat(refusal=refusal), path, folder=folder)
    assert str(caught.value).endswith("to fake-format: ValueError: no kernel for it")
    assert {entry: entry.stat().st_mtime_ns for entry in tmp_path.rglob("*")} == before


def test_an_interruption_leaves_nothing(small: CompiledNetwork, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        exported(small, FakeFormat(refusal=KeyboardInterrupt()), tmp_path / "net.fake")
    assert list(tmp_path.iterdir()) == []


def test_long_causes_are_cut(small: CompiledNetwork, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        exported(small, FakeFormat(refusal=RuntimeError("x" * 9999)), tmp_path / "net.fake")
    assert len(str(caught.value)) < 300


def test_weights_beside_the_export_are_no_export(small: CompiledNetwork, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"wrote weights\.data beside the export"):
        exported(small, FakeFormat(stray="weights.data"), tmp_path / "net.fake")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [False, True])
def test_an_export_takes_the_place_of_another(
    small: CompiledNetwork, tmp_path: Path, folder: bool
) -> None:
    path = tmp_path / ("net" if folder else "net.fake")
    for _ in range(2):
        exported(small, FakeFormat(), path, folder=folder)
        if folder:
            assert [entry.name for entry in path.iterdir()] == ["model.json"]
            (path / "left.over").touch()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_link_stays_a_link(small: CompiledNetwork, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "net.fake"
    link.symlink_to(tmp_path / "there" / "real.fake")
    exported(small, FakeFormat(), link)
    assert link.is_symlink()
    assert (tmp_path / "there" / "real.fake").is_file()


def test_what_cannot_take_an_export_is_said_before_the_work(
    small: CompiledNetwork, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    (tmp_path / "file").touch()
    (tmp_path / "folder.fake").mkdir()
    fake = FakeFormat()
    for name, folder, said in [
        ("net.onnx", False, "ends in `.fake`"),
        ("folder.fake", False, "is a directory"),
        ("nowhere/net.fake", False, "there is no directory"),
        ("full", True, "holds something other than fake-format"),
        ("file", True, "is a file; fake-format is a directory"),
        ("nowhere/net", True, "there is no directory"),
    ]:
        with pytest.raises(UsageError) as caught:
            exported(small, fake, tmp_path / name, folder=folder)
        assert said in str(caught.value), name
    assert fake.written == []


def test_an_empty_directory_is_taken(small: CompiledNetwork, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    exported(small, FakeFormat(), tmp_path / "net", folder=True)
    assert [entry.name for entry in (tmp_path / "net").iterdir()] == ["model.json"]


def refuse_to_move(
    monkeypatch: pytest.MonkeyPatch, place: Path, error: BaseException, onto: bool = False
) -> None:
    """Let nothing move ``place``, or move onto it, as when it is a mount point."""
    move = os.replace

    def replace(source: Path, target: Path) -> None:
        if place == (target if onto else source):
            raise error
        move(source, target)

    monkeypatch.setattr(os, "replace", replace)


def test_a_directory_that_cannot_be_moved_gets_other_entries(
    small: CompiledNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net"
    path.mkdir()
    (path / "model.json").write_text("old")
    (path / "left.over").touch()
    place = path.stat().st_ino
    refuse_to_move(monkeypatch, path, OSError(errno.EBUSY, "busy"))
    exported(small, FakeFormat(), path, folder=True)
    assert path.stat().st_ino == place
    assert [entry.name for entry in path.iterdir()] == ["model.json"]
    assert (path / "model.json").read_text() != "old"

    before = (path / "model.json").read_text()
    monkeypatch.setattr("shutil.move", Mock(side_effect=OSError(errno.ENOSPC, "full")))
    with pytest.raises(UsageError, match="full"):
        exported(small, FakeFormat(), path, folder=True)
    assert [entry.name for entry in path.iterdir()] == ["model.json"]
    assert (path / "model.json").read_text() == before


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_a_directory_goes_back_where_it_was(
    small: CompiledNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "net"
    path.mkdir()
    (path / "model.json").write_text("old")
    move, calls = os.replace, []

    def replace(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise error
        move(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises((UsageError, KeyboardInterrupt)):
        exported(small, FakeFormat(), path, folder=True)
    assert (path / "model.json").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["net"]


def test_beside_which_nothing_can_be_made_a_directory_is_filled(
    small: CompiledNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net"
    path.mkdir()
    (path / "model.json").write_text("old")
    make = os.mkdir

    def mkdir(place: str, mode: int = 0o777) -> None:
        if Path(place).parent == tmp_path:
            raise OSError(errno.EROFS, "Read-only file system")
        make(place, mode)

    monkeypatch.setattr(os, "mkdir", mkdir)
    exported(small, FakeFormat(), path, folder=True)
    assert [entry.name for entry in path.iterdir()] == ["model.json"]
    assert (path / "model.json").read_text() != "old"
    with pytest.raises(UsageError, match="other: Read-only file system"):
        exported(small, FakeFormat(), tmp_path / "other", folder=True)


def test_what_else_is_in_a_directory_is_somebodys(small: CompiledNetwork, tmp_path: Path) -> None:
    path = tmp_path / "net"
    exported(small, FakeFormat(), path, folder=True)
    (path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="holds something other than fake-format"):
        exported(small, FakeFormat(), path, folder=True)
    assert (path / "thesis.tex").exists()


def test_an_exporter_without_room_is_no_refusal_of_the_network(
    small: CompiledNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("netspec.exports.write.lacking", lambda folder: full)
    with pytest.raises(UsageError, match=r"net\.fake: No space left on device"):
        exported(small, FakeFormat(refusal=RuntimeError("basic_ios::clear")), tmp_path / "net.fake")
    assert list(tmp_path.iterdir()) == []


def test_an_unsupported_format_names_the_possible_ones() -> None:
    backend = FakeBackend(exports={"one": FakeFormat().export(), "two": FakeFormat().export()})
    with pytest.raises(UsageError) as caught:
        export_of(backend, "three")
    assert str(caught.value) == ("the fake backend does not export to `three`, but to `one`, `two`")


def test_a_missing_module_is_one_line_that_names_the_extra() -> None:
    export = FakeFormat().needing("surely_not", "json", "nor_this")
    with pytest.raises(UsageError) as caught:
        export_of(FakeBackend(exports={"f": export}), "f")
    assert str(caught.value) == (
        "exporting to f needs surely_not and nor_this: pip install 'netspec-compiler[special]'"
    )
