"""``netspec generate``: standalone source for a framework, which need not be installed."""

from __future__ import annotations

import argparse
from pathlib import Path

from netspec.cli.differences import check_file
from netspec.cli.options import (
    add_backend_argument,
    add_force_argument,
    add_spec_arguments,
    load_spec,
)
from netspec.cli.output import write_text_file
from netspec.cli.streams import write_data

DESCRIPTION = """\
Write source code that builds the network and imports nothing but the framework. The
framework need not be installed. The same spec gives the same text, byte for byte, so
a generated file can be committed, and --check tells CI when it is stale."""
EXAMPLES = (
    "netspec generate mynet.yaml --backend torch -o mynet.py",
    "netspec generate resnet50 --backend keras --set classes=10",
    "netspec generate mynet.yaml --backend torch --check mynet.py",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    add_backend_argument(parser)
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
    from netspec.system.files import check_writable

    if arguments.output not in (None, "-"):
        check_writable(Path(arguments.output))
    target = arguments.check or (None if arguments.output == "-" else arguments.output)
    source = load_spec(arguments).generate(arguments.backend, target)
    if arguments.check is not None:
        return check_file(Path(arguments.check), source)
    if arguments.output in (None, "-"):
        write_data(source)
    else:
        write_text_file(Path(arguments.output), source, arguments.force)
    return 0
