"""``netspec list``: the networks and blocks that come with netspec."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

HELP = "list the networks and blocks that come with netspec"
DESCRIPTION = """\
List the spec files that come with netspec, each with its variants, and the built-in
blocks. Every name of a file or variant is a SPEC for the other commands; `netspec
show NAME` prints the YAML behind a name."""

WIDTH = 88


def configure(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec import library
    from netspec.source import parse

    print("networks")
    for name in library.zoo_files():
        data = parse(library.zoo_text(name), f"{name}.yaml").data
        _entry(name, data.get("doc"))
        variants = data.get("variants")
        if variants:
            _wrapped(", ".join(_marked(v, data.get("default")) for v in variants), "      ")
    print("\nblocks")
    for name in sorted(library.built_in_blocks()):
        _entry(name, library.built_in_block(name).doc)
    return 0


def _entry(name: str, doc: Any) -> None:
    print(f"  {name}")
    if doc:
        _wrapped(" ".join(str(doc).split()), "    ")


def _marked(variant: str, default: Any) -> str:
    return f"{variant} (default)" if variant == default else variant


def _wrapped(text: str, indent: str) -> None:
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    print("\n".join(lines))
