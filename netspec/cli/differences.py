"""What is in a file against what should be: a diff on standard output, and an exit status."""

from __future__ import annotations

import difflib
from pathlib import Path

from netspec.cli.streams import tell, wants_colour, write_data
from netspec.system.channels import terminal_line
from netspec.system.room import reason


def check_file(path: Path, expected: str) -> int:
    """0 when ``path`` holds ``expected``, apart from the kind of line ends; else a diff and 1.

    Raises :class:`UsageError` when the file cannot be read.
    """
    from netspec.errors import UsageError

    try:
        present = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        tell(f"netspec: {path}: no such file; `-o {path}` writes it")
        return 1
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    if present == expected:
        return 0
    print_diff(present, expected, str(path), f"{path} (generated)")
    tell(f"netspec: {path} is stale; `-o {path} --force` writes it again")
    return 1


def print_diff(present: str, expected: str, present_name: str, expected_name: str) -> None:
    """A unified diff from one text to another, on standard output."""
    lines = difflib.unified_diff(
        present.splitlines(keepends=True),
        expected.splitlines(keepends=True),
        present_name,
        expected_name,
    )
    is_colourful = wants_colour()
    write_data("".join(_shown(line, is_colourful) for line in lines))


_COLOURS = {"---": "\x1b[1m", "+++": "\x1b[1m", "@@": "\x1b[36m", "-": "\x1b[31m", "+": "\x1b[32m"}
_RESET = "\x1b[0m"


def _shown(line: str, is_colourful: bool) -> str:
    """A line of a diff for people: what it holds is shown, not obeyed."""
    text = terminal_line(line.removesuffix("\n").replace("\t", "    "))
    colour = next((c for start, c in _COLOURS.items() if text.startswith(start)), "")
    if is_colourful and colour:
        text = f"{colour}{text}{_RESET}"
    return f"{text}\n" if line.endswith("\n") else f"{text}\n\\ No newline at end of file\n"
