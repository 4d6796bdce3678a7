"""``netspec summary``: shapes, parameters and MACs, without a framework."""

from __future__ import annotations

import argparse

from netspec.cli.options import add_spec_arguments, load_spec
from netspec.cli.streams import write_data

DESCRIPTION = """\
Print the output shape, the parameters and the multiply-accumulates (MACs) of each
stage and of the whole network, for one example. Shapes are channels first, without
the batch. Parameters include the running statistics of normalisation. MACs are those
of convolutions and linear layers. Needs no framework."""
EXAMPLES = (
    "netspec summary resnet50",
    "netspec summary mynet.yaml --set width=32",
    "netspec summary mynet.yaml --format json",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text (default) or json"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    compiled = load_spec(arguments)
    summary = compiled.summary()
    if arguments.format == "json":
        import json

        write_data(json.dumps(summary.to_json(), indent=2) + "\n")
        return 0
    print(summary)
    return 0
