"""Generated PyTorch source, built and run on the device ``meta``, where tensors have no values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from netspec.backends.torch.weights import tensors_of
from netspec.backends.trial import compare_outputs
from netspec.ir import Program
from netspec.ir.analysis import evaluation_shapes, output_shapes
from netspec.ops.normalization import InstanceNorm

_BATCH = 2
"""What batch norms need to train on maps of one pixel."""


def try_source(function: Callable[[], Any], network: Program) -> None:
    """Make the model and run it in both modes; raises ValueError where it is not the network's."""
    with torch.device("meta"), torch.no_grad():
        model = function()
        for _ in tensors_of(model, network):
            pass
        compare_outputs(evaluation_shapes(network), _outputs(model.eval(), network), "evaluation")
        if _trains(network):
            compare_outputs(output_shapes(network), _outputs(model.train(), network), "training")


def _trains(network: Program) -> bool:
    """Whether it runs in training mode at the spec's size: PyTorch trains no instance norm of one pixel."""
    return not any(
        isinstance(node.op, InstanceNorm) and set(node.inputs[0].type.size) <= {1}
        for node in network.nodes
    )


def _outputs(model: Any, network: Program) -> dict[str, tuple[int, ...]]:
    named = {name: _input(value) for name, value in network.named_inputs.items()}
    found = model(**named) if network.input_names else model(_input(network.inputs[0]))
    outputs = found if isinstance(found, dict) else {"output": found}
    return {name: tuple(tensor.shape[1:]) for name, tensor in outputs.items()}


def _input(value: Any) -> torch.Tensor:
    return torch.empty(_BATCH, *value.type.shape)
