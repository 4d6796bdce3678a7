"""``netspec fmt``: the canonical layout of spec and block files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.options import STANDARD_INPUT, add_search_arguments, nothing_found, tell_others
from netspec.cli.streams import read_standard_input, tell, write_data
from netspec.system.channels import readable

if TYPE_CHECKING:
    from netspec.check.validate.files import Target
    from netspec.errors import NetspecError

DESCRIPTION = """\
Put files into their canonical layout, in place: keys in the order of the language, two
spaces a level, lists one level below their key, no spaces at the end of a line. What is
written in braces stays so where it fits 100 columns. Comments stay, and the meaning does
not change. Directories are searched for .yaml and .yml files, hidden ones left out; what
is no netspec file is passed over, also where it is named. `-` is standard input, and goes
to standard output.

With --check or --diff nothing is written, and the status is 1 when a file's layout is
another one."""
EXAMPLES = (
    "netspec fmt mynet.yaml",
    "netspec fmt --check specs",
    "netspec fmt - < mynet.yaml",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", help="a file, a directory, or `-` for standard input"
    )
    parser.add_argument("--check", action="store_true", help="name the files of another layout")
    parser.add_argument("--diff", action="store_true", help="show what would change")
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; a file that cannot be formatted is told about, and the others are formatted."""
    from netspec.check.validate.files import find_targets
    from netspec.check.validate.ownership import owner_of
    from netspec.errors import NetspecError, UsageError

    status = others = unreadable = 0
    targets = find_targets(arguments.paths, arguments.exclude)
    for target in targets:
        stdin = target.path == STANDARD_INPUT
        try:
            raw = read_standard_input() if stdin else target.read()
            owner = owner_of(raw)
            if owner != "ours":
                others += 1
                unreadable += owner == "unreadable"
                if stdin and not (arguments.check or arguments.diff):
                    write_data(raw)
                continue
            changes = _format(target, raw, arguments)
        except NetspecError as error:
            _tell(target, error)
            status = max(status, 1)
            continue
        except UsageError as error:  # it cannot be written; the others can
            tell(f"netspec: {error}")
            status = 2
            continue
        if changes and (arguments.check or arguments.diff):
            status = max(status, 1)
    tell_others(others, unreadable, "YAML file")
    is_named = any(not target.is_searched for target in targets)
    if others == len(targets) and not (is_named or arguments.allow_empty):
        raise nothing_found("spec or block file", arguments)
    return status


def _tell(target: Target, error: NetspecError) -> None:
    """Say that a file was not formatted; what is wrong in it is for `validate` to tell."""
    first = error.diagnostics[0]
    if first.span is None:
        tell(error)
        return
    name = "-" if target.path == STANDARD_INPUT else readable(target.path)
    tell(f"{first.span}: not formatted, {first.code}; `netspec validate {name}` says more")


def _format(target: Target, raw: bytes, arguments: argparse.Namespace) -> bool:
    """Format one file, as far as the arguments ask for; whether its layout is another one."""
    from netspec.cli.differences import print_diff
    from netspec.errors import UsageError
    from netspec.lang.source import decode
    from netspec.system.files import is_stream, with_line_ends_of, write_atomically
    from netspec.tools.formatting import format_text

    stdin = target.path == STANDARD_INPUT
    name = "<stdin>" if stdin else readable(target.path)
    text = decode(raw, name)
    # Line ends are those of the checkout, which Git decides, and no matter of layout.
    result = format_text(text, name)
    formatted = raw if result is None else with_line_ends_of(text.encode(), result)
    changes = formatted != raw
    if changes and arguments.diff:
        print_diff(text, formatted.decode(), name, f"{name} (formatted)")
        if formatted == text.encode():
            tell(f"{name}: would be UTF-8 without a byte order mark")
    if changes and arguments.check:
        tell(f"{name}: would be formatted")
    if arguments.check or arguments.diff:
        return changes
    if stdin:
        write_data(formatted)
    elif changes:
        if is_stream(Path(target.path)):
            raise UsageError(f"{name}: is no file that keeps what is written; `-` formats a stream")
        write_atomically(Path(target.path), formatted)
        tell(f"{name}: formatted")
    return changes
