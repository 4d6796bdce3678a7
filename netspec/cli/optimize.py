"""``netspec optimize``: an optimized network as a spec."""

from __future__ import annotations

import argparse

from netspec.cli.differences import add_text_arguments, give_text
from netspec.cli.options import add_explain_argument, add_spec_arguments, load_spec

DESCRIPTION = """\
Write the spec of an optimized network, which needs no other file: norms are folded into
the layers beside them, linear branches merged, and what only training needs is gone. In
evaluation it gives what the network gives; its weights are what `netspec convert
--optimize` makes of those of the network."""
EXAMPLES = (
    "netspec optimize resnet50",
    "netspec optimize mynet.yaml --explain -o fast.yaml",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    parser.add_argument(
        "--goal",
        metavar="GOAL",
        dest="optimize",
        default="inference",
        help="what to optimize for; `inference`, which there is, unless given",
    )
    add_explain_argument(parser, "tell what each pass did, and why it did nothing elsewhere")
    add_text_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    return give_text(load_spec(arguments).to_yaml(), arguments)
