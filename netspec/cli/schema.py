"""``netspec schema``: the JSON Schema of spec files and of block files, for editors."""

from __future__ import annotations

import argparse

from netspec.cli.differences import add_text_arguments, give_text

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
    add_text_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.tools.json_schema import schema_text

    return give_text(schema_text(arguments.kind), arguments)
