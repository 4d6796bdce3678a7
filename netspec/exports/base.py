"""What a format is, and what a backend says of a format that it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.errors import UsageError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from netspec.ir import Program

    Array = NDArray[numpy.generic]


class ExportError(Exception):
    """A network that was not exported, and why: the weights do not fit, the framework's exporter or the
    runtime refuses, or the export computes something else than the live model. Nothing was written.
    """


@dataclass(frozen=True)
class Loaded:
    """An export as its runtime has it.

    Attributes:
        input: what the runtime calls the input.
        run: maps a batch in the export's own layout to every output by name.
    """

    input: str
    run: Callable[[Array], dict[str, Array]]


@dataclass(frozen=True)
class Format:
    """A format: what is written, what runs it, and how near a live model it has to come.

    Attributes:
        name: what ``--format`` calls it.
        suffix: how the file's name ends; empty where the format is a directory.
        content: a file that a directory of this format holds; empty where the format is a file.
        parts: what else such a directory may hold.
        runtime: the distribution that runs it.
        requires: the importable modules of the runtime.
        extra: the extra of netspec that installs them; empty where the backend's own does.
        bound: the largest difference from the live model, in float32, as a part of the largest value
            of the same output.
        reason: where that difference comes from.
        load: opens an export in its runtime.
    """

    name: str
    suffix: str
    content: str
    runtime: str
    requires: tuple[str, ...]
    extra: str
    bound: float
    reason: str
    load: Callable[[Path], Loaded]
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export:
    """A format that a backend writes.

    Attributes:
        format: which.
        write: writes a live model of the network to a path, in evaluation mode and with the batch left
            open. Outputs keep their names; the only one of a network is ``output``.
        requires: importable modules that writing needs beside the framework and the runtime.
        channels_last: whether the export takes and gives channels last.
    """

    format: Format
    write: Callable[[Any, Program, Path], None]
    requires: tuple[str, ...] = ()
    channels_last: bool = False


def one_input_alone(network: Program, format: str) -> None:
    """Raise :class:`UsageError` for a network whose inputs have names, which no format gets yet."""
    if network.input_names:
        raise UsageError(
            f"`{network.model_name}` has inputs by name, and {format} gets networks of one input alone so far"
        )


def free_name(wanted: str, taken: set[str]) -> str:
    """``wanted``, with as many ``_`` behind it as it takes to be in none of ``taken``."""
    while wanted in taken:
        wanted += "_"
    return wanted
