"""The models that are held against each other: of each backend the live one, and that of its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from netspec.backends.base import (
    Backend,
    Generates,
    Probes,
    backend_names,
    build,
    capability,
    check_network,
    get_backend,
    require_framework,
)
from netspec.backends.generating import generate
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.imported import import_source
from netspec.compilation import Compilation
from netspec.errors import NetspecError, UsageError, did_you_mean
from netspec.ir import Program
from netspec.verification import interpreter
from netspec.verification.interpreter import Interpreter

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays, Probe, Trained


@dataclass(frozen=True)
class Party:
    """A backend that takes part, and how its models are looked into."""

    backend: Backend
    probe: Probe


@dataclass(frozen=True)
class Witness:
    """One way to a model of a network.

    Attributes:
        name: what it is called: ``torch live``, ``keras generated``, ``interpreter``.
        party: whose model it is.
        build: makes the model.
        network: the network in the names of this model, typed for the spec's size and the input's.
        at_size: the same typed for the input's size.
        ours: whether netspec made it, so that all that the IR says must be true of it.
        is_generated: whether it comes from generated source.
        names: what this model calls our layers, by our paths, where that differs.
    """

    name: str
    party: Party
    build: Callable[[], Any]
    network: Program
    at_size: Program
    ours: bool = True
    is_generated: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def in_its_names(self, weights: Arrays) -> dict[str, Array]:
        """Arrays under our names of weights, under those of this model."""
        return _renamed(weights, self.names)

    def in_our_names(self, weights: Arrays) -> dict[str, Array]:
        """The reverse."""
        return _renamed(weights, {theirs: ours for ours, theirs in self.names.items()})


def _renamed(weights: Arrays, names: Mapping[str, str]) -> dict[str, Array]:
    found = {}
    for key, value in weights.items():
        path, _, name = key.rpartition(".")
        found[f"{names.get(path, path)}.{name}"] = value
    return found


def parties_for(
    names: Sequence[str], network: Program | None = None
) -> tuple[list[Party], list[str]]:
    """The backends called ``names``, or all that are there, and notes on those that take no part in ``network``.

    The interpreter takes part where it is asked for, or none else can. Raises :class:`UsageError` when one that
    was asked for is missing, none is left, or one that is there cannot be looked into as the environment has it; and :class:`NetspecError` when one that was asked for
    cannot do the network.
    """
    chosen = list(dict.fromkeys(names)) or backend_names()
    parties, notes = [], []
    for name in chosen:
        try:
            backend = _backend(name)
            able = capability(backend, Probes)
            if network is not None:
                check_network(backend, network)
            require_framework(backend)
        except (UsageError, NetspecError) as error:
            if names:
                raise
            notes.append(f"{name} takes no part: {_in_a_line(error)}")
        else:
            parties.append(Party(backend, able.probe()))
    if not parties:
        return [_interpreting(network, notes)], notes
    # What follows is held against the first: one that can be trained, whose models list weights as the
    # program does unless others are named first.
    parties.sort(key=lambda party: (not party.probe.trains, not names and not party.probe.ordered))
    return parties, notes


def _backend(name: str) -> Backend:
    """The backend called ``name``, or the interpreter."""
    if name == interpreter.NAME:
        return Interpreter()
    try:
        return get_backend(name)
    except UsageError:
        hint = did_you_mean(name, [interpreter.NAME])
        if hint:
            raise UsageError(f"no backend is called `{name}`; {hint}") from None
        raise


def _interpreting(network: Program | None, notes: Sequence[str]) -> Party:
    """The interpreter as the only party, where it can do the network."""
    backend = Interpreter()
    try:
        if network is not None:
            check_network(backend, network)
    except NetspecError as error:
        told = "; ".join([*notes, f"{backend.name} takes no part: {_in_a_line(error)}"])
        raise UsageError(f"there is nothing to verify with: {told}") from error
    return Party(backend, backend.probe())


def _in_a_line(error: UsageError | NetspecError) -> str:
    if isinstance(error, UsageError):
        return str(error)
    first = error.diagnostics[0]
    return f"{first.span}: {first.message}" if first.span else first.message


def witnesses_of(
    compilation: Compilation, at_size: Program, parties: Sequence[Party]
) -> list[Witness]:
    """Every witness, a backend's live model ahead of its generated one."""
    found = []
    for party in parties:
        if not party.probe.trains:
            live = _live(party, compilation, at_size)
            found.append(Witness(party.backend.name, party, live, compilation.network, at_size))
            continue
        kinds = {"live": _live(party, compilation, at_size)}
        if isinstance(party.backend, Generates):
            kinds["generated"] = _generated(party, compilation, at_size)
        for kind, make in kinds.items():
            name = f"{party.backend.name} {kind}"
            is_generated = kind == "generated"
            found.append(
                Witness(name, party, make, compilation.network, at_size, is_generated=is_generated)
            )
    return found


def _live(party: Party, compilation: Compilation, at_size: Program) -> Callable[[], Any]:
    size = at_size.source.size
    return lambda: build(party.backend, compilation.network, size)


def _generated(party: Party, compilation: Compilation, at_size: Program) -> Callable[[], Any]:
    def make() -> Any:
        module = import_source(generate(party.backend, compilation.network, compilation.origin))
        function = getattr(module, safe_identifier(compilation.network.model_name))
        return party.probe.make(function, at_size)

    return make


def trained_in_our_names(trained: Trained, witness: Witness) -> Trained:
    """What training gave, its layers called as ours are."""
    return replace(
        trained,
        gradients=witness.in_our_names(trained.gradients),
        statistics=witness.in_our_names(trained.statistics),
        weights=witness.in_our_names(trained.weights),
    )
