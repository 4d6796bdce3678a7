"""``netspec fmt``: the canonical layout of spec and block files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.streams import read_standard_input, write_data

if TYPE_CHECKING:
    from netspec.validate.files import Target

HELP = "put spec and block files into their canonical layout"
DESCRIPTION = """\
Put files into their canonical layout, in place: keys in the order of the language, two
spaces a level, lists one level below their key, no spaces at the end of a line. What is
written in braces stays so where it fits 100 columns. Comments stay, and the meaning does
not change. Directories are searched for .yaml and .yml files, hidden ones left out; what
is no netspec file is passed over. `-` is standard input, and goes to standard output.

With --check or --diff nothing is written, and the status is 1 when a file's layout is
another one."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", help="a file, a directory, or `-` for standard input"
    )
    parser.add_argument("--check", action="store_true", help="name the files of another layout")
    parser.add_argument("--diff", action="store_true", help="show what would change")
    parser.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave out files and directories of this name or path, such as `vendor` or "
        "`*/old/*.yaml`; repeatable",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; a file that is no YAML is told about, and the others are formatted."""
    from netspec.errors import NetspecError
    from netspec.validate.files import find_targets

    status = 0
    for target in find_targets(arguments.paths, arguments.exclude):
        try:
            changes = _format(target, arguments)
        except NetspecError as error:
            print(error, file=sys.stderr)
            status = 1
            continue
        if changes and (arguments.check or arguments.diff):
            status = 1
    return status


def _format(target: Target, arguments: argparse.Namespace) -> bool:
    """Format one file, as far as the arguments ask for; whether its layout is another one."""
    from netspec.cli.differences import print_diff
    from netspec.errors import UsageError, readable
    from netspec.files import is_stream, with_line_ends_of, write_atomically
    from netspec.formatting import format_text
    from netspec.source import decode
    from netspec.validate.files import STANDARD_INPUT, looks_ours

    stdin = target.path == STANDARD_INPUT
    name = "<stdin>" if stdin else readable(target.path)
    raw = read_standard_input() if stdin else _read(target.path)
    if target.is_searched and not looks_ours(raw):
        return False
    text = decode(raw, name)
    result = format_text(text, name)
    if result is None:
        print(f"{name}: passed over, no netspec file", file=sys.stderr)
    # Line ends are those of the checkout, which Git decides, and no matter of layout.
    formatted = raw if result is None else with_line_ends_of(text.encode(), result)
    changes = formatted != raw
    if changes and arguments.diff:
        print_diff(text, formatted.decode(), name, f"{name} (formatted)")
        if formatted == text.encode():
            print(f"{name}: would be UTF-8 without a byte order mark", file=sys.stderr)
    if changes and arguments.check:
        print(f"{name}: would be formatted", file=sys.stderr)
    if arguments.check or arguments.diff:
        return changes
    if stdin:
        write_data(formatted)
    elif changes:
        if is_stream(Path(target.path)):
            raise UsageError(f"{name}: is no file that keeps what is written; `-` formats a stream")
        write_atomically(Path(target.path), formatted)
        print(f"{name}: formatted", file=sys.stderr)
    return changes


def _read(path: str) -> bytes:
    from netspec.errors import fail
    from netspec.source import MAX_BYTES

    try:
        with open(path, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise fail("NS109", f"{path}: {error.strerror or error}") from error
