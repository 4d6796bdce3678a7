"""Arguments that a generated function keeps: called with another value, it gives that network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from netspec.backends.base import Generates, build
from netspec.backends.generating import generate
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.imported import import_source
from netspec.compilation import Compilation
from netspec.elaborate.network import elaborate
from netspec.elaborate.overrides import apply_overrides, from_values
from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.ir.passes import optimize
from netspec.ir.resize import resized
from netspec.verification.witnesses import Party, Witness


def second_values(compilation: Compilation, notes: list[str]) -> Iterator[tuple[str, Any, Program]]:
    """Each kept argument with another value, and the network that the spec gives at it, optimized as this one is.

    What has no other value that can be tried is noted.
    """
    for name, value in compilation.network.arguments.items():
        # Half of a fraction, since rates have a bound; other than numbers cannot be kept.
        other = value + 1 if isinstance(value, int) else value / 2 or 0.5
        try:
            overrides = apply_overrides(
                compilation.spec, compilation.network.variant, from_values({name: other})
            )
            network = elaborate(
                compilation.spec,
                compilation.network.variant,
                {**compilation.overrides, **overrides},
                compilation.folder,
                compilation.bounds,
            )
        except NetspecError as error:
            message = error.diagnostics[0].message
            notes.append(f"the argument `{name}` was tried at its default alone: {message}")
            continue
        if compilation.optimization is not None:
            network = optimize(network, compilation.optimization.goal).program
        yield name, other, network


def witnesses_at(
    compilation: Compilation,
    parties: Sequence[Party],
    name: str,
    value: Any,
    network: Program,
    size: tuple[int, ...],
) -> list[Witness]:
    """The live models of the network that the spec gives at a value, and generated ones called with it."""
    at_size = network if len(network.inputs) > 1 else resized(network, size)
    found = []
    for party in parties:
        live = partial(build, party.backend, network, at_size.source.size)
        found.append(Witness(f"{party.backend.name} live", party, live, network, at_size))
        if isinstance(party.backend, Generates):
            called = _called(compilation, party, name, value, at_size)
            label = f"{party.backend.name} generated"
            found.append(Witness(label, party, called, network, at_size, is_generated=True))
    return found


def _called(
    compilation: Compilation, party: Party, name: str, value: Any, at_size: Program
) -> Callable[[], Any]:
    def make() -> Any:
        module = import_source(generate(party.backend, compilation.network, compilation.origin))
        function = getattr(module, safe_identifier(compilation.network.model_name))
        return party.probe.make(partial(function, **{safe_identifier(name): value}), at_size)

    return make
