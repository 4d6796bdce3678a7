"""All networks of a spec in one file of source."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from netspec.backends import generating
from netspec.backends.base import get_backend
from netspec.errors import UsageError
from netspec.network import CompiledNetwork
from netspec.system.line_length import line_length_at

if TYPE_CHECKING:
    from netspec.codegen.explanation import Decision
    from netspec.codegen.frame import Origin


def members_of(network: CompiledNetwork) -> list[CompiledNetwork]:
    """Every variant of the network's spec, with its overrides, and optimized where it is.

    Raises :class:`UsageError` where the spec has no variants.
    """
    if not network.variants:
        raise UsageError(f"`{network.name}` has no variants")
    return [network.replace(variant) for variant in network.variants]


def _origin_of(network: CompiledNetwork, path: str | os.PathLike[str] | None) -> Origin:
    """Where source of all variants of the network's spec comes from."""
    origin = network.compilation.origin_for(path)
    return replace(origin, variant=None, before=None, all_variants=True)


def explain_source(
    network: CompiledNetwork, backend: str, all_variants: bool, handles: str | None = None
) -> tuple[Decision, ...]:
    """Why source of the network, or of all variants of its spec, is written as it is; see :func:`netspec.explain`."""
    found = get_backend(backend)
    if not all_variants:
        origin = replace(network.compilation.origin, handles=handles)
        return generating.explain(found, network.network, origin)
    members = [member.network for member in members_of(network)]
    origin = replace(_origin_of(network, None), handles=handles)
    return generating.explain_family(found, members, origin)


def generate_family(
    network: CompiledNetwork,
    backend: str,
    path: str | os.PathLike[str] | None = None,
    line_length: int | None = None,
    handles: str | None = None,
) -> str:
    """Standalone source of all variants of the network's spec; see :func:`netspec.generate_family`."""
    members = [member.network for member in members_of(network)]
    origin = replace(_origin_of(network, path), handles=handles)
    length = line_length_at(path) if line_length is None else line_length
    return generating.generate_family(get_backend(backend), members, origin, length)
