"""Arguments that a generated function keeps: called with another value, it gives that network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netspec.backends.base import Backend, generate
from netspec.codegen.identifiers import safe_identifier
from netspec.compilation import Compilation
from netspec.elaborate.network import elaborate
from netspec.elaborate.overrides import apply_overrides, from_values
from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.verification.generated import import_source
from netspec.verification.results import Failure
from netspec.verification.witnesses import Party


def second_values(compilation: Compilation, notes: list[str]) -> Iterator[tuple[str, Any, Program]]:
    """Each kept argument with another value, and the network that the spec gives at it.

    What has no other value that can be tried is noted.
    """
    kept = compilation.network.arguments
    for name, value in kept.items():
        if isinstance(value, bool) or not isinstance(value, int):
            notes.append(f"the argument `{name}` was tried at its default alone")
            continue
        try:
            overrides = apply_overrides(
                compilation.spec, compilation.network.variant, from_values({name: value + 1})
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
        yield name, value + 1, network


def check_argument(
    compilation: Compilation, party: Party, name: str, value: Any, network: Program
) -> Failure | None:
    """Whether the generated function, called with ``value``, holds what the spec gives at it."""
    expected = {_key(held) for held in party.probe.expected(network)}
    try:
        model = _called(compilation, party.backend, name, value)
        found = {_key(held) for held in party.probe.held(model)}
    except (
        Exception
    ) as error:  # the function's own: whatever it raises, it does not give the network
        return Failure(f"called with {name}={value}: {type(error).__name__}: {error}")
    if found == expected:
        return None
    layer, tensor, shape, _ = min(found ^ expected)
    owner = (
        "has none such" if (layer, tensor, shape, _) in expected else "has one that it should not"
    )
    size = "×".join(map(str, shape))
    return Failure(f"called with {name}={value}, it {owner}: `{layer}` {tensor} ({size})")


def _called(compilation: Compilation, backend: Backend, name: str, value: Any) -> Any:
    module = import_source(generate(backend, compilation.network, compilation.origin))
    function = getattr(module, safe_identifier(compilation.network.model_name))
    return function(**{safe_identifier(name): value})


def _key(held: Any) -> tuple[str, str, tuple[int, ...], bool]:
    return (held.layer, held.name, tuple(held.shape), held.trainable)
