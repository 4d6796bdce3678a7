"""The models that are held against each other: of each backend the live one, and that of its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from netspec.backends.base import backend_names, get_backend, require_framework
from netspec.codegen.compilation import Compilation
from netspec.codegen.identifiers import safe_identifier
from netspec.errors import UsageError
from netspec.ir import Program
from netspec.verify.generated import import_source

if TYPE_CHECKING:
    from netspec.backends.base import Backend
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
        name: what it is called: ``torch live``, ``keras generated``.
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


def parties_for(names: Sequence[str]) -> tuple[list[Party], list[str]]:
    """The backends called ``names``, or all that are there, and notes on those that are not.

    Raises :class:`UsageError` when one that was asked for is missing, none is left, or one that is there
    cannot be looked into as the environment has it.
    """
    chosen = list(dict.fromkeys(names)) or _in_order(backend_names())
    parties, notes = [], []
    for name in chosen:
        try:
            backend = get_backend(name)
            require_framework(backend)
            make_probe = _maker_of_probe(backend)
        except UsageError as error:
            if names:
                raise
            notes.append(f"{name} takes no part: {error}")
        else:
            parties.append(Party(backend, make_probe()))
    if not parties:
        raise UsageError("there is nothing to verify with: " + "; ".join(notes))
    return parties, notes


def _in_order(names: Sequence[str]) -> list[str]:
    """Those whose layout is the canonical one first: what follows is held against the first."""
    return sorted(names, reverse=True)


def _maker_of_probe(backend: Backend) -> Callable[[], Probe]:
    make = getattr(backend, "probe", None)
    if make is None:
        raise UsageError(f"the {backend.name} backend has no `probe`, so its models stay unseen")
    return cast("Callable[[], Probe]", make)


def witnesses_of(
    compilation: Compilation, at_size: Program, parties: Sequence[Party]
) -> list[Witness]:
    """Every witness, a backend's live model ahead of its generated one."""
    found = []
    for party in parties:
        for kind, build in (
            ("live", _live(party, compilation, at_size)),
            ("generated", _generated(party, compilation, at_size)),
        ):
            name = f"{party.backend.name} {kind}"
            is_generated = kind == "generated"
            found.append(
                Witness(name, party, build, compilation.network, at_size, is_generated=is_generated)
            )
    return found


def _live(party: Party, compilation: Compilation, at_size: Program) -> Callable[[], Any]:
    size = at_size.source.size
    return lambda: party.backend.build(compilation.network, size)


def _generated(party: Party, compilation: Compilation, at_size: Program) -> Callable[[], Any]:
    def build() -> Any:
        module = import_source(party.backend.generate(compilation))
        function = getattr(module, safe_identifier(compilation.network.model_name))
        return party.probe.make(function, at_size)

    return build


def trained_in_our_names(trained: Trained, witness: Witness) -> Trained:
    """What training gave, its layers called as ours are."""
    return replace(
        trained,
        gradients=witness.in_our_names(trained.gradients),
        statistics=witness.in_our_names(trained.statistics),
        weights=witness.in_our_names(trained.weights),
    )
