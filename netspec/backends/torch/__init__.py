"""The PyTorch backend: one row per op, live models, source. Importing it imports no framework."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec import ir
from netspec.backends.torch.files import TorchFiles
from netspec.backends.torch.rows import ROWS
from netspec.resize import check_input_size

if TYPE_CHECKING:
    from netspec.backends.base import Array
    from netspec.codegen.program import Program


class TorchBackend:
    """PyTorch; see :class:`netspec.backends.base.Backend`."""

    name = "torch"
    extra = "torch"
    requires = ("torch",)
    rows: Mapping[str, Any] = ROWS
    formats: Mapping[str, str] = {".pt2": "exported PyTorch program"}
    weight_files = TorchFiles()

    def build(self, network: ir.Network, input_size: tuple[int | None, ...] | None = None) -> Any:
        """A live module with fresh initial weights; its modules take any size that the weights fit."""
        from netspec.backends.torch.live import build

        if input_size is not None:
            check_input_size(network, input_size)
        return build(network)

    def generate(self, program: Program) -> str:
        """Standalone source of the network."""
        from netspec.backends.torch.emit import generate

        return generate(program)

    def owns(self, model: Any) -> bool:
        """Whether ``model`` is a PyTorch module; a process that has not imported PyTorch has none."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(model, torch.nn.Module)

    def read_weights(self, model: Any, network: ir.Network) -> dict[str, Array]:
        """Every parameter and statistic as ``path.name``, copied."""
        from netspec.backends.torch.weights import read_weights

        return read_weights(model, network)

    def write_weights(self, model: Any, network: ir.Network, weights: Mapping[str, Array]) -> None:
        """Assign every parameter and statistic; raises ValueError when names or shapes differ."""
        from netspec.backends.torch.weights import write_weights

        write_weights(model, network, weights)

    def run(self, model: Any, inputs: Array) -> dict[str, Array]:
        """Evaluation-mode outputs by name; the mode that ``model`` was in is put back."""
        import torch

        device, dtype = _place_of(model)
        with _evaluation(model), torch.no_grad():
            found = model(torch.as_tensor(inputs, dtype=dtype, device=device))
        outputs = found if isinstance(found, dict) else {"output": found}
        return {name: tensor.cpu().numpy() for name, tensor in outputs.items()}

    def save(self, model: Any, network: ir.Network, path: Path) -> None:
        """Write a ``.pt2`` program of the model in evaluation mode, with the batch left open."""
        import torch

        device, dtype = _place_of(model)
        example = torch.zeros((2, *network.source.shape), dtype=dtype, device=device)
        batch = torch.export.Dim("batch")
        with _evaluation(model):
            program = torch.export.export(model, (example,), dynamic_shapes=({0: batch},))
        torch.export.save(program, path)


@contextmanager
def _evaluation(model: Any) -> Iterator[None]:
    """Within, ``model`` is in evaluation mode; afterwards each module in the mode that it was in."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


def _place_of(model: Any) -> tuple[Any, Any]:
    """The device and dtype of a module's first parameter; the process' own where it has none."""
    import torch

    first = next(model.parameters(), None)
    if first is None:
        return torch.get_default_device(), torch.get_default_dtype()
    return first.device, first.dtype


BACKEND = TorchBackend()
