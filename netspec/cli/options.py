"""Arguments that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.api import CompiledNetwork

STANDARD_INPUT = "-"


def add_spec_arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC, ``--variant`` and ``--set``."""
    parser.add_argument(
        "spec",
        metavar="SPEC",
        help="a path, `-` for standard input, or the name of a zoo file or variant",
    )
    add_variant_arguments(parser)


def add_variant_arguments(parser: argparse.ArgumentParser) -> None:
    """``--variant`` and ``--set``."""
    parser.add_argument(
        "--variant", metavar="V", help="the variant to take; the spec's default unless given"
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        dest="assignments",
        action="append",
        default=[],
        help="give a parameter another value, as YAML; `depths[2]=8` reaches into a list, counted "
        "from 0; repeatable",
    )


def add_backend_argument(parser: argparse.ArgumentParser) -> None:
    """``--backend``, which any installed backend answers to."""
    parser.add_argument(
        "--backend", metavar="NAME", required=True, help="the framework: torch or keras"
    )


def load_spec(arguments: argparse.Namespace) -> CompiledNetwork:
    """The network that the arguments of :func:`add_spec_arguments` name.

    Blocks of a spec on standard input are its own or built-in ones: it has no folder.
    """
    from netspec import api
    from netspec.errors import UsageError
    from netspec.overrides import parse_assignment
    from netspec.source import Document, decode, parse

    values: dict[str, Document] = {}
    for text in arguments.assignments:
        target, document = parse_assignment(text)
        values.pop(target, None)  # the last of several wins, in its place
        values[target] = document
    if arguments.spec != STANDARD_INPUT:
        found = api.find_spec(arguments.spec, arguments.variant)
        return api.compile_document(*found, values)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("`-` reads a spec from standard input, which is a terminal")
    text = decode(sys.stdin.buffer.read(), "<stdin>")
    return api.compile_document(parse(text, "<stdin>"), arguments.variant, None, values)
