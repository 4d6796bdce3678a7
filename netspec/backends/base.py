"""What a backend is: a package that turns the IR into one framework's models and source.

Those of netspec are the packages beside this module, each with its object as ``BACKEND``. Others live in
distributions of their own, and are found through the entry points of the group ``netspec.backends``. An entry
point names an object with the attributes of :class:`Backend`; its package must import without the framework.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

from netspec import backends
from netspec.backends.names import Naming, name_problems
from netspec.backends.rows import look_up, rows_from_elsewhere
from netspec.distribution import install_command
from netspec.errors import (
    Diagnostic,
    NetspecError,
    Span,
    UsageError,
    by_position,
    did_you_mean,
)
from netspec.ir.resize import resized
from netspec.plugins import broken, load, plugins

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from netspec.backends.probe import Probe
    from netspec.codegen.explanation import Decision
    from netspec.codegen.frame import Origin
    from netspec.exports.base import Export
    from netspec.ir import Layer, Program
    from netspec.ir.passes.base import Optimization
    from netspec.ops.types import Parameter
    from netspec.weights.storage.formats import Format
    from netspec.weights.storage.tensors import StoredTensor

    Array = NDArray[numpy.generic]

GROUP = "netspec.backends"

_REQUIRED = (
    "name",
    "rows",
    "requires",
    "build",
    "owns",
    "read_weights",
    "write_weights",
    "run",
)
"""The members of :class:`Backend`."""


class WeightFiles(Protocol):
    """How a framework's files call and lay out weights. Needs no live model.

    A layer's ``path`` is what the file calls it, once what the framework forbids in names is replaced:
    it is the network's own, or one that a published checkpoint uses.
    """

    formats: Mapping[str, Format]
    """The formats that hold this framework's names and no other's, by suffix."""
    names_tensors: bool
    """Whether these formats have a name for each tensor, and not one for each layer."""

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


@runtime_checkable
class Backend(Protocol):
    """One framework: what every backend brings. Arrays are in canonical layout, channels first.

    What it can do besides is a protocol each, below: consumers ask for it by :func:`capability`.
    """

    name: str
    """What ``--backend`` calls it."""
    rows: Mapping[str, Any]
    """What it makes of the layers of each op, by kind; see :mod:`netspec.backends.rows`."""

    @property
    def requires(self) -> tuple[str, ...]:
        """The importable modules that live models need."""

    def build(self, network: Program, input_size: tuple[int | None, ...] | None = None) -> Any:
        """A live model with fresh initial weights, of a network that :func:`check_network` passes.

        ``input_size`` replaces the spec's spatial size; None along an axis leaves it open.
        """

    def owns(self, model: Any) -> bool:
        """Whether ``model`` is one of this framework's."""

    def read_weights(self, model: Any, network: Program) -> dict[str, Array]:
        """Every parameter and statistic as ``path.name`` (``layer1.0.conv1.weight``), copied."""

    def write_weights(self, model: Any, network: Program, weights: Mapping[str, Array]) -> None:
        """Assign every parameter and statistic; raises ValueError when names or shapes differ."""

    def run(self, model: Any, inputs: Any) -> dict[str, Array]:
        """Evaluation-mode outputs by name (``output`` for the network's own), channels first.

        ``inputs`` is (batch, channels, *size); a mapping of such by name where inputs have names, which
        only a backend gets that has ``takes_named_inputs``.
        """


@runtime_checkable
class Generates(Protocol):
    """The capability to print source."""

    imports: str
    """The module that all of its source imports, and that of no other backend."""

    def generate(self, network: Program, origin: Origin, line_length: int) -> str:
        """Standalone source of a network that :func:`check_network` passes, in lines of such a length."""


@runtime_checkable
class Explains(Protocol):
    """The capability to say why its source is written as it is."""

    def explain(self, network: Program, origin: Origin) -> tuple[Decision, ...]:
        """What was decided for the source of such a network."""


@runtime_checkable
class ExplainsFamilies(Protocol):
    """The capability to say why source of all networks of a spec is written as it is."""

    def explain_family(self, networks: Sequence[Program], origin: Origin) -> tuple[Decision, ...]:
        """What was decided for the source of such networks."""


@runtime_checkable
class GeneratesFamilies(Protocol):
    """The capability to print source of all networks of a spec in one file."""

    def generate_family(self, networks: Sequence[Program], origin: Origin, line_length: int) -> str:
        """Standalone source of networks that :func:`check_network` passes, a function each."""


@runtime_checkable
class HoldsWeights(Protocol):
    """The capability to read and write files of weights without a live model."""

    weight_files: WeightFiles
    """Names and layouts in them."""


@runtime_checkable
class Saves(Protocol):
    """The capability to write whole models."""

    formats: Mapping[str, str]
    """File suffixes that :meth:`save` writes, each with what it holds."""

    def save(self, model: Any, network: Program, path: Path) -> None:
        """Write the model to ``path`` in the format of its suffix, one of :attr:`formats`."""


@runtime_checkable
class Exports(Protocol):
    """The capability to write models that others run."""

    exports: Mapping[str, Export]
    """What ``netspec export`` writes, by the name of the format."""


@runtime_checkable
class Probes(Protocol):
    """The capability to look into models, which ``netspec verify`` needs."""

    def probe(self) -> Probe:
        """How its models are looked into."""


@runtime_checkable
class Names(Protocol):
    """The capability to say what its framework asks of names, which `validate` asks those of netspec."""

    naming: Naming
    """What it asks."""


@runtime_checkable
class Refuses(Protocol):
    """The capability to refuse networks for other reasons than a row's."""

    def check(self, network: Program) -> None:
        """Raise :class:`NetspecError`, at a place in the spec, for what the framework cannot do."""


_LACKING: Mapping[type, str] = {
    Generates: "generates no source",
    Explains: "explains no source",
    ExplainsFamilies: "explains no source of several networks",
    GeneratesFamilies: "generates no source of several networks",
    HoldsWeights: "has no files of weights",
    Saves: "writes no models",
    Exports: "exports to no format",
    Probes: "has no `probe`, so that its models stay unseen",
}

Capability = TypeVar("Capability")


def capability(backend: Backend, kind: type[Capability]) -> Capability:
    """The backend as one that can do so; raises :class:`UsageError`, which names those that can."""
    if isinstance(backend, kind):
        return backend
    able = able_to(kind)
    others = f"; {' and '.join(able)} {'does' if len(able) == 1 else 'do'}" if able else ""
    raise UsageError(f"the {backend.name} backend {_LACKING[kind]}{others}")


def able_to(kind: type[Capability]) -> dict[str, Capability]:
    """The installed backends that can do so, by name."""
    backends = {name: get_backend(name) for name in backend_names()}
    return {name: found for name, found in backends.items() if isinstance(found, kind)}


def export_of(backend: Backend, format: str) -> Export:
    """How ``backend`` writes the format called ``format``.

    Raises :class:`UsageError`, with the backends that do, when it does not; and with the extra to install
    when a module that this needs is missing.
    """
    exports = capability(backend, Exports).exports
    export = exports.get(format)
    if export is None:
        listed = ", ".join(f"`{known}`" for known in exports)
        able = [name for name, other in able_to(Exports).items() if format in other.exports]
        hint = f"; `--backend {able[0]}` does, with the same weights" if able else ""
        message = f"the {backend.name} backend does not export to `{format}`, but to {listed}"
        raise UsageError(message + hint)
    needed = dict.fromkeys((*export.format.requires, *export.requires))
    require_modules(needed, export.format.extra or extra_of(backend), f"exporting to {format}")
    return export


def check_network(backend: Backend, network: Program) -> None:
    """Raise :class:`NetspecError`, with every place in the spec, for what the backend cannot do."""
    if network.input_names and not getattr(backend, "takes_named_inputs", False):
        raise UsageError(
            f"the {backend.name} backend takes networks of one input, and `{network.model_name}` has inputs by name"
        )
    if isinstance(backend, Names) and (wrong := name_problems(backend.naming, network)):
        raise NetspecError(wrong)
    # What is wrong with other distributions' rows is told also where none of them is asked for.
    rows_from_elsewhere(backend.name, frozenset(backend.rows))
    problems: dict[tuple[str, Span | None], Diagnostic] = {}
    for layer in network.layers:
        try:
            look_up(backend.name, backend.rows, layer)
        except NetspecError as error:  # a block that repeats has one place
            for problem in error.diagnostics:
                problems.setdefault((problem.message, problem.span), problem)
    if problems:
        raise NetspecError(sorted(problems.values(), key=by_position))
    if isinstance(backend, Refuses):
        backend.check(network)


def build(
    backend: Backend, network: Program, input_size: tuple[int | None, ...] | None = None
) -> Any:
    """A live model of the network.

    Raises :class:`NetspecError` for what the backend cannot do, and :class:`UsageError` where its framework
    is not installed or the network does not take the size.
    """
    check_network(backend, network)
    if input_size is not None and None not in input_size:
        check_network(backend, resized(network, cast(tuple[int, ...], input_size)))
    require_framework(backend)
    return backend.build(network, input_size)


def build_optimized(
    backend: Backend, optimization: Optimization, input_size: tuple[int | None, ...] | None = None
) -> Any:
    """Like :func:`build`, of an optimized network: weights start as those of the original, moved."""
    model = build(backend, optimization.program, input_size)
    if optimization.recipes:
        original = optimization.original
        drawn = backend.read_weights(build(backend, original), original)
        backend.write_weights(model, optimization.program, optimization.move(drawn))
    return model


def backend_names() -> tuple[str, ...]:
    """The names of the installed backends, whether or not their frameworks are."""
    return tuple(sorted({*_own_names(), *plugins(GROUP)}))


@cache
def _own_names() -> tuple[str, ...]:
    return tuple(module.name for module in iter_modules(backends.__path__) if module.ispkg)


def own_backends() -> Iterator[Backend]:
    """Those that come with netspec, without a look at other distributions."""
    return map(_own_backend, _own_names())


def _own_backend(name: str) -> Backend:
    found: Backend = importlib.import_module(f"{backends.__name__}.{name}").BACKEND
    return found


@cache
def get_backend(name: str) -> Backend:
    """The backend called ``name``; raises :class:`UsageError` when there is none, or it is broken."""
    point = plugins(GROUP).get(name)
    if name in _own_names():
        if point is not None:
            raise broken(point, "netspec has a backend of this name itself")
        return _own_backend(name)
    if point is None:
        hint = did_you_mean(name, backend_names())
        raise UsageError(f"no backend is called `{name}`" + (f"; {hint}" if hint else ""))
    found = load(point)
    if not isinstance(found, Backend):
        lacking = [word for word in _REQUIRED if not hasattr(found, word)]
        raise broken(point, f"it is no backend: it has no {', '.join(f'`{w}`' for w in lacking)}")
    if found.name != name:
        raise broken(point, f"the backend calls itself `{found.name}`")
    return found


def require_framework(backend: Backend) -> None:
    """Raise :class:`UsageError` that names the extra when the framework is not installed."""
    require_modules(backend.requires, extra_of(backend), f"the {backend.name} backend")


def extra_of(backend: Backend) -> str:
    """The extra of netspec that installs the framework; empty for a backend of another distribution."""
    found: str = getattr(backend, "extra", "")
    return found


def require_modules(modules: Iterable[str], extra: str, what: str) -> None:
    """Raise :class:`UsageError` that says how to get them unless all ``modules`` are installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        how = f": {install_command(extra)}" if extra else ", which is not installed"
        raise UsageError(f"{what} needs {' and '.join(missing)}{how}")


def backend_of(model: Any) -> Backend:
    """The backend whose framework ``model`` belongs to."""
    for name in backend_names():
        backend = get_backend(name)
        if backend.owns(model):
            return backend
    raise UsageError(f"no backend knows a model of type {type(model).__name__}")
