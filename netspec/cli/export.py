"""``netspec export``: a model in a format that others run, compared with the live one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.options import (
    add_backend_argument,
    add_force_argument,
    add_optimize_arguments,
    add_spec_arguments,
    load_spec,
)
from netspec.cli.streams import tell
from netspec.cli.weights import add_weights_arguments, check_weights_arguments, use_weights

if TYPE_CHECKING:
    from netspec.exports.write import Report

DESCRIPTION = """\
Write the network for others to run, with the framework's own exporter. The export is
loaded again by the runtime that it is for and compared with the live model on random
input, at two batch sizes; only if they agree does it take its place.

  --backend torch  onnx (.onnx), torch-export (.pt2)
  --backend keras  saved-model (a directory), onnx (.onnx), litert (.tflite)

Weights are fresh initial ones unless --weights names a file. Needs the framework, and
for onnx and litert the extras `onnx` and `litert` of netspec-compiler."""
EXAMPLES = (
    "netspec export resnet18 --backend torch --format onnx -o resnet18.onnx",
    "netspec export mynet.yaml --backend keras --format litert -o mynet.tflite --weights mynet.safetensors",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    add_backend_argument(parser)
    add_optimize_arguments(parser)
    parser.add_argument("--format", metavar="FORMAT", required=True, help="what to write")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        required=True,
        type=Path,
        help="write to PATH, whole or not at all",
    )
    add_weights_arguments(parser)
    add_force_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.backends.base import export_of, get_backend, require_framework
    from netspec.cli.output import progress
    from netspec.cli.quiet import quiet
    from netspec.exports.base import ExportError
    from netspec.exports.places import check_free
    from netspec.exports.write import export_model

    backend = get_backend(arguments.backend)
    export = export_of(backend, arguments.format)
    require_framework(backend)
    check_free(arguments.output, export.format, arguments.force)
    check_weights_arguments(arguments)
    compiled = load_spec(arguments)
    try:
        with quiet(), progress(f"exporting {compiled.name} to {arguments.format}") as tell_progress:
            tell_progress("building, 1 of 3")
            model = compiled.build(backend.name)
            use_weights(arguments, compiled, model)
            report = export_model(
                backend,
                model,
                compiled.network,
                export,
                arguments.output,
                tell_progress,
            )
    except ExportError as error:
        tell(f"netspec: {error}; nothing was written")
        return 1
    _print(report, f"{compiled.name} ({backend.name}) as {report.format}")
    tell(f"wrote {arguments.output}")
    return 0


def _print(report: Report, title: str) -> None:
    """The export's input and outputs, and how near each came."""
    from netspec.ir.table import shape_text

    comparison = report.comparison
    width = max(len(name) for name in (comparison.input, *(o.name for o in comparison.outputs)))
    print(f"{title}, compared with the live model in {report.runtime}")
    print(f"  input   {comparison.input:{width}}  batch×{shape_text(comparison.input_shape)}")
    for output in comparison.outputs:
        print(
            f"  output  {output.name:{width}}  batch×{shape_text(output.shape)}, off by "
            f"{output.error:.1e} of its largest value; the bound is {report.bound:.0e}"
        )
