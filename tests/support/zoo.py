"""The zoo, compiled for tests: every network of every file, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from netspec import ir, library
from netspec.elaborate.network import elaborate
from netspec.overrides import apply_overrides, from_values
from netspec.schema.bind import bind_spec
from netspec.schema.syntax import Spec
from netspec.source import parse


@cache
def zoo_spec(file: str) -> Spec:
    """A zoo file, bound."""
    return bind_spec(parse(library.zoo_text(file), f"{file}.yaml"))


def zoo_names() -> list[str]:
    """Every network of the zoo: the variants, and the files that have none."""
    names: list[str] = []
    for file in library.zoo_files():
        names += list(zoo_spec(file).variants) or [file]
    return names


def zoo_network(name: str, overrides: Mapping[str, Any] | None = None) -> ir.Network:
    """A network of the zoo by its own name."""
    file, variant = library.zoo_variants()[name]
    spec = zoo_spec(file)
    arguments = apply_overrides(spec, variant, from_values(overrides or {}))
    return elaborate(spec, variant, arguments)
