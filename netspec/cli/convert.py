"""``netspec convert``: weights from one framework's files to another's, every tensor accounted for."""

from __future__ import annotations

import argparse
from pathlib import Path

from netspec.cli.options import (
    add_force_argument,
    add_optimize_arguments,
    add_variant_arguments,
    load_spec,
)
from netspec.cli.streams import tell
from netspec.cli.weights import add_reading_arguments, brief, matching_of, seed, tell_each

DESCRIPTION = """\
Read the weights of a network, match each by name and shape, and write them with the
names and layouts of another framework, or of a published checkpoint that the spec's
`checkpoints` describe. Formats, by suffix:
  .safetensors         names of --from or --to
  .pt, .pth            PyTorch (also read: .th, .pth.tar, .ckpt, .bin)
  .keras, .weights.h5  Keras (also read: .h5 of Keras 2)

Every tensor is accounted for: one that is missing, left over or of another shape is an
error, and then nothing is written. Tensors keep their dtype. Files are never trusted:
nothing in them is run. With --optimize the file holds the weights of the network as its
spec says, and what is written are those of the optimized one."""
EXAMPLES = (
    "netspec convert trained.pt --spec mynet.yaml --to keras -o trained.keras",
    "netspec convert trained.keras --spec mynet.yaml --to torch -o trained.safetensors",
    "netspec convert trained.pt --spec mynet.yaml --optimize inference --to torch -o small.pt",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("weights", metavar="WEIGHTS", type=Path, help="the file to read")
    parser.add_argument(
        "--spec",
        metavar="SPEC",
        required=True,
        help="a path, `-` for standard input, or the name of a zoo file or variant",
    )
    add_variant_arguments(parser)
    parser.add_argument(
        "--to",
        metavar="NAMES",
        dest="target",
        required=True,
        help="whose names and layouts to write: torch, keras, or one of the spec's `checkpoints`",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        required=True,
        type=Path,
        help="the file to write, whole or not at all; its suffix says the format",
    )
    add_reading_arguments(parser)
    add_optimize_arguments(parser)
    parser.add_argument(
        "--seed",
        metavar="N",
        type=seed,
        default=0,
        help="of the values with which allowed missing tensors start; 0 unless given",
    )
    add_force_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.cli.output import progress
    from netspec.system.files import check_output
    from netspec.weights.checkpoints import convert

    check_output(arguments.output, arguments.force)
    compiled = load_spec(arguments)
    how = matching_of(arguments)
    with progress(f"converting {arguments.weights}") as tell_progress:
        report = convert(
            compiled.compilation,
            arguments.weights,
            arguments.output,
            source=arguments.source,
            target=arguments.target,
            how=how,
            seed=arguments.seed,
            tell=tell_progress,
        )
    tell_each(f"{arguments.weights}:", report.notes)
    tell_each("missing, started anew:", report.missing)
    tell_each("unexpected, left:", report.unexpected)
    tell_each(f"dropped, {arguments.target} has none:", brief(report.dropped))
    tell_each("set to 0, the file has none:", brief(report.restored))
    goal = f", optimized for {arguments.optimize}" if arguments.optimize else ""
    tell(f"wrote {arguments.output}: {report.tensors:,} tensors of {compiled.name}{goal}")
    return 0
