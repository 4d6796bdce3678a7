"""The PyTorch backend: one row per op, live models, source. Importing it imports no framework."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.backends.torch.naming import NAMING
from netspec.ir import Program

if TYPE_CHECKING:
    from netspec.backends.base import Array, WeightFiles
    from netspec.backends.probe import Probe
    from netspec.backends.trial import Trial
    from netspec.codegen.explanation import Decision
    from netspec.codegen.frame import Origin
    from netspec.exports.base import Export


class TorchBackend:
    """PyTorch; see :class:`netspec.backends.base.Backend`."""

    name = "torch"
    extra = "torch"
    naming = NAMING
    takes_named_inputs = True
    imports = "torch"
    handles = ("timm",)
    requires = ("torch",)
    formats: Mapping[str, str] = {".pt2": "exported PyTorch program"}

    @cached_property
    def rows(self) -> Mapping[str, Any]:
        """What each op becomes."""
        from netspec.backends.torch.rows import ROWS

        return ROWS

    @cached_property
    def exports(self) -> Mapping[str, Export]:
        """The formats that others run."""
        from netspec.backends.torch.export import EXPORTS

        return EXPORTS

    @cached_property
    def weight_files(self) -> WeightFiles:
        """Names and formats of files of weights, which source has no need of."""
        from netspec.backends.torch.files import TorchFiles

        return TorchFiles()

    def build(self, network: Program, input_size: tuple[int | None, ...] | None = None) -> Any:
        """A live module with fresh initial weights; its modules take any size that the weights fit."""
        from netspec.backends.torch.live import build
        from netspec.ir.resize import check_input_size

        if input_size is not None:
            check_input_size(network, input_size)
        return build(network)

    def generate(self, network: Program, origin: Origin, line_length: int) -> str:
        """Standalone source of the network."""
        from netspec.backends.torch.emit import generate

        return generate([network], origin, line_length)

    def generate_family(self, networks: Sequence[Program], origin: Origin, line_length: int) -> str:
        """Standalone source of several networks of a spec."""
        from netspec.backends.torch.emit import generate

        return generate(networks, origin, line_length)

    def explain(self, network: Program, origin: Origin) -> tuple[Decision, ...]:
        """Why source is written as it is."""
        from netspec.backends.torch.emit import explain

        return explain([network], origin)

    def explain_family(self, networks: Sequence[Program], origin: Origin) -> tuple[Decision, ...]:
        """Why source of several networks of a spec is written as it is."""
        from netspec.backends.torch.emit import explain

        return explain(networks, origin)

    def trial(self) -> Trial:
        """How source is tried before it is written."""
        from netspec.backends.torch.trial import try_source

        return try_source

    def owns(self, model: Any) -> bool:
        """Whether ``model`` is a PyTorch module; a process that has not imported PyTorch has none."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(model, torch.nn.Module)

    def read_weights(self, model: Any, network: Program) -> dict[str, Array]:
        """Every parameter and statistic as ``path.name``, copied."""
        from netspec.backends.torch.weights import read_weights

        return read_weights(model, network)

    def write_weights(self, model: Any, network: Program, weights: Mapping[str, Array]) -> None:
        """Assign every parameter and statistic; raises ValueError when names or shapes differ."""
        from netspec.backends.torch.weights import write_weights

        write_weights(model, network, weights)

    def run(self, model: Any, inputs: Array | Mapping[str, Array]) -> dict[str, Array]:
        """Evaluation-mode outputs by name; the mode that ``model`` was in is put back."""
        import torch

        from netspec.backends.torch.export import evaluation, place_of

        device, dtype = place_of(model)
        with evaluation(model), torch.no_grad():
            named = inputs if isinstance(inputs, Mapping) else {"": inputs}
            given = {k: torch.as_tensor(x, dtype=dtype, device=device) for k, x in named.items()}
            found = model(**given) if named is inputs else model(*given.values())
        outputs = found if isinstance(found, dict) else {"output": found}
        return {name: tensor.cpu().numpy() for name, tensor in outputs.items()}

    def probe(self) -> Probe:
        """How ``netspec verify`` looks into models."""
        from netspec.backends.torch.probe import TorchProbe

        return TorchProbe()

    def save(self, model: Any, network: Program, path: Path) -> None:
        """Write a ``.pt2`` program of the model in evaluation mode, with the batch left open."""
        from netspec.backends.torch.export import write_torch_export

        write_torch_export(model, network, path)


BACKEND = TorchBackend()
