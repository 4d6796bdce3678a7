"""All networks of a spec in one file of source."""

from __future__ import annotations

import os
from collections.abc import Sequence
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


def networks_of(network: CompiledNetwork, all_variants: bool) -> list[CompiledNetwork]:
    """What source has functions for: the network, or all variants of its spec."""
    return members_of(network) if all_variants else [network]


def _origin_of(
    members: Sequence[CompiledNetwork],
    path: str | os.PathLike[str] | None,
    handles: str | None,
) -> Origin:
    """Where source of all variants of a spec comes from."""
    origin = members[0].compilation.origin_for(path)
    return replace(origin, variant=None, before=None, handles=handles, all_variants=True)


def explain_source(
    networks: Sequence[CompiledNetwork],
    backend: str,
    all_variants: bool,
    handles: str | None = None,
) -> tuple[Decision, ...]:
    """Why source of a network, or of all variants of its spec, is written as it is; see :func:`netspec.explain`."""
    found = get_backend(backend)
    if all_variants:
        members = [member.network for member in networks]
        return generating.explain_family(found, members, _origin_of(networks, None, handles))
    (network,) = networks
    origin = replace(network.compilation.origin, handles=handles)
    return generating.explain(found, network.network, origin)


def family_source(
    members: Sequence[CompiledNetwork],
    backend: str,
    path: str | os.PathLike[str] | None = None,
    line_length: int | None = None,
    handles: str | None = None,
) -> str:
    """Standalone source of what :func:`members_of` gives."""
    origin = _origin_of(members, path, handles)
    length = line_length_at(path) if line_length is None else line_length
    programs = [member.network for member in members]
    return generating.generate_family(get_backend(backend), programs, origin, length)


def generate_family(
    network: CompiledNetwork,
    backend: str,
    path: str | os.PathLike[str] | None = None,
    line_length: int | None = None,
    handles: str | None = None,
) -> str:
    """Standalone source of all variants of the network's spec; see :func:`netspec.generate_family`."""
    return family_source(members_of(network), backend, path, line_length, handles)
