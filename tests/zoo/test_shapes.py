"""Every network of the zoo: stage shapes and the parameters of each layer, in the IR and both backends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from netspec.backends.keras import BACKEND as KERAS
from netspec.backends.keras.plan import is_deep
from netspec.backends.torch import live
from netspec.ir.analysis import output_shapes, summarise, weight_shapes
from tests.support.saved import elsewhere, load_elsewhere, store
from tests.support.witnesses import COUNTER, declared_counts, keras_counts, torch_counts
from tests.support.zoo import zoo_cases, zoo_compiled, zoo_names

pytest.importorskip("keras")

QUICK_IN_KERAS = (
    *("resnet18", "resnext50_32x4d", "resnet50_keras", "resnet50v2", "resnet20", "preact110"),
    *("wrn_16_8", "wrn_40_4", "plain18", "seresnet50", "article_resnet"),
    *("densenet121", "efficientnet_b0"),
)
"""At least one of every file; the others have the same layers in other numbers."""


@pytest.mark.parametrize("name", zoo_cases())
def test_torch_has_the_shapes_and_parameters(name: str) -> None:
    network = zoo_compiled(name, taps=True).network
    with torch.device("meta"):
        model = live.build(network).eval()
        found = model(torch.empty(2, *network.source.shape))
    assert {key: tuple(y.shape[1:]) for key, y in found.items()} == output_shapes(network)
    assert torch_counts(model) == declared_counts(network)
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
    assert keras_counts(model) == declared_counts(network)


@pytest.mark.parametrize("name", zoo_cases())
def test_layers_add_up_to_the_summary(name: str) -> None:
    network = zoo_compiled(name).network
    summary, counts = summarise(network), declared_counts(network)
    assert summary.parameters.trainable == sum(trainable for trainable, _ in counts.values())
    rest = summary.parameters.statistics + summary.parameters.frozen
    assert rest == sum(others for _, others in counts.values())
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
