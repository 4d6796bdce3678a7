"""Distributions that no index has: a folder for `sys.path`, and commands in a process that sees it."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.isolated import FRAMEWORKS, python
from tests.support.pages import ROOT

_COMMANDS = """
import contextlib, io, json, sys
from netspec.cli import main

found = []
for line in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(line)
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    found.append([status, out.getvalue(), err.getvalue(), loaded])
sys.stdout.write(json.dumps(found))
"""


@dataclass(frozen=True)
class Done:
    """What a command left behind, and the frameworks that were in memory then."""

    status: int
    out: str
    err: str
    frameworks: frozenset[str]


def install(folder: Path, project: str, files: Mapping[str, str]) -> None:
    """Put a distribution into ``folder``: its ``pyproject.toml`` as text, and its modules by path."""
    table = tomllib.loads(project)["project"]
    name, version = table["name"], table["version"]
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in table["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def commands(folder: Path, cwd: Path, *lines: str) -> list[Done]:
    """Commands one after another in one new process, with what is installed in ``folder``."""
    path = os.pathsep.join([str(folder), str(ROOT)])
    words = json.dumps([line.split() for line in lines])
    process = python("-c", _COMMANDS, words, cwd=cwd, PYTHONPATH=path)
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout)
    return [Done(*done[:3], frozenset(done[3]) & {*FRAMEWORKS}) for done in found]
