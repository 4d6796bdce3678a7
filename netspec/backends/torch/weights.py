"""Weights of PyTorch modules under canonical names and in the canonical layout, which is theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from netspec.ir import Program
from netspec.ir.analysis import weight_shapes
from netspec.weights.canonical import check_weights

if TYPE_CHECKING:
    from netspec.backends.base import Array


def read_weights(model: Any, network: Program) -> dict[str, Array]:
    """Every parameter and statistic as ``path.name``, copied."""
    return {
        name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors_of(model, network)
    }


def write_weights(model: Any, network: Program, weights: Mapping[str, Array]) -> None:
    """Assign every parameter and statistic; raises ValueError when names or shapes differ.

    Nothing is assigned unless everything fits.
    """
    import torch

    tensors = dict(tensors_of(model, network))
    check_weights(weight_shapes(network), weights)
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.as_tensor(weights[name]))


def tensors_of(model: Any, network: Program) -> Iterator[tuple[str, Any]]:
    """Every tensor of the network in ``model``; raises ValueError unless they are the network's."""
    # Reading one key at a time from `state_dict()` would build that dict for each of them.
    state = model.state_dict(keep_vars=True)
    for name, shape in weight_shapes(network).items():
        tensor = state.pop(name, None)
        if tensor is None:
            raise ValueError(f"the model has no `{name}`, which the spec has")
        if tuple(tensor.shape) != shape:
            raise ValueError(f"`{name}` has shape {tuple(tensor.shape)}, the spec's has {shape}")
        yield name, tensor
    extra = [name for name in state if not name.endswith(".num_batches_tracked")]
    if extra:
        raise ValueError(f"the model has `{extra[0]}`, which the spec has not")
