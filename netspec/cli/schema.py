"""``netspec schema``: the JSON Schema of spec files and of block files, for editors."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from netspec.cli.differences import check_file

HELP = "print the JSON Schema of spec or block files, for editors"
DESCRIPTION = """\
Print the JSON Schema (draft-07) of spec files, or of files that hold a block. Editors
check and complete YAML with it; those that use yaml-language-server find it by a line
at the top of a file:

  # yaml-language-server: $schema=netspec-spec.schema.json

where the path is that of the schema, seen from the file."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "kind",
        nargs="?",
        choices=("spec", "block"),
        default="spec",
        help="the kind of files that it is for; spec unless given",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to FILE, whole or not at all; standard output unless given",
    )
    where.add_argument(
        "--check",
        metavar="FILE",
        help="write nothing; exit 1 and show a diff when FILE is not what would be written",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.files import check_writable, write_atomically
    from netspec.json_schema import schema_text

    text = schema_text(arguments.kind)
    if arguments.check is not None:
        return check_file(Path(arguments.check), text)
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    check_writable(Path(arguments.output))
    write_atomically(Path(arguments.output), text)
    print(f"wrote {arguments.output}", file=sys.stderr)
    return 0
