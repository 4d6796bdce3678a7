"""``netspec resolve``: one network of a spec as a spec of its own."""

from __future__ import annotations

import argparse

from netspec.cli.differences import add_text_arguments, give_text
from netspec.cli.options import add_spec_arguments, load_spec

DESCRIPTION = """\
Write a spec that holds one network and needs no other file: parameters are settled,
other variants are gone, the blocks that it uses stand in it, those that come with
netspec too. It is the same network, with the same names of weights, published ones
too."""
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
    add_text_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    keep = [name for names in arguments.keep for name in names.split(",")]
    return give_text(load_spec(arguments).to_yaml(keep), arguments)
