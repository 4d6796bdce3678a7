"""``netspec build``: the live model, run once, checked against the network, and written."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.cli.checked import check_source
from netspec.cli.options import (
    add_backend_argument,
    add_force_argument,
    add_optimize_arguments,
    add_spec_arguments,
    load_spec,
)
from netspec.cli.streams import tell
from netspec.cli.weights import (
    add_weights_arguments,
    check_weights_arguments,
    seed,
    use_weights,
)

if TYPE_CHECKING:
    from netspec.backends.base import Backend
    from netspec.network import CompiledNetwork

SOURCE = ".py"
"""How files of source end."""

DESCRIPTION = """\
Make the live model, run it once on random input, and check its output shapes and the
name and shape of every parameter against the network. Prints a table of stages with
output shape, parameters and MACs, and totals. Needs the framework.

The model starts as the framework draws it; with --init shared from values that are the
same in every framework for one --seed; or from --weights, which must fit the network.
With --optimize all of these are for the network as its spec says, and are moved.

With -o the model is written too, by suffix:
  .py           source code, as `netspec generate` writes it
  .safetensors  its weights, under canonical names
  .keras        a Keras model (--backend keras)
  .weights.h5   its weights, as Keras has them (--backend keras)
  .pt, .pth     its weights, a state_dict (--backend torch)
  .pt2          an exported PyTorch program (--backend torch)"""
EXAMPLES = (
    "netspec build resnet50 --backend torch",
    "netspec build mynet.yaml --backend keras -o mynet.keras",
    "netspec build resnet18 --backend torch --weights run.pth -o net.safetensors",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    add_backend_argument(parser)
    add_optimize_arguments(parser)
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
    parser.add_argument(
        "--init",
        choices=("framework", "shared"),
        default="framework",
        help="who draws initial weights: the framework (default), or netspec, alike for all",
    )
    parser.add_argument("--seed", metavar="N", type=seed, help="of --init shared; 0 unless given")
    add_weights_arguments(parser)
    add_force_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.backends.base import get_backend, require_framework
    from netspec.cli.output import progress, write_text_file
    from netspec.ir.table import input_text, summary_text

    backend = get_backend(arguments.backend)
    _check_suffixes(arguments.outputs, backend, arguments.spec)
    _check_start(arguments)
    compiled = load_spec(arguments)
    _check_outputs(arguments, compiled, backend)
    require_framework(backend)
    steps = 2 + len(arguments.outputs)
    with progress(f"building {compiled.name} with {backend.name}, 1 of {steps}"):
        model = compiled.build(backend.name)
        _start(arguments, compiled, model)
    with progress(f"running {compiled.name}, 2 of {steps}"):
        weights = backend.read_weights(model, compiled.network)
        _check_model(compiled, backend, model, weights)
    summary = compiled.summary()
    print(summary_text(summary, f"{compiled.name} ({backend.name}): input {input_text(summary)}"))
    for step, path in enumerate(arguments.outputs, 3):
        if _suffix(path, backend) == SOURCE:
            source = compiled.generate(backend.name, path)
            check_source([compiled], backend.name, source, path)
            write_text_file(path, source, arguments.force)
            continue
        with progress(f"writing {path}, {step} of {steps}"):
            _write(path, compiled, backend, model, weights)
        tell(f"wrote {path}")
    return 0


def _check_start(arguments: argparse.Namespace) -> None:
    """Raise :class:`UsageError` for options that have nothing to act on."""
    from netspec.errors import UsageError

    if arguments.init != "shared" and arguments.seed is not None:
        raise UsageError("--seed is for --init shared")
    check_weights_arguments(arguments)


def _start(arguments: argparse.Namespace, compiled: CompiledNetwork, model: Any) -> None:
    """Give the model the weights that the arguments ask for, instead of the framework's."""
    if arguments.init == "shared":
        compiled.start(model, arguments.seed or 0)
    use_weights(arguments, compiled, model)


def _others(path: Path) -> str:
    """The backends that write such a file."""
    from netspec.backends.base import backend_names, get_backend

    able = [name for name in backend_names() if _suffix(path, get_backend(name)) is not None]
    return f"; `--backend {able[0]}` writes such files" if able else ""


def _export_of(path: Path, spec: str) -> str:
    """The command that writes such a file, where exporting does."""
    from netspec.backends.base import Exports, able_to

    for name, able in able_to(Exports).items():
        for kind, export in able.exports.items():
            if export.format.suffix and export.format.suffix == path.suffix:
                command = f"netspec export {spec} --backend {name} --format {kind} -o {path}"
                return f"; `{command}` writes such files"
    return ""


def _check_suffixes(paths: list[Path], backend: Backend, spec: str) -> None:
    """Raise :class:`UsageError` for paths whose suffix says nothing, and for those named twice."""
    from netspec.errors import UsageError
    from netspec.system.files import check_distinct

    for path in paths:
        if _suffix(path, backend) is None:
            listed = ", ".join(_suffixes(backend))
            hint = _others(path) or _export_of(path, spec)
            raise UsageError(f"{path}: the {backend.name} backend writes {listed}{hint}")
    check_distinct(paths)


def _check_outputs(
    arguments: argparse.Namespace, compiled: CompiledNetwork, backend: Backend
) -> None:
    """Raise :class:`UsageError` for what cannot be written or is there already, ahead of the work."""
    from netspec.system.files import check_output, holds

    for path in arguments.outputs:
        is_source = _suffix(path, backend) == SOURCE
        if not (is_source and holds(path, compiled.generate(backend.name, path))):
            check_output(path, arguments.force)


def _suffixes(backend: Backend) -> list[str]:
    """What a path may end in: source, weights without a framework, models, a framework's weights."""
    from netspec.backends.base import Generates, HoldsWeights, Saves

    found = [SOURCE] if isinstance(backend, Generates) else []
    found.append(".safetensors")
    if isinstance(backend, Saves):
        found += backend.formats
    if isinstance(backend, HoldsWeights):
        weights = backend.weight_files.formats.items()
        found += [suffix for suffix, known in weights if known.writes_with is not None]
    return list(dict.fromkeys(found))


def _suffix(path: Path, backend: Backend) -> str | None:
    """What ``path`` ends in; None where nothing is written to such files."""
    from netspec.weights.storage.formats import longest_suffix

    return longest_suffix(path.name, _suffixes(backend))


def _check_model(
    compiled: CompiledNetwork, backend: Backend, model: Any, weights: dict[str, Any]
) -> None:
    """Hold the live model against the network; raises :class:`InternalError` where they differ."""
    import numpy

    from netspec.errors import InternalError
    from netspec.ir.analysis import evaluation_shapes, for_inputs, output_shapes, weight_shapes

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
    random = numpy.random.default_rng(0)
    inputs = for_inputs(
        compiled.network,
        lambda shape: random.standard_normal((1, *shape), dtype=numpy.float32),
    )
    results = backend.run(model, inputs)
    # A framework whose models are one graph in both modes gives what is for training alone too.
    gives_all = results.keys() == compiled.network.outputs.keys()
    shapes = (output_shapes if gives_all else evaluation_shapes)(compiled.network)
    _compare(
        f"{what}: output",
        {name: (1, *shape) for name, shape in shapes.items()},
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
    from netspec.backends.base import Saves
    from netspec.system.files import replacing
    from netspec.weights.storage.safetensors import SAFETENSORS
    from netspec.weights.storage.tensors import in_memory

    suffix = _suffix(path, backend)
    if suffix == ".safetensors":
        tensors = {name: in_memory(array) for name, array in weights.items()}
        with replacing(path) as temporary:
            SAFETENSORS.write(temporary, compiled.network, tensors)
    elif isinstance(backend, Saves) and suffix in backend.formats:
        with replacing(path) as temporary:
            backend.save(model, compiled.network, temporary)
    else:
        compiled.save_weights(model, path)
