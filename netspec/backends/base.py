"""What a backend is: a package that turns the IR into one framework's models and source.

Backends are found through the entry points of the group ``netspec.backends``, so that one can live in
a distribution of its own. An entry point names an object with the attributes of :class:`Backend`; its
package must import without the framework.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from netspec.distribution import install_command
from netspec.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from netspec.codegen.compilation import Compilation
    from netspec.export.base import Export
    from netspec.ir import Layer, Program
    from netspec.storage.formats import Format
    from netspec.storage.tensors import StoredTensor
    from netspec.types import Parameter

    Array = NDArray[numpy.generic]

GROUP = "netspec.backends"


class WeightFiles(Protocol):
    """How a framework's files call and lay out weights. Needs no live model.

    A layer's ``path`` is what the file calls it, once what the framework forbids in names is replaced:
    it is the network's own, or one that a published checkpoint uses.
    """

    formats: Mapping[str, Format]
    """The formats that hold this framework's names and no other's, by suffix."""

    def name(self, layer: Layer, parameter: Parameter) -> str:
        """The file's name for a parameter or statistic."""

    def shape(self, layer: Layer, parameter: Parameter) -> tuple[int, ...]:
        """Its shape in the file."""

    def encode(self, layer: Layer, parameter: Parameter, array: Array) -> Array:
        """Canonical values as the file has them, by reshaping and transposing alone."""

    def decode(self, layer: Layer, parameter: Parameter, array: Array) -> Array:
        """The file's values in canonical layout, by reshaping and transposing alone."""

    def extras(self, layer: Layer) -> Mapping[str, StoredTensor]:
        """What files hold for the layer that no network has, each as it starts."""

    def extra_name(self, layer: Layer, extra: str) -> str:
        """The file's name for one of :meth:`extras`."""

    def prefixes(self) -> Iterable[str]:
        """What wrappers put ahead of every name, and readers may take off."""


class Backend(Protocol):
    """One framework. Arrays that cross this interface are in canonical layout, channels first."""

    name: str
    """What ``--backend`` calls it."""
    extra: str
    """The extra of netspec that installs it."""

    @property
    def requires(self) -> tuple[str, ...]:
        """The importable modules that it needs; its source imports the first."""

    rows: Mapping[str, Any]
    """One row per op of :data:`netspec.ops.OPS`."""
    formats: Mapping[str, str]
    """File suffixes that :meth:`save` writes, each with what it holds."""
    exports: Mapping[str, Export]
    """What ``netspec export`` writes, by the name of the format."""
    weight_files: WeightFiles
    """Its files of weights."""

    def build(self, network: Program, input_size: tuple[int | None, ...] | None = None) -> Any:
        """A live model with fresh initial weights.

        ``input_size`` replaces the spec's spatial size; None along an axis leaves it open.
        """

    def generate(self, compilation: Compilation) -> str:
        """Standalone source of the network."""

    def owns(self, model: Any) -> bool:
        """Whether ``model`` is one of this framework's."""

    def read_weights(self, model: Any, network: Program) -> dict[str, Array]:
        """Every parameter and statistic as ``path.name`` (``layer1.0.conv1.weight``), copied."""

    def write_weights(self, model: Any, network: Program, weights: Mapping[str, Array]) -> None:
        """Assign every parameter and statistic; raises ValueError when names or shapes differ."""

    def run(self, model: Any, inputs: Array) -> dict[str, Array]:
        """Evaluation-mode outputs by name (``output`` for the network's own), channels first.

        ``inputs`` is (batch, channels, *size).
        """

    def save(self, model: Any, network: Program, path: Path) -> None:
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
    require_modules(backend.requires, backend.extra, f"the {backend.name} backend")


def require_modules(modules: Iterable[str], extra: str, what: str) -> None:
    """Raise :class:`UsageError` that says how to get them unless all ``modules`` are installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} needs {' and '.join(missing)}: {install_command(extra)}")


def backend_of(model: Any) -> Backend:
    """The backend whose framework ``model`` belongs to."""
    for name in backend_names():
        backend = get_backend(name)
        if backend.owns(model):
            return backend
    raise UsageError(f"no backend knows a model of type {type(model).__name__}")
