"""A network, with the spec that it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from netspec.codegen.frame import Origin
from netspec.elaborate.bounds import Bounds
from netspec.ir import Program
from netspec.lang.schema.syntax import Argument, Spec


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

    @property
    def origin(self) -> Origin:
        """What the head of generated source says of where it came from."""
        values = tuple(
            f"{name}={json.dumps(argument.value, ensure_ascii=False)}"
            for name, argument in self.overrides.items()
        )
        return Origin(self.network.name, self.network.variant, values, self.place)
