"""What is in a file against what should be: a diff on standard output, and an exit status."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from netspec.cli.streams import write_data


def check_file(path: Path, expected: str) -> int:
    """0 when ``path`` holds ``expected``, apart from the kind of line ends; else a diff and 1.

    Raises :class:`UsageError` when the file cannot be read.
    """
    from netspec.errors import UsageError

    try:
        present = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        print(f"netspec: {path}: no such file; `-o {path}` writes it", file=sys.stderr)
        return 1
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if present == expected:
        return 0
    print_diff(present, expected, str(path), f"{path} (generated)")
    print(f"netspec: {path} is stale; `-o {path} --force` writes it again", file=sys.stderr)
    return 1


def print_diff(present: str, expected: str, present_name: str, expected_name: str) -> None:
    """A unified diff from one text to another, on standard output."""
    lines = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(
            present.splitlines(keepends=True),
            expected.splitlines(keepends=True),
            present_name,
            expected_name,
        )
    )
    write_data("".join(lines))
