"""A small spec, the command line in this process, and a backend without a framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netspec.backends import base
from netspec.cli import main
from netspec.plugins import plugins
from tests.support.fake_backend import FakeBackend

SMALL = """\
netspec: 1
name: small
doc: A small network.
params:
  depths: [1, 2]
  width: 4
  classes: 3
arguments: [classes]
variants:
  small_a: {}
  small_b: {depths: [2, 1], width: 6}
default: small_a
input: {channels: 3, size: [8, 12]}
defaults:
  conv: {bias: false}
stem:
  - conv: {out: width, kernel: 3}
stages:
  times: len(depths)
  block: basic
  repeat: depths[stage]
  width: width * 2 ** stage
  stride: "1 if stage == 0 else 2"
head:
  - global_avg_pool
  - linear: {out: classes}
"""


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def command(*arguments: object) -> Finished:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Finished(status, captured.out, captured.err)

    return command


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The path of a small, valid spec."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The path of a spec with a misspelled key in its stem, on line 17."""
    path = tmp_path / "broken.yaml"
    path.write_text(SMALL.replace("kernel: 3", "kernal: 3"), encoding="utf-8")
    return path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBackend]:
    """The backend `fake`, beside the others."""
    backend = FakeBackend()
    points = {**plugins(base.GROUP), "fake": backend}
    monkeypatch.setattr(base, "plugins", lambda group: points)
    base.get_backend.cache_clear()
    yield backend
    base.get_backend.cache_clear()
