"""What source is generated from: a network, and the means to see its blocks with parameters free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from netspec.codegen.second import tree
from netspec.codegen.second.network import Builder
from netspec.codegen.second.steps import Elaborator
from netspec.elaborate.bounds import Bounds
from netspec.ir import Program
from netspec.schema.syntax import Argument, Spec


@dataclass(frozen=True, eq=False)
class Compilation:
    """A spec at one variant and its overrides, with the concrete network that it gives.

    Attributes:
        network: the network: its ops, with values on the edges.
        folder: where blocks beside the spec are looked for; None for none.
        place: where the spec is, as the head of generated source says it; None where that is not known.
    """

    spec: Spec
    network: Program
    overrides: Mapping[str, Argument]
    folder: Path | None
    bounds: Bounds = field(default_factory=Bounds)
    place: str | None = None

    @cached_property
    def _builder(self) -> Builder:
        variant = self.network.variant
        return Builder(
            self.spec, variant, self.overrides, self.folder, keep=True, bounds=self.bounds
        )

    @cached_property
    def generalised(self) -> tree.Network:
        """The network with the parameters that stay arguments as names."""
        return self._builder.build()

    @property
    def elaborator(self) -> Elaborator:
        """Expands the spec's blocks."""
        return self._builder.elaborator
