"""Source of networks, and why it is as it is, of any backend that generates some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from netspec.backends.base import (
    Backend,
    Explains,
    ExplainsFamilies,
    Generates,
    GeneratesFamilies,
    capability,
    check_network,
)
from netspec.errors import UsageError
from netspec.system.line_length import LINE_LENGTH, check_line_length

if TYPE_CHECKING:
    from netspec.codegen.explanation import Decision
    from netspec.codegen.frame import Origin
    from netspec.ir import Program


def generate(
    backend: Backend, network: Program, origin: Origin, line_length: int = LINE_LENGTH
) -> str:
    """Standalone source of a network that came from ``origin``, in lines of ``line_length`` characters.

    Raises :class:`NetspecError` for what the backend cannot do, and :class:`UsageError` where it generates
    no source.
    """
    able = capability(backend, Generates)
    check_line_length(line_length)
    _check(backend, [network], origin)
    return able.generate(network, origin, line_length)


def generate_family(
    backend: Backend, networks: Sequence[Program], origin: Origin, line_length: int = LINE_LENGTH
) -> str:
    """Source of all networks of a spec in one file; raises as :func:`generate` does."""
    able = capability(backend, GeneratesFamilies)
    check_line_length(line_length)
    _check(backend, networks, origin)
    return able.generate_family(networks, origin, line_length)


def explain(backend: Backend, network: Program, origin: Origin) -> tuple[Decision, ...]:
    """Why the source of a network is written as it is; raises as :func:`generate` does."""
    able = capability(backend, Explains)
    _check(backend, [network], origin)
    return able.explain(network, origin)


def explain_family(
    backend: Backend, networks: Sequence[Program], origin: Origin
) -> tuple[Decision, ...]:
    """Why the source of all networks of a spec is written as it is; raises as :func:`generate` does."""
    able = capability(backend, ExplainsFamilies)
    _check(backend, networks, origin)
    return able.explain_family(networks, origin)


def _check(backend: Backend, networks: Iterable[Program], origin: Origin) -> None:
    """Raise for what a backend cannot do, and for handles that it does not have."""
    known = getattr(backend, "handles", ())
    if origin.handles is not None and origin.handles not in known:
        there = f"; it has `{known[0]}`" if known else ""
        raise UsageError(f"{backend.name} has no handles called `{origin.handles}`{there}")
    for network in networks:
        check_network(backend, network)
