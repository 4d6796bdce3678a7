"""A network, with the spec that it comes from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from netspec.codegen.frame import Origin
from netspec.elaborate.bounds import Bounds
from netspec.ir import Program
from netspec.ir.backbone import with_outputs
from netspec.ir.fingerprint import fingerprint
from netspec.ir.passes.base import Optimization
from netspec.lang.schema.syntax import Argument, Spec


@dataclass(frozen=True, eq=False)
class Compilation:
    """A spec at one variant and its overrides, with the concrete network that it gives.

    Attributes:
        network: the network: its ops, with values on the edges.
        folder: where blocks beside the spec are looked for; None for none.
        place: where the spec is, as the head of generated source says it; None where that is not known.
        file: the spec's file; None where it has none of the user's.
        outputs: the outputs that were asked for besides those of the spec, as they were.
        headless: whether the network has these alone, and nothing that leads to none of them.
        whole: where outputs were asked for, the network without them.
        optimization: what passes have made ``network`` of; None where it is as the spec says.
    """

    spec: Spec
    network: Program
    overrides: Mapping[str, Argument]
    folder: Path | None
    bounds: Bounds = field(default_factory=Bounds)
    place: str | None = None
    file: Path | None = None
    outputs: tuple[str, ...] = ()
    headless: bool = False
    whole: Program | None = None
    optimization: Optimization | None = None

    @property
    def original(self) -> Compilation:
        """The network as the spec says, which weights in files and published names belong to."""
        if self.optimization is None:
            return self
        return replace(self, network=self.optimization.original, optimization=None)

    def with_outputs(self, outputs: Sequence[str], headless: bool) -> Compilation:
        """The network with further outputs, or with these alone; see :func:`~netspec.ir.backbone.with_outputs`."""
        whole = self.whole or self.network
        asked, alone = (*self.outputs, *outputs), headless or self.headless
        network = with_outputs(whole, asked, alone)
        return replace(self, network=network, outputs=asked, headless=alone, whole=whole)

    def origin_for(self, path: str | os.PathLike[str] | None) -> Origin:
        """What the head of source says of where it came from, seen from the file that it is for."""
        if path is None or self.file is None:
            return self.origin
        return replace(self.origin, place=_place_of(self.file, Path(path)))

    @property
    def origin(self) -> Origin:
        """What the head of generated source says of where it came from."""
        values = tuple(
            f"{name}={json.dumps(argument.value, ensure_ascii=False)}"
            for name, argument in self.overrides.items()
        )
        origin = Origin(
            self.network.name,
            self.network.variant,
            values,
            self.place,
            outputs=self.outputs,
            headless=self.headless,
        )
        if self.optimization is None:
            return origin
        before = fingerprint(self.optimization.original)
        return replace(origin, goal=self.optimization.goal, before=before)


def _place_of(file: Path, seen_from: Path) -> str | None:
    """The path of ``file`` relative to the folder of another; None where there is none, as on two drives."""
    try:
        here = os.path.realpath(seen_from.parent)
        return Path(os.path.relpath(os.path.realpath(file), here)).as_posix()
    except ValueError:
        return None
