"""Every network of the zoo: stage shapes and the parameters of each layer, in the IR and both backends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netspec.backends.keras import BACKEND as KERAS
from netspec.backends.keras.plan import is_deep
from netspec.backends.keras.weights import layers_of
from netspec.backends.names import flat_name
from netspec.backends.torch import live
from netspec.ir import Program
from netspec.ir.analysis import count_parameters, output_shapes, summarise, weight_shapes
from tests.support.saved import elsewhere, load_elsewhere, store
from tests.support.zoo import zoo_compiled, zoo_names

pytest.importorskip("keras")

QUICK_IN_KERAS = (
    *("resnet18", "resnext50_32x4d", "resnet50_keras", "resnet50v2", "resnet20", "preact110"),
    *("wrn_16_8", "wrn_40_4", "plain18", "seresnet50", "article_resnet"),
)
"""At least one of every file; the others have the same layers in other numbers."""
COUNTER = "num_batches_tracked"

Counts = dict[str, tuple[int, int]]
"""Trainable values and statistics of each layer that has any, by flat name."""


def counts_of(network: Program) -> Counts:
    """As the ops declare them."""
    found = {}
    for layer in network.layers:
        counted = count_parameters([layer])
        if counted.total:
            found[flat_name(layer.path)] = (counted.trainable, counted.statistics)
    return found


def torch_counts(model: torch.nn.Module) -> Counts:
    """As PyTorch's modules hold them."""
    found = {}
    for path, module in model.named_modules():
        trainable = sum(p.numel() for p in module.parameters(recurse=False))
        statistics = sum(
            b.numel() for name, b in module.named_buffers(recurse=False) if name != COUNTER
        )
        if trainable + statistics:
            found[flat_name(path)] = (trainable, statistics)
    return found


def keras_counts(model: Any) -> Counts:
    """As Keras' layers hold them."""
    found = {}
    for layer in layers_of(model):
        trainable = sum(int(np.prod(v.shape)) for v in layer.trainable_variables)
        statistics = sum(
            int(np.prod(v.shape)) for v in layer.non_trainable_variables if v.dtype != "uint32"
        )
        if trainable + statistics:
            found[layer.name] = (trainable, statistics)
    return found


@pytest.mark.parametrize("name", zoo_names())
def test_torch_has_the_shapes_and_parameters(name: str) -> None:
    network = zoo_compiled(name, taps=True).network
    with torch.device("meta"):
        model = live.build(network).eval()
        found = model(torch.empty(2, *network.source.shape))
    assert {key: tuple(y.shape[1:]) for key, y in found.items()} == output_shapes(network)
    assert torch_counts(model) == counts_of(network)
    keys = [key for key in model.state_dict() if not key.endswith(COUNTER)]
    assert keys == list(weight_shapes(network))


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK_IN_KERAS else pytest.param(n, marks=pytest.mark.slow) for n in zoo_names()],
)
def test_keras_has_the_shapes_and_parameters(name: str) -> None:
    network = zoo_compiled(name, taps=True).network
    model = KERAS.build(network)
    shapes = {key: (y.shape[-1], *y.shape[1:-1]) for key, y in model.output.items()}
    assert shapes == output_shapes(network)
    assert keras_counts(model) == counts_of(network)


@pytest.mark.parametrize("name", zoo_names())
def test_layers_add_up_to_the_summary(name: str) -> None:
    network = zoo_compiled(name).network
    summary, counts = summarise(network), counts_of(network)
    assert summary.parameters.trainable == sum(trainable for trainable, _ in counts.values())
    assert summary.parameters.statistics == sum(statistics for _, statistics in counts.values())
    assert summary.parameters.total == sum(stage.parameters for stage in summary.stages)
    assert summary.macs == sum(stage.macs for stage in summary.stages)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["preact1001", "resnet1202"])
def test_keras_networks_of_more_than_a_thousand_layers(name: str, tmp_path: Path) -> None:
    """They build, save, load in a fresh process, and compute there what they compute here."""
    network = zoo_compiled(name).network
    assert is_deep(network)
    here = store(network, tmp_path, name)
    load_elsewhere(tmp_path)
    there = elsewhere(tmp_path, name)
    np.testing.assert_allclose(there["output"], here["output"], rtol=1e-3, atol=1e-3)
