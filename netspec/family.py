"""All networks of a spec in one file of source."""

from __future__ import annotations

import os
from dataclasses import replace

from netspec.backends import generating
from netspec.backends.base import get_backend
from netspec.errors import UsageError
from netspec.network import CompiledNetwork
from netspec.system.line_length import line_length_at


def members_of(network: CompiledNetwork) -> list[CompiledNetwork]:
    """Every variant of the network's spec, with its overrides, and optimized where it is.

    Raises :class:`UsageError` where the spec has no variants.
    """
    if not network.variants:
        raise UsageError(f"`{network.name}` has no variants")
    return [network.replace(variant) for variant in network.variants]


def generate_family(
    network: CompiledNetwork,
    backend: str,
    path: str | os.PathLike[str] | None = None,
    line_length: int | None = None,
    handles: str | None = None,
) -> str:
    """Standalone source of all variants of the network's spec; see :func:`netspec.generate_family`."""
    members = [member.network for member in members_of(network)]
    origin = network.compilation.origin_for(path)
    origin = replace(origin, variant=None, before=None, handles=handles, all_variants=True)
    length = line_length_at(path) if line_length is None else line_length
    return generating.generate_family(get_backend(backend), members, origin, length)
