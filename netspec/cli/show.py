"""``netspec show``: the YAML of a network or block that comes with netspec."""

from __future__ import annotations

import argparse

from netspec.cli.streams import write_data

DESCRIPTION = """\
Print the YAML file behind a name: that of a network, of the file that a variant is in,
or of a built-in block. A good start for a spec of one's own."""
EXAMPLES = (
    "netspec show resnet",
    "netspec show bottleneck",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="a zoo file, a variant or a built-in block")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.lang.library import without_modeline

    write_data(without_modeline(_text(arguments.name)))
    return 0


def _text(name: str) -> str:
    from netspec.errors import UsageError, did_you_mean
    from netspec.lang import library

    networks, blocks = library.zoo_variants(), library.built_in_blocks()
    if name in networks:
        return library.zoo_text(networks[name][0])
    if name in blocks:
        return library.block_text(name)
    hint = did_you_mean(name, {*networks, *blocks}) or "see `netspec list`"
    raise UsageError(f"no network or block is called `{name}`; {hint}")
