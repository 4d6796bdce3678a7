"""Blocks of commands on Markdown pages, each with what it prints: run, and held against the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.isolated import python
from tests.support.pages import Fence, with_outcome

LEFT_OUT = "…"
"""A line that stands for any number of lines."""

_NOISE = re.compile(r"WARNING: All log|[IWE]\d{4} |To enable the following")
"""What TensorFlow writes past everybody."""
_MEASURED = re.compile(r"\d\\\.\de\\-\d\d")
"""A rounding error in an escaped text, which is another one on another machine."""


def commands(fence: Fence) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console with the lines of its output."""
    for part in re.split(r"^\$ ", fence.text, flags=re.MULTILINE)[1:]:
        command, *output = part.splitlines()
        yield command, output


def check_console(fence: Fence, folder: Path) -> None:
    """Run the commands of a console in ``folder``; each must print what the page shows."""
    for command, output in commands(fence):
        found = printed(command, folder)
        pattern = "\n".join(
            r"(?:.*\n)*?.*" if line == LEFT_OUT else _pattern(line.rstrip()) for line in output
        )
        assert re.fullmatch(pattern, found), f"{command}\n{found}"


def check_page(found: list[Fence], folder: Path) -> None:
    """Consoles and programs of a page print what it shows, in a folder where each builds on those before it."""
    for fence in found:
        if fence.words == ("console",):
            check_console(fence, folder)
    programs = [(f, after) for f, after in with_outcome(found) if f.words == ("python",)]
    assert programs
    for program, outcome in programs:
        process = python("-c", program.text, cwd=folder)
        assert process.returncode == 0, process.stderr
        assert outcome is not None
        assert process.stdout == outcome.text


def _pattern(line: str) -> str:
    return _MEASURED.sub(r"\\d\\.\\de-\\d\\d", re.escape(line))


def printed(command: str, folder: Path) -> str:
    """What a command of a shell prints, on either stream, without space at the ends of lines."""
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONIOENCODING": "utf-8",
    }
    process = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        timeout=300,
    )
    lines = [line.rstrip() for line in process.stdout.splitlines()]
    return "\n".join(line for line in lines if not _NOISE.match(line))
