"""``netspec resolve``: one network of a spec as a spec of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from netspec.cli.options import add_force_argument, add_spec_arguments, load_spec
from netspec.cli.output import write_text_file
from netspec.cli.streams import write_data

DESCRIPTION = """\
Write a spec that holds one network and needs no other file: parameters are settled,
other variants are gone, the blocks that it uses stand in it, those that come with
netspec too. It is the same network, with the same names of weights."""
EXAMPLES = (
    "netspec resolve resnet50",
    "netspec resolve resnet50 --set classes=10 --keep classes -o mynet.yaml",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    parser.add_argument(
        "--keep",
        metavar="NAME",
        action="append",
        default=[],
        help="let a parameter that is a number stay a parameter; several with commas; repeatable",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to FILE, whole or not at all; standard output unless given, or for `-`",
    )
    add_force_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.system.files import check_writable

    path = None if arguments.output in (None, "-") else Path(arguments.output)
    if path is not None:
        check_writable(path)
    keep = [name for names in arguments.keep for name in names.split(",")]
    text = load_spec(arguments).to_yaml(keep)
    if path is None:
        write_data(text)
    else:
        write_text_file(path, text, arguments.force)
    return 0
