"""Generated source, built before it is written: what does not run is not handed out.

Models are made without values: PyTorch's on the device ``meta``, Keras' with variables that are declared alone.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from netspec.backends.base import Backend
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.imported import PREFIX, import_source, source_name
from netspec.errors import InternalError, UsageError
from netspec.ir import Program

MAX_LAYERS = 1000
"""The most layers of a network whose source is built: both frameworks take seconds for more."""

MAX_TOGETHER = 1000
"""So many layers of several networks are built; of more networks, those that differ most."""

Trial = Callable[[Callable[[], Any], Program], None]
"""Calls the function of generated source, without values, and holds its model against the network.

Raises ValueError, with what differs, where names or shapes of weights or of outputs do; else what the source does.
"""


@runtime_checkable
class TriesSource(Protocol):
    """The capability to build what its source says, without values."""

    def trial(self) -> Trial:
        """How source is tried. Imports the framework."""


Unbuilt = Mapping[str, Sequence[Program]]
"""The networks that could not be built, by the reason."""


def try_source(backend: Backend, networks: Sequence[Program], source: str) -> Unbuilt:
    """Build what ``source``, generated for ``networks``, says; returns what could not be built, and why.

    Of networks that are together larger than :data:`MAX_TOGETHER` those are built that differ most: the
    smallest, the largest and one of each class or function that several share. A backend without
    :class:`TriesSource` has no reason to tell, so that nothing is returned.

    Raises:
        InternalError: it does not run, or makes something else than the network; the message says in which line.
    """
    if not isinstance(backend, TriesSource):
        return {}
    unbuilt: dict[str, list[Program]] = {}
    able = []
    for network in networks:
        count = len(network.layers)
        if count > MAX_LAYERS:
            reason = f"it has {count:,} layers, and more than {MAX_LAYERS:,} are not built"
            unbuilt.setdefault(reason, []).append(network)
        else:
            able.append(network)
    if not able:
        return unbuilt
    trial = _trial_of(backend)
    if isinstance(trial, str):
        return {trial: networks}
    module = None
    try:
        with _blaming(f"the {backend.name} source of `{able[0].model_name}`", source):
            module = import_source(source)
        for network in _chosen(able, source):
            try:
                with _blaming(f"the {backend.name} source of `{network.model_name}`", source):
                    trial(getattr(module, safe_identifier(network.model_name)), network)
            except (
                RecursionError
            ):  # Keras' own, over ops in a row; a higher limit of Python's lets it be built
                reason = "there are more ops in a row than Python's recursion limit allows"
                unbuilt.setdefault(reason, []).append(network)
    finally:
        if module is not None:
            del sys.modules[module.__name__]
    return unbuilt


def _trial_of(backend: Any) -> Trial | str:
    """How a backend tries source, or why it cannot here."""
    missing = [name for name in backend.requires if importlib.util.find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} is not installed"
    try:
        found: Trial = backend.trial()
    except UsageError as error:
        return str(error)
    except Exception as error:  # a framework whose installation is broken, in whatever way
        return f"{backend.name} cannot be imported: {error!r}"
    return found


def _chosen(networks: Sequence[Program], source: str) -> list[Program]:
    """The networks that are built: all, or as few as show what they differ in and as many as are affordable."""
    ordered = sorted(networks, key=lambda network: len(network.layers))
    calls = _calls(source)
    first = {calls.get(safe_identifier(n.model_name), n): n for n in reversed(ordered)}
    chosen = [*dict.fromkeys((ordered[0], ordered[-1], *first.values()))]
    total = sum(len(network.layers) for network in chosen)
    for network in ordered:
        if network not in chosen and total + len(network.layers) <= MAX_TOGETHER:
            chosen.append(network)
            total += len(network.layers)
    return chosen


def _calls(source: str) -> Mapping[str, str]:
    """The class or function of ``source`` whose result each of its functions returns."""
    body = ast.parse(source).body
    known = {each.name for each in body if isinstance(each, ast.ClassDef | ast.FunctionDef)}
    found = {}
    for each in body:
        match each:
            case ast.FunctionDef(body=[*_, ast.Return(ast.Call(func=ast.Name(id=name)))]):
                if name in known:
                    found[each.name] = name
    return found


@contextmanager
def _blaming(what: str, source: str) -> Iterator[None]:
    """Within, whatever ``source`` raises is an :class:`InternalError` about it, but for a recursion."""
    try:
        yield
    except RecursionError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".strip().rstrip(":")
        raise InternalError(f"{what} does not run{_place(error, source)}: {said}") from error


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
