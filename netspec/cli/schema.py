"""``netspec schema``: the JSON Schema of spec files and of block files, for editors."""

from __future__ import annotations

import argparse
from pathlib import Path

from netspec.cli.differences import check_file
from netspec.cli.options import add_force_argument
from netspec.cli.output import write_text_file
from netspec.cli.streams import write_data

DESCRIPTION = """\
Print the JSON Schema (draft-07) of spec files, or of files that hold a block. Editors
check and complete YAML with it; those that use yaml-language-server find it by a line
at the top of a file:

  # yaml-language-server: $schema=netspec-spec.schema.json

where the path is that of the schema, seen from the file."""
EXAMPLES = (
    "netspec schema spec -o netspec-spec.schema.json",
    "netspec schema block",
)


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
        help="write to FILE, whole or not at all; standard output unless given, or for `-`",
    )
    where.add_argument(
        "--check",
        metavar="FILE",
        help="write nothing; exit 1 and show a diff when FILE is not what would be written",
    )
    add_force_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.tools.json_schema import schema_text

    text = schema_text(arguments.kind)
    if arguments.check is not None:
        return check_file(Path(arguments.check), text)
    if arguments.output in (None, "-"):
        write_data(text)
    else:
        write_text_file(Path(arguments.output), text, arguments.force)
    return 0
