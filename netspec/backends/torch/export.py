"""PyTorch models in formats that others run, written by PyTorch's own exporters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netspec.backends.torch.torch_export import TORCH_EXPORT
from netspec.exports.base import Export, free_name, one_input_alone
from netspec.exports.onnx import ONNX
from netspec.ir import Program
from netspec.system.room import PatientFile


def write_torch_export(model: Any, network: Program, path: Path) -> None:
    """A ``.pt2`` program of ``torch.export``."""
    import torch

    program = _program(model, network)
    with PatientFile(path) as file:
        torch.export.save(program, file)


def write_onnx(model: Any, network: Program, path: Path) -> None:
    """One ONNX file, weights included; those of 2 GB and more have no place in one."""
    import torch

    program = torch.onnx.export(_program(model, network), dynamo=True, verbose=False)
    outputs = list(network.evaluation_outputs)
    _rename(program.model.graph, free_name("input", set(outputs)), outputs)
    program.save(path, external_data=False)


def _rename(graph: Any, input_name: str, outputs: Sequence[str]) -> None:
    """Give a graph of ONNX the network's names; what the exporter called so is called otherwise."""
    ends = [*graph.inputs, *graph.outputs]
    names = [input_name, *outputs]
    inner = [value for node in graph.all_nodes() for value in node.outputs]
    inner += graph.initializers.values()
    taken = {*names, *(value.name for value in (*ends, *inner))}
    for value in inner:
        if value.name in names:
            value.name = free_name(value.name, taken)
            taken.add(value.name)
    for value, name in zip(ends, names, strict=True):
        value.name = name


def _program(model: Any, network: Program) -> Any:
    """The model in evaluation mode as a program of ``torch.export``, its batch left open."""
    import torch

    one_input_alone(network, "torch.export")
    device, dtype = place_of(model)
    example = torch.zeros((2, *network.source.shape), dtype=dtype, device=device)
    batch = torch.export.Dim("batch")
    with evaluation(model):
        return torch.export.export(model, (example,), dynamic_shapes=({0: batch},))


@contextmanager
def evaluation(model: Any) -> Iterator[None]:
    """Within, ``model`` is in evaluation mode; afterwards each module in the mode that it was in."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


def place_of(model: Any) -> tuple[Any, Any]:
    """The device and dtype of a module's first parameter; the process' own where it has none."""
    import torch

    first = next(model.parameters(), None)
    if first is None:
        return torch.get_default_device(), torch.get_default_dtype()
    return first.device, first.dtype


EXPORTS = {
    "onnx": Export(ONNX, write_onnx, requires=("onnxscript",)),
    "torch-export": Export(TORCH_EXPORT, write_torch_export),
}
"""The formats that PyTorch writes, by name."""
