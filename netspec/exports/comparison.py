"""An export against the live model that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.exports.base import Export, ExportError, Loaded
from netspec.ir.analysis import evaluation_shapes

if TYPE_CHECKING:
    from netspec.backends.base import Backend
    from netspec.exports.base import Array
    from netspec.ir import Program

BATCHES = (1, 3)
"""The sizes that are compared. No exporter sees either: it is shown two examples, or none."""

SEED = 0


@dataclass(frozen=True)
class ComparedOutput:
    """One output of an export.

    Attributes:
        name: what the network and the export call it.
        shape: without the batch, in the export's own layout.
        error: the largest difference from the live model, as a part of the output's largest value.
    """

    name: str
    shape: tuple[int, ...]
    error: float


@dataclass(frozen=True)
class Comparison:
    """What a runtime makes of an export.

    Attributes:
        input: what the export calls its input.
        input_shape: without the batch, in the export's own layout.
        outputs: every output of the network.
    """

    input: str
    input_shape: tuple[int, ...]
    outputs: tuple[ComparedOutput, ...]


def compare(
    backend: Backend, model: Any, network: Program, export: Export, path: Path
) -> Comparison:
    """Load the export at ``path`` in its runtime and compare it with ``model`` on random input.

    Raises :class:`ExportError` unless every output is there, by its name, with its shape, and as near
    as the format's bound, at each of :data:`BATCHES`. What the runtime raises comes through.
    """
    import numpy

    loaded = export.format.load(path)
    random = numpy.random.default_rng(SEED)
    errors: dict[str, float] = {}
    for batch in BATCHES:
        shape = (batch, *network.source.shape)
        inputs = random.standard_normal(shape, dtype=numpy.float32)
        given = backend.run(model, inputs)
        expected = {name: y for name, y in given.items() if name not in network.training_only}
        found = _run(loaded, inputs, export.channels_last)
        for name, error in _errors(expected, found, f"{export.format.name} at batch {batch}"):
            errors[name] = max(error, errors.get(name, 0.0))
            if not error <= export.format.bound:
                raise ExportError(
                    f"the {export.format.name} export differs from the live model: `{name}` at batch "
                    f"{batch} by {error:.1e} of its largest value; the bound is "
                    f"{export.format.bound:.0e}"
                )
    shapes = evaluation_shapes(network)
    return Comparison(
        loaded.input,
        _layout(network.source.shape, export.channels_last),
        tuple(
            ComparedOutput(name, _layout(shapes[name], export.channels_last), error)
            for name, error in errors.items()
        ),
    )


def _run(loaded: Loaded, inputs: Array, channels_last: bool) -> dict[str, Array]:
    """The outputs of an export for canonical inputs, channels first again."""
    import numpy

    if not channels_last:
        return loaded.run(inputs)
    found = loaded.run(numpy.ascontiguousarray(numpy.moveaxis(inputs, 1, -1)))
    return {name: numpy.moveaxis(array, -1, 1) for name, array in found.items()}


def _errors(
    expected: Mapping[str, Array], found: Mapping[str, Array], what: str
) -> list[tuple[str, float]]:
    """The difference of every output as a part of its largest value."""
    import numpy

    if set(found) != set(expected):
        raise ExportError(
            f"{what} has the outputs {_listed(found)}, the live model has {_listed(expected)}"
        )
    errors = []
    for name, value in expected.items():
        if found[name].shape != value.shape:
            raise ExportError(
                f"{what}: `{name}` has shape {found[name].shape}, the live model's {value.shape}"
            )
        if not numpy.isfinite(value).all():
            raise ExportError(
                f"`{name}` of the live model is not finite, so that there is nothing to compare with; "
                "a deep network wants trained weights"
            )
        difference = float(numpy.abs(numpy.subtract(found[name], value)).max())
        scale = float(numpy.abs(value).max())
        errors.append((name, difference / scale if scale else difference))
    return errors


def _layout(shape: tuple[int, ...], channels_last: bool) -> tuple[int, ...]:
    return (*shape[1:], shape[0]) if channels_last else shape


def _listed(outputs: Mapping[str, Array]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(outputs))
