"""What a backend is: a package that turns the IR into one framework's models and source.

Backends are found through the entry points of the group ``netspec.backends``, so that one can live in
a distribution of its own. An entry point names an object with the attributes of :class:`Backend`; its
package must import without the framework.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from netspec.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from netspec import ir
    from netspec.codegen.program import Program

    Array = NDArray[numpy.generic]

GROUP = "netspec.backends"


class Backend(Protocol):
    """One framework. Arrays that cross this interface are in canonical layout, channels first."""

    name: str
    """What ``--backend`` calls it."""
    extra: str
    """The extra of netspec that installs it."""
    requires: tuple[str, ...]
    """The importable modules that it needs."""
    rows: Mapping[str, Any]
    """One row per op of :data:`netspec.ops.OPS`."""
    formats: Mapping[str, str]
    """File suffixes that :meth:`save` writes, each with what it holds."""

    def build(self, network: ir.Network, input_size: tuple[int | None, ...] | None = None) -> Any:
        """A live model with fresh initial weights.

        ``input_size`` replaces the spec's spatial size; None along an axis leaves it open.
        """

    def generate(self, program: Program) -> str:
        """Standalone source of the network."""

    def owns(self, model: Any) -> bool:
        """Whether ``model`` is one of this framework's."""

    def read_weights(self, model: Any, network: ir.Network) -> dict[str, Array]:
        """Every parameter and statistic as ``path.name`` (``layer1.0.conv1.weight``), copied."""

    def write_weights(self, model: Any, network: ir.Network, weights: Mapping[str, Array]) -> None:
        """Assign every parameter and statistic; raises ValueError when names or shapes differ."""

    def run(self, model: Any, inputs: Array) -> dict[str, Array]:
        """Evaluation-mode outputs by name (``output`` for the network's own), channels first.

        ``inputs`` is (batch, channels, *size).
        """

    def save(self, model: Any, network: ir.Network, path: Path) -> None:
        """Write the model to ``path`` in the format of its suffix, one of :attr:`formats`."""


@cache
def _entry_points() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=GROUP)}


def backend_names() -> tuple[str, ...]:
    """The names of the installed backends, whether or not their frameworks are."""
    return tuple(sorted(_entry_points()))


@cache
def get_backend(name: str) -> Backend:
    """The backend called ``name``; raises :class:`UsageError` when there is none."""
    found = _entry_points().get(name)
    if found is None:
        hint = did_you_mean(name, backend_names())
        raise UsageError(f"no backend is called `{name}`" + (f"; {hint}" if hint else ""))
    return cast(Backend, found.load())


def require_framework(backend: Backend) -> None:
    """Raise :class:`UsageError` that names the extra when the framework is not installed."""
    missing = [name for name in backend.requires if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the {backend.name} backend needs {' and '.join(missing)}: "
            f"pip install 'netspec[{backend.extra}]'"
        )


def backend_of(model: Any) -> Backend:
    """The backend whose framework ``model`` belongs to."""
    for name in backend_names():
        backend = get_backend(name)
        if backend.owns(model):
            return backend
    raise UsageError(f"no backend knows a model of type {type(model).__name__}")
