"""Exporting: look ahead, write aside, load and compare, and only then take the place."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.errors import UsageError
from netspec.exports.base import Export, ExportError, one_input_alone
from netspec.exports.comparison import Comparison, compare
from netspec.exports.places import check_place, staged
from netspec.system.progress import Tell, silent
from netspec.system.room import lacking, reason

if TYPE_CHECKING:
    from netspec.backends.base import Backend
    from netspec.ir import Program

LONGEST_CAUSE = 200
"""Exporters put whole graphs into their messages; so many characters are kept."""


@dataclass(frozen=True)
class Report:
    """An export that was written.

    Attributes:
        path: where.
        format: the format's name.
        runtime: what ran it, with its version.
        bound: what its errors were held against.
        comparison: its input and outputs, and how near each comes.
    """

    path: Path
    format: str
    runtime: str
    bound: float
    comparison: Comparison


def export_model(
    backend: Backend,
    model: Any,
    network: Program,
    export: Export,
    path: Path,
    tell: Tell = silent,
) -> Report:
    """Write ``model``, a live model of ``network``, to ``path``, whole or not at all.

    The export is loaded again by its runtime and compared with the model, at two batch sizes, before
    it takes its place.

    Raises:
        UsageError: ``path`` cannot be written to.
        ExportError: the framework's exporter or the runtime refuses the network, or the export
            computes something else than the model.
    """
    format = export.format.name
    one_input_alone(network, format)
    check_place(path, export.format)
    with staged(path, export.format) as written:
        try:
            tell("writing, 2 of 3")
            export.write(model, network, written)
            _check_whole(written)
            tell("running what was written, 3 of 3")
            comparison = compare(backend, model, network, export, written)
        except (ExportError, UsageError):
            raise
        except Exception as error:  # exporters and runtimes raise what they like
            lack = lacking(written.parent)
            if lack is not None:
                raise UsageError(f"{path}: {reason(lack)}") from error
            raise ExportError(
                f"{network.model_name} cannot be exported to {format}: {_cause(error)}"
            ) from error
    runtime = f"{export.format.runtime} {version(export.format.runtime)}"
    return Report(path, format, runtime, export.format.bound, comparison)


def _check_whole(written: Path) -> None:
    """Raise :class:`ExportError` unless there is the export and nothing else: weights in a file beside
    it, say, would be left behind.
    """
    found = sorted(entry.name for entry in written.parent.iterdir())
    if found != [written.name]:
        others = ", ".join(name for name in found if name != written.name) or "nothing"
        raise ExportError(f"the exporter wrote {others} beside the export")


def _cause(error: Exception) -> str:
    """The first line of what was raised that says something, cut short."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= LONGEST_CAUSE else text[: LONGEST_CAUSE - 1] + "…"
