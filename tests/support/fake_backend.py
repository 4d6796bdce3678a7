"""A backend without a framework, for tests of what stands around the backends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from netspec.ir import Layer, Program
from netspec.ir.analysis import output_shapes, weight_shapes
from netspec.ops import OPS
from netspec.ops.types import Parameter


class FakeFiles:
    """Names and layouts like nobody else's: ``path:parameter``, all axes turned round."""

    formats: Mapping[str, Any] = {}

    def name(self, layer: Layer, parameter: Parameter) -> str:
        return f"{layer.path}:{parameter.name}"

    def shape(self, layer: Layer, parameter: Parameter) -> tuple[int, ...]:
        return parameter.shape[::-1]

    def encode(self, layer: Layer, parameter: Parameter, array: Any) -> Any:
        return array.transpose()

    def decode(self, layer: Layer, parameter: Parameter, array: Any) -> Any:
        return array.transpose()

    def extras(self, layer: Layer) -> Mapping[str, Any]:
        return {}

    def extra_name(self, layer: Layer, extra: str) -> str:
        raise AssertionError

    def prefixes(self) -> tuple[str, ...]:
        return ()


@dataclass
class FakeModel:
    """What the fake backend builds: weights by canonical name."""

    network: Program
    weights: dict[str, Any]
    input_size: tuple[int | None, ...] | None = None


@dataclass
class FakeBackend:
    """Zeros of the right shapes. ``broken`` changes what its models hold or give."""

    name: str = "fake"
    extra: str = "fake"
    requires: tuple[str, ...] = ()
    imports: str = "fake"
    rows: Mapping[str, Any] = field(default_factory=lambda: dict.fromkeys(OPS, lambda layer: None))
    formats: Mapping[str, str] = field(default_factory=lambda: {".fake": "a fake model"})
    weight_files: FakeFiles = field(default_factory=FakeFiles)
    exports: Mapping[str, Any] = field(default_factory=dict)
    broken: str = ""
    line_length: int = 0

    def load(self) -> FakeBackend:
        """As an entry point does."""
        return self

    def build(self, network: Program, input_size: Any = None) -> FakeModel:
        weights = {
            name: numpy.zeros(shape, numpy.float32)
            for name, shape in weight_shapes(network).items()
        }
        if self.broken == "weights":
            weights.popitem()
        return FakeModel(network, weights, input_size)

    def generate(self, network: Any, origin: Any, line_length: int) -> str:
        self.line_length = line_length
        return f"# {network.model_name}\n"

    def generate_family(self, networks: Any, origin: Any, line_length: int) -> str:
        return "".join(f"# {network.model_name}\n" for network in networks)

    def owns(self, model: Any) -> bool:
        return isinstance(model, FakeModel)

    def read_weights(self, model: FakeModel, network: Program) -> dict[str, Any]:
        return {name: array.copy() for name, array in model.weights.items()}

    def write_weights(self, model: FakeModel, network: Program, weights: Mapping[str, Any]) -> None:
        if set(weights) != set(model.weights):
            raise ValueError("other names")
        model.weights.update(weights)

    def run(self, model: FakeModel, inputs: Any) -> dict[str, Any]:
        extra = (1,) if self.broken == "run" else ()
        return {
            name: numpy.zeros((len(inputs), *shape, *extra))
            for name, shape in output_shapes(model.network).items()
        }

    def save(self, model: FakeModel, network: Program, path: Path) -> None:
        if self.broken == "save":
            path.write_bytes(b"half a fi")
            raise OSError(28, "No space left on device")
        path.write_bytes(b"fake")
