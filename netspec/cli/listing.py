"""``netspec list``: the networks and blocks that come with netspec."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from fnmatch import fnmatch
from typing import Any

from netspec.cli.streams import tell, write_data

DESCRIPTION = """\
List the spec files that come with netspec, each with its variants, and the built-in
blocks. Every name of a file or variant is a SPEC for the other commands; `netspec
show NAME` prints the YAML behind a name."""
EXAMPLES = ("netspec list", "netspec list resnet", "netspec list '*50*' --format json")

MAX_WIDTH = 88


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "filter",
        metavar="WORD",
        nargs="?",
        help="only names that hold WORD, or match it with `*` and `?`, such as '*50*'",
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text (default) or json"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; status 1 where nothing has such a name."""
    networks, blocks = _networks(arguments.filter), _blocks(arguments.filter)
    if not (networks or blocks):
        return _tell_of_none(arguments.filter)
    if arguments.format == "json":
        text = json.dumps({"networks": networks, "blocks": blocks}, indent=2, ensure_ascii=False)
        write_data(f"{text}\n")
        return 0
    if networks:
        print("networks")
    for network in networks:
        _entry(network["name"], network["doc"])
        if network["variants"]:
            marked = (_marked(name, network["default"]) for name in network["variants"])
            _wrapped(", ".join(marked), "      ")
    if blocks:
        print("\nblocks" if networks else "blocks")
    for block in blocks:
        _entry(block["name"], block["doc"])
    return 0


def _networks(wanted: str | None) -> list[dict[str, Any]]:
    """The spec files, with those of their variants that are wanted; all where the file is."""
    from netspec.lang import library
    from netspec.lang.source import parse

    found = []
    for name in library.zoo_files():
        data = parse(library.zoo_text(name), f"{name}.yaml").data
        variants = [v for v in data.get("variants", ()) if _fits(name, wanted) or _fits(v, wanted)]
        if variants or _fits(name, wanted):
            doc, default = data.get("doc", ""), data.get("default")
            found.append({"name": name, "doc": doc, "default": default, "variants": variants})
    return found


def _blocks(wanted: str | None) -> list[dict[str, Any]]:
    from netspec.lang import library

    names = [name for name in sorted(library.built_in_blocks()) if _fits(name, wanted)]
    return [{"name": name, "doc": library.built_in_block(name).doc} for name in names]


def _fits(name: str, wanted: str | None) -> bool:
    return wanted is None or wanted in name or fnmatch(name, wanted)


def _tell_of_none(wanted: str) -> int:
    from netspec.errors import did_you_mean
    from netspec.lang import library

    hint = did_you_mean(wanted, {*library.zoo_variants(), *library.built_in_blocks()})
    tell(f"netspec: nothing is called `{wanted}`" + (f"; {hint}" if hint else ""))
    return 1


def _entry(name: str, doc: Any) -> None:
    print(f"  {name}")
    if doc:
        _wrapped(" ".join(str(doc).split()), "    ")


def _marked(variant: str, default: Any) -> str:
    return f"{variant} (default)" if variant == default else variant


def _wrapped(text: str, indent: str) -> None:
    width = min(MAX_WIDTH, shutil.get_terminal_size().columns)
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    print("\n".join(lines))
