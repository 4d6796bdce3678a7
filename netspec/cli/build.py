"""``netspec build``: the live model, run once, checked against the network, and written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.cli.options import add_backend_argument, add_spec_arguments, load_spec

if TYPE_CHECKING:
    from netspec.api import CompiledNetwork
    from netspec.backends.base import Backend

HELP = "make the live model, run it once, check it, and write it"
DESCRIPTION = """\
Make the live model, run it once on random input, and check its output shapes and the
name and shape of every parameter against the network. Prints a table of stages with
output shape, parameters and MACs, and totals. Needs the framework.

With -o the model is written too, by suffix:
  .py           source code, as `netspec generate` writes it
  .safetensors  initial weights, under canonical names
  .keras        a Keras model (--backend keras)
  .pt2          an exported PyTorch program (--backend torch)"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    add_backend_argument(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        dest="outputs",
        action="append",
        default=[],
        type=Path,
        help="write to PATH, whole or not at all; the suffix says what; repeatable",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.backends.base import get_backend, require_framework
    from netspec.cli.output import print_summary, progress, shape_text

    backend = get_backend(arguments.backend)
    _check_outputs(arguments.outputs, backend)
    compiled = load_spec(arguments)
    require_framework(backend)
    with progress(f"building {compiled.name} with {backend.name}"):
        model = compiled.build(backend.name)
    with progress(f"running {compiled.name}"):
        weights = backend.read_weights(model, compiled.network)
        _check_model(compiled, backend, model, weights)
    summary = compiled.summary()
    shape = shape_text(summary.input_shape)
    print_summary(summary, f"{compiled.name} ({backend.name}): input {shape}")
    for path in arguments.outputs:
        with progress(f"writing {path}"):
            _write(path, compiled, backend, model, weights)
        print(f"wrote {path}", file=sys.stderr)
    return 0


def _check_outputs(paths: list[Path], backend: Backend) -> None:
    """Raise :class:`UsageError` for what cannot be written, ahead of the work."""
    from netspec.errors import UsageError
    from netspec.files import check_writable

    known = [".py", ".safetensors", *backend.formats]
    for path in paths:
        if path.suffix not in known:
            listed = ", ".join(known)
            raise UsageError(f"{path}: the {backend.name} backend writes {listed}")
        check_writable(path)


def _check_model(
    compiled: CompiledNetwork, backend: Backend, model: Any, weights: dict[str, Any]
) -> None:
    """Hold the live model against the network; raises :class:`InternalError` where they differ."""
    import numpy

    from netspec.analyse import output_shapes, weight_shapes
    from netspec.errors import InternalError

    what = f"the {backend.name} model of {compiled.name}"
    _compare(
        f"{what}: weight",
        weight_shapes(compiled.network),
        {name: tuple(array.shape) for name, array in weights.items()},
    )
    count = sum(array.size for array in weights.values())
    total = compiled.summary().parameters.total
    if count != total:
        raise InternalError(f"{what} has {count:,} parameters, the network {total:,}")
    shape = (1, *compiled.network.source.shape)
    inputs = numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)
    results = backend.run(model, inputs)
    _compare(
        f"{what}: output",
        {name: (1, *shape) for name, shape in output_shapes(compiled.network).items()},
        {name: tuple(array.shape) for name, array in results.items()},
    )


def _compare(
    what: str, expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]
) -> None:
    from netspec.errors import InternalError

    for name in [*expected, *(name for name in found if name not in expected)]:
        if expected.get(name) != found.get(name):
            raise InternalError(
                f"{what} `{name}` is {found.get(name, 'missing')}, "
                f"the network says {expected.get(name, 'there is none')}"
            )


def _write(
    path: Path, compiled: CompiledNetwork, backend: Backend, model: Any, weights: dict[str, Any]
) -> None:
    from netspec.files import replacing, write_atomically
    from netspec.weights import to_safetensors

    if path.suffix == ".py":
        write_atomically(path, compiled.generate(backend.name))
    elif path.suffix == ".safetensors":
        write_atomically(path, to_safetensors(weights, compiled.network))
    else:
        with replacing(path) as temporary:
            backend.save(model, compiled.network, temporary)
