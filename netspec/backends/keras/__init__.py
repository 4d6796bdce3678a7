"""The Keras backend: one row per op, live models, source. Importing it imports no framework."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.backends.keras.naming import NAMING
from netspec.errors import UsageError
from netspec.ir import Program

if TYPE_CHECKING:
    from netspec.backends.base import Array, WeightFiles
    from netspec.backends.probe import Probe
    from netspec.backends.trial import Trial
    from netspec.codegen.explanation import Decision
    from netspec.codegen.frame import Origin
    from netspec.exports.base import Export


class KerasBackend:
    """Keras 3, on TensorFlow unless told otherwise; see :class:`netspec.backends.base.Backend`."""

    name = "keras"
    extra = "keras"
    naming = NAMING
    takes_named_inputs = True
    imports = "keras"
    formats: Mapping[str, str] = {".keras": "Keras model"}

    @cached_property
    def rows(self) -> Mapping[str, Any]:
        """What each op becomes."""
        from netspec.backends.keras.rows import ROWS

        return ROWS

    @cached_property
    def exports(self) -> Mapping[str, Export]:
        """The formats that others run."""
        from netspec.backends.keras.export import EXPORTS

        return EXPORTS

    @cached_property
    def weight_files(self) -> WeightFiles:
        """Names and formats of files of weights, which source has no need of."""
        from netspec.backends.keras.files import KerasFiles

        return KerasFiles()

    @property
    def requires(self) -> tuple[str, ...]:
        """Keras, and what it runs on here; what it cannot run on is told when it is loaded."""
        from netspec.backends.keras.framework import runs_on

        try:
            return ("keras", runs_on())
        except UsageError:
            return ("keras",)

    def build(self, network: Program, input_size: tuple[int | None, ...] | None = None) -> Any:
        """A live functional model with fresh initial weights."""
        from netspec.backends.keras.live import build

        return build(network, input_size)

    def generate(self, network: Program, origin: Origin, line_length: int) -> str:
        """Standalone source of the network."""
        from netspec.backends.keras.emit import generate

        return generate([network], origin, line_length)

    def generate_family(self, networks: Sequence[Program], origin: Origin, line_length: int) -> str:
        """Standalone source of several networks of a spec."""
        from netspec.backends.keras.emit import generate

        return generate(networks, origin, line_length)

    def explain(self, network: Program, origin: Origin) -> tuple[Decision, ...]:
        """Why source is written as it is."""
        from netspec.backends.keras.emit import explain

        return explain([network], origin)

    def explain_family(self, networks: Sequence[Program], origin: Origin) -> tuple[Decision, ...]:
        """Why source of several networks of a spec is written as it is."""
        from netspec.backends.keras.emit import explain

        return explain(networks, origin)

    def check(self, network: Program) -> None:
        """Raise :class:`NetspecError` where two layers would have one name."""
        from netspec.backends.keras.plan import check_names

        check_names(network)

    def trial(self) -> Trial:
        """How source is tried before it is written."""
        from netspec.backends.keras.trial import try_source

        return try_source

    def owns(self, model: Any) -> bool:
        """Whether ``model`` is a Keras model; a process that has not imported Keras has none."""
        keras = sys.modules.get("keras")
        return keras is not None and isinstance(model, keras.Model)

    def read_weights(self, model: Any, network: Program) -> dict[str, Array]:
        """Every parameter and statistic as ``path.name``, copied."""
        from netspec.backends.keras.weights import read_weights

        return read_weights(model, network)

    def write_weights(self, model: Any, network: Program, weights: Mapping[str, Array]) -> None:
        """Assign every parameter and statistic; raises ValueError when names or shapes differ."""
        from netspec.backends.keras.weights import write_weights

        write_weights(model, network, weights)

    def run(self, model: Any, inputs: Array | Mapping[str, Array]) -> dict[str, Array]:
        """Evaluation-mode outputs by name, channels first."""
        import numpy

        from netspec.backends.keras.framework import load_keras

        values = load_keras().ops.convert_to_numpy
        named = inputs if isinstance(inputs, Mapping) else {"": inputs}
        dtype = model.inputs[0].dtype
        given = {name: numpy.moveaxis(x, 1, -1).astype(dtype) for name, x in named.items()}
        found = model(given if named is inputs else given[""], training=False)
        outputs = found if isinstance(found, dict) else {"output": found}
        return {
            name: numpy.ascontiguousarray(numpy.moveaxis(values(tensor), -1, 1))
            for name, tensor in outputs.items()
        }

    def probe(self) -> Probe:
        """How ``netspec verify`` looks into models."""
        from netspec.backends.keras.probe import KerasProbe

        return KerasProbe()

    def save(self, model: Any, network: Program, path: Path) -> None:
        """Write a ``.keras`` file; what stood at ``path`` is replaced whole or not at all."""
        import tempfile

        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".netspec-") as folder:
            written = Path(folder) / f"model{path.suffix}"
            model.save(written)
            os.replace(written, path)


BACKEND = KerasBackend()
