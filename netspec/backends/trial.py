"""Generated source, built before it is written: what does not run is not handed out.

Models are made without values: PyTorch's on the device ``meta``, Keras' with variables that are declared alone.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from netspec.backends.base import Backend
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.imported import PREFIX, import_source, source_name
from netspec.errors import InternalError, UsageError
from netspec.ir import Program

MAX_LAYERS = 1000
"""The most layers of a network whose source is built: both frameworks take seconds for more."""

Trial = Callable[[Callable[[], Any], Program], None]
"""Calls the function of generated source, without values, and holds its model against the network.

Raises ValueError, with what differs, where names or shapes of weights or of outputs do; else what the source does.
"""


@runtime_checkable
class TriesSource(Protocol):
    """The capability to build what its source says, without values."""

    def trial(self) -> Trial:
        """How source is tried. Imports the framework."""


def try_source(backend: Backend, network: Program, source: str) -> str | None:
    """Build what ``source``, generated for ``network``, says; returns why it was not built, or None.

    A backend without :class:`TriesSource` has no reason to tell, and the text is empty.

    Raises:
        InternalError: it does not run, or makes something else than ``network``; the message says in which line.
    """
    if not isinstance(backend, TriesSource):
        return ""
    if len(network.layers) > MAX_LAYERS:
        return f"it has {len(network.layers):,} layers, and more than {MAX_LAYERS:,} are not built"
    missing = [name for name in backend.requires if importlib.util.find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} is not installed"
    try:
        trial = backend.trial()
    except UsageError as error:
        return str(error)
    except Exception as error:  # a framework whose installation is broken, in whatever way
        return f"{backend.name} cannot be imported: {error!r}"
    try:
        _run(trial, backend, network, source)
    except (
        RecursionError
    ):  # Keras' own, over ops in a row; a higher limit of Python's lets it be built
        return "there are more ops in a row than Python's recursion limit allows"
    return None


def _run(trial: Trial, backend: Backend, network: Program, source: str) -> None:
    what = f"the {backend.name} source of `{network.model_name}`"
    module = None
    try:
        module = import_source(source)
        trial(getattr(module, safe_identifier(network.model_name)), network)
    except RecursionError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".strip().rstrip(":")
        raise InternalError(f"{what} does not run{_place(error, source)}: {said}") from error
    finally:
        if module is not None:
            del sys.modules[module.__name__]


def _place(error: Exception, source: str) -> str:
    """The line of ``source`` that is to blame, as far as one is: the innermost that was running."""
    if isinstance(error, SyntaxError):
        number = error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        inside = [
            frame.lineno for frame in frames if frame.filename.startswith(source_name(PREFIX)[:-1])
        ]
        number = inside[-1] if inside else None
    lines = source.splitlines()
    if number is None or not 1 <= number <= len(lines):
        return ""
    return f", line {number}, `{lines[number - 1].strip()}`"


def compare_outputs(
    expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], mode: str
) -> None:
    """Raise ValueError, with the first that differs, unless outputs are those of the network in ``mode``.

    Shapes are (channels, *size), or (features,).
    """
    for name in (*expected, *found):
        if expected.get(name) != found.get(name):
            shapes = [f"{s.get(name)}" if name in s else "none" for s in (found, expected)]
            raise ValueError(f"output `{name}` in {mode} is {shapes[0]}, the spec's {shapes[1]}")
