"""What follows from the IR alone, shapes and numbers of parameters, held against both frameworks for every op.

MACs are in test_macs.py, against PyTorch's counter.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from netspec.backends.base import build, get_backend
from netspec.backends.torch import live
from netspec.ir import Program
from netspec.ir.analysis import summarise
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import TORCH_ALONE, cases

CASES = [
    *cases(),
    *((f"conv_transpose: {{{text}}}", rank) for text in TORCH_ALONE for rank in (1, 2, 3)),
]


def shapes_of(network: Program) -> dict[str, tuple[int, ...]]:
    """(channels, *size) of every layer's result, and of every output."""
    results = {layer.path: layer.target.shape for layer in network.layers}
    return results | {f"output {name}": v.type.shape for name, v in network.outputs.items()}


@pytest.mark.parametrize(("steps", "rank"), CASES)
def test_in_torch(steps: str, rank: int) -> None:
    network = network_of(steps, SIZES[rank])
    with torch.device("meta"):
        model = live.build(network).eval()
        x = torch.empty((3, *network.source.shape))
    found: dict[str, tuple[int, ...]] = {}
    modules = dict(model.named_modules())
    for layer in network.layers:
        if layer.path in modules:
            modules[layer.path].register_forward_hook(
                lambda module, given, y, layer=layer: found.update(
                    {layer.path: tuple(y.shape[1 : 2 + layer.target.rank])}
                )
            )
    with torch.no_grad():
        y = model(x)
    outputs = y if isinstance(y, dict) else {"output": y}
    found |= {f"output {name}": tuple(tensor.shape[1:]) for name, tensor in outputs.items()}
    expected = shapes_of(network)
    assert found == {name: shape for name, shape in expected.items() if name in found}
    summary = summarise(network)
    assert summary.output_shape == tuple(next(iter(outputs.values())).shape[1:])
    by_role = {True: 0, False: 0}
    for parameter in model.parameters():
        by_role[parameter.requires_grad] += parameter.numel()
    assert summary.parameters.trainable == by_role[True]
    statistics = (b.numel() for name, b in model.named_buffers() if "num_batches" not in name)
    not_trained = summary.parameters.frozen + summary.parameters.statistics
    assert not_trained == by_role[False] + sum(statistics)


@pytest.mark.parametrize(("steps", "rank"), cases())
def test_in_keras(steps: str, rank: int) -> None:
    pytest.importorskip("keras")
    from netspec.backends.keras.inside import _ends

    network = network_of(steps, SIZES[rank])
    model = build(get_backend("keras"), network)
    found = {path: shape(last) for path, (_, last) in _ends(model, network).items()}
    found |= {f"output {name}": shape(y) for name, y in outputs_of(model).items()}
    assert found == shapes_of(network)
    summary = summarise(network)
    assert summary.parameters.total == counted(model.weights)
    assert summary.parameters.trainable == counted(model.trainable_weights)


def outputs_of(model: Any) -> dict[str, Any]:
    return model.output if isinstance(model.output, dict) else {"output": model.output}


def shape(tensor: Any) -> tuple[int, ...]:
    """(channels, *size) of a tensor of Keras'."""
    _, *size, channels = tensor.shape
    return (channels, *size)


def counted(variables: Any) -> int:
    """The values that variables hold, but for the state of random numbers."""
    from netspec.backends.keras.weights import SEED

    sizes = (torch.Size(v.shape).numel() for v in variables if v.name != SEED)
    return sum(sizes)
