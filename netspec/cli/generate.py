"""``netspec generate``: standalone source for a framework, which need not be installed."""

from __future__ import annotations

import argparse
from pathlib import Path

from netspec.cli.checked import add_no_check_argument, check_source
from netspec.cli.differences import add_text_arguments, give_text
from netspec.cli.options import (
    add_backend_argument,
    add_line_length_argument,
    add_optimize_arguments,
    add_spec_arguments,
    load_spec,
)
from netspec.cli.streams import tell

DESCRIPTION = """\
Write source code that builds the network and imports nothing but the framework. The
framework need not be installed. The same spec gives the same text, byte for byte, so
a generated file can be committed, and --check tells CI when it is stale.

Where the framework is installed, what was made is built first, without values, and is
not written unless it runs and is the network. --no-check saves the seconds that the
framework takes to load.

With --explain, standard error says why it is written so: which blocks and networks are
several classes and what parts them, which arguments the spec has no name for, which
stages a helper makes, what is a loop and why others are none, and what one thing
stands for."""
EXAMPLES = (
    "netspec generate mynet.yaml --backend torch -o mynet.py",
    "netspec generate resnet50 --backend keras --set classes=10",
    "netspec generate mynet.yaml --backend torch --check mynet.py",
    "netspec generate resnet50 --backend torch --handles timm -o resnet50.py",
    "netspec generate resnet --backend torch --all-variants -o resnet.py",
    "netspec generate mynet.yaml --backend torch --optimize inference -o fast.py",
    "netspec generate mynet.yaml --backend torch --explain -o mynet.py",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    add_backend_argument(parser)
    add_optimize_arguments(parser, "why the source is written so,")
    add_line_length_argument(parser)
    parser.add_argument(
        "--all-variants",
        action="store_true",
        help="all variants of the spec in one file: the classes once, and a function each",
    )
    parser.add_argument(
        "--handles",
        choices=("timm",),
        help="`timm`: the network's class has what its models have, as forward_features and reset_classifier",
    )
    add_text_arguments(parser)
    add_no_check_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.errors import UsageError
    from netspec.family import family_source, networks_of
    from netspec.system.files import check_writable

    if arguments.all_variants and arguments.variant is not None:
        raise UsageError("--variant: of one variant, and --all-variants takes all")
    if arguments.output not in (None, "-"):
        check_writable(Path(arguments.output))
    target = arguments.check or (None if arguments.output == "-" else arguments.output)
    network = load_spec(arguments)
    line_length, handles = arguments.line_length, arguments.handles
    networks = networks_of(network, arguments.all_variants)
    if arguments.all_variants:
        source = family_source(networks, arguments.backend, target, line_length, handles)
    else:
        source = network.generate(arguments.backend, target, line_length, handles)
    if arguments.explain:
        from netspec.family import explain_source

        for decision in explain_source(
            networks, arguments.backend, arguments.all_variants, handles
        ):
            tell(str(decision))
    if not (arguments.no_check or arguments.check):
        path = None if target is None else Path(target)
        check_source(networks, arguments.backend, source, path)
    return give_text(source, arguments)
