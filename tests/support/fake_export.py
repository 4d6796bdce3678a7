"""A format without a framework, for tests of what stands around the formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy

from netspec.exports.base import Export, Format, Loaded
from netspec.ir import Program
from netspec.ir.analysis import output_shapes

Outputs = dict[str, Any]


@dataclass
class FakeFormat:
    """Exports whose runtime gives zeros, as the models of the fake backend do.

    Attributes:
        change: what the runtime does to its outputs.
        refusal: what the exporter raises, once half of its file is written.
        stray: a file that the exporter leaves beside the export.
    """

    change: Callable[[Outputs], Outputs] = lambda outputs: outputs
    refusal: BaseException | None = None
    stray: str = ""
    written: list[Path] = field(default_factory=list)

    def export(self, folder: bool = False, channels_last: bool = False) -> Export:
        """The row of a backend, for a format that is a file or a directory."""
        format = Format(
            name="fake-format",
            suffix="" if folder else ".fake",
            content="model.json" if folder else "",
            runtime="numpy",
            requires=("json",),
            extra="",
            bound=1e-3,
            reason="there is none",
            load=self.load,
            parts=("left.over",),
        )
        return Export(format, self.write, channels_last=channels_last)

    def needing(self, *modules: str) -> Export:
        """The row of a format whose runtime needs these modules, of the extra `special`."""
        found = self.export()
        return replace(found, format=replace(found.format, requires=modules, extra="special"))

    def write(self, model: Any, network: Program, path: Path) -> None:
        """Shapes as JSON."""
        self.written.append(path)
        content = json.dumps(output_shapes(network))
        if path.suffix:
            file = path
        else:
            path.mkdir()
            file = path / "model.json"
        file.write_text(content[:5])
        if self.refusal is not None:
            raise self.refusal
        file.write_text(content)
        if self.stray:
            (path.parent / self.stray).write_text("weights")

    def load(self, path: Path) -> Loaded:
        """Zeros of these shapes."""
        file = path if path.is_file() else path / "model.json"
        shapes = json.loads(file.read_text())

        def run(inputs: Any) -> Outputs:
            assert inputs.dtype == numpy.float32
            return self.change({k: numpy.zeros((len(inputs), *v)) for k, v in shapes.items()})

        return Loaded("x", run)
