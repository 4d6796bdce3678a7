"""Saved models are stock Keras: a process without netspec loads them and computes the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.backends.keras import BACKEND, plan
from netspec.backends.keras.lowered import is_layer
from netspec.backends.keras.plan import CHUNK_BLOCKS, chunks, is_deep, layer_count, lower
from netspec.backends.keras.weights import layers_of
from netspec.elaborate.network import elaborate
from netspec.ir import Layer, Program
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse
from tests.support.networks import SIZES, input_of, network_of, random_weights
from tests.support.op_cases import cases
from tests.support.saved import elsewhere, load_elsewhere, store

Outputs = dict[str, np.ndarray]
Saved = dict[str, tuple[Program, Outputs, Outputs]]

OUTPUTS = """
netspec: 1
name: n
input: {channels: 3, size: [8, 10]}
outputs: {low: early, high: layer2}
stem:
  - conv: {out: 4, kernel: 3}
    as: early
  - relu
stages:
  - {block: basic, repeat: 2, width: 4}
  - {block: basic, repeat: 1, width: 6, stride: 2}
head:
  - global_avg_pool
  - linear: {out: 5}
"""
DEEP = """
netspec: 1
name: deep
input: {channels: 3, size: [4, 6]}
defaults: {conv: {bias: false}}
stem:
  - conv: {out: 2, kernel: 3}
stages:
  - {block: tiny, repeat: 45}
  - {block: tiny, repeat: 10, between: [{avg_pool: {kernel: 2}}]}
blocks:
  tiny:
    body:
      - residual: {body: [batch_norm, relu, {conv: {out: channels, kernel: 1}}]}
head:
  - global_max_pool
"""


def every_kind() -> dict[str, Program]:
    """Networks with outputs and with sub-models, and one for every kind of Keras layer."""
    networks = {
        "outputs": elaborate(bind_spec(parse(OUTPUTS, "test.yaml"))),
        "deep": elaborate(bind_spec(parse(DEEP, "test.yaml"))),
    }
    seen: set[tuple[object, ...]] = set()
    for steps, rank in cases():
        network = network_of(steps, SIZES[rank])
        kinds = {
            (rank, call.target, call.kwargs.get("padding"), call.kwargs.get("keepdims"))
            for layer in network.layers
            for _, call in lower(layer)
        }
        if not kinds <= seen:
            networks[f"case{len(seen)}"] = network
            seen |= kinds
    return networks


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Networks that were saved here and ran in one other process, as (network, here, there)."""
    folder = tmp_path_factory.mktemp("saved")
    networks = every_kind()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "FLAT_LIMIT", 200)
        here = {name: store(network, folder, name) for name, network in networks.items()}
    load_elsewhere(folder)
    return {name: (networks[name], here[name], elsewhere(folder, name)) for name in networks}


def test_saved_models_compute_the_same_elsewhere(saved: Saved) -> None:
    assert len(saved) > 50
    for name, (network, here, there) in saved.items():
        assert here.keys() == there.keys()
        message = f"{name}: {', '.join(str(layer) for layer in network.layers)[:200]}"
        for key, value in here.items():
            np.testing.assert_allclose(there[key], value, rtol=1e-4, atol=1e-4, err_msg=message)


def test_the_older_format_has_every_layer_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``.h5`` has models of layers alone: all networks but those with an expression of ``keras.ops``."""
    import keras

    monkeypatch.setattr(plan, "FLAT_LIMIT", 200)
    unreadable = set()
    for name, network in every_kind().items():
        model = BACKEND.build(network)
        BACKEND.write_weights(model, network, random_weights(network))
        path = tmp_path / f"{name}.h5"
        model.save(path)
        x = input_of(network).astype("float32")
        try:
            loaded = keras.models.load_model(path, compile=False)
        except ValueError:
            layers = [layer for layer in network.layers if not _is_layers(layer)]
            assert layers, name
            unreadable |= {layer.op.kind for layer in layers}
            continue
        for key, value in BACKEND.run(model, x).items():
            np.testing.assert_allclose(BACKEND.run(loaded, x)[key], value, rtol=1e-4, atol=1e-4)
    assert unreadable == {"max_pool", "avg_pool"}


def _is_layers(layer: Layer) -> bool:
    return all(is_layer(call) for _, call in lower(layer))


def test_outputs_are_named(saved: Saved) -> None:
    shapes = {name: value.shape for name, value in saved["outputs"][1].items()}
    assert shapes == {"low": (3, 4, 8, 10), "high": (3, 6, 4, 5), "output": (3, 5)}


def test_deep_networks_are_cut_into_sub_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FLAT_LIMIT", 200)
    network = elaborate(bind_spec(parse(DEEP, "test.yaml")))
    assert is_deep(network)
    parts = [chunks(stage) for stage in network.stages]
    assert [len(blocks) for _, blocks in parts[0]] == [40, 5]
    assert all(len(blocks) <= CHUNK_BLOCKS for stage in parts for _, blocks in stage)
    model = BACKEND.build(network)
    outer = [layer.name for layer in model.layers]
    assert outer[:3] == ["input", "conv1", "layer1_chunk1"]
    inner = [layer.name for layer in layers_of(model)]
    assert len(set(inner)) == len(inner)
    assert len(inner) == layer_count(network.nodes) + 1 + sum(len(stage) for stage in parts)
    weights = random_weights(network)
    BACKEND.write_weights(model, network, weights)
    for name, value in BACKEND.read_weights(model, network).items():
        np.testing.assert_array_equal(value, weights[name].astype("float32"))


def test_saving_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    network = network_of("conv: {out: 4, kernel: 3, groups: 2}", (5, 6))
    path = tmp_path / "model.keras"
    path.write_text("something else")
    BACKEND.save(BACKEND.build(network), network, path)
    assert path.read_bytes()[:2] == b"PK"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
@pytest.mark.parametrize(("times", "flat"), [(160, True), (1000, False)])
def test_the_limits_hold_in_keras(tmp_path: Path, times: int, flat: bool) -> None:
    text = DEEP.replace("repeat: 45", f"repeat: {times}")
    network = elaborate(bind_spec(parse(text, "test.yaml")))
    assert is_deep(network) is not flat
    assert not flat or layer_count(network) > 0.95 * plan.FLAT_LIMIT
    expected = store(network, tmp_path, "deep")
    load_elsewhere(tmp_path)
    found = elsewhere(tmp_path, "deep")
    np.testing.assert_allclose(found["output"], expected["output"], rtol=1e-3, atol=1e-3)
