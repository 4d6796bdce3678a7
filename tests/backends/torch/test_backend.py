"""The backend as an object: what it builds, runs, saves and refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import netspec
from netspec.backends.base import Backend
from netspec.backends.torch import BACKEND
from netspec.backends.torch.naming import NAMING
from netspec.errors import UsageError
from tests.support.isolated import loaded_modules
from tests.support.networks import input_of, network_of, random_weights
from tests.support.zoo import zoo_network

RESNET = {"depths": [1, 2, 1, 1], "width": 8, "classes": 5}
OUTPUTS = """
netspec: 1
name: tapped
input: {channels: 3, size: [8, 10]}
outputs: {low: early, high: layer1}
stem:
  - conv: {out: 4, kernel: 3}
    as: early
  - dropout
stages:
  - {block: basic, repeat: 2, width: 4}
head: [global_avg_pool]
"""


def test_the_backend_is_one() -> None:
    backend: Backend = BACKEND
    assert backend.name == "torch"
    model = backend.build(network_of("relu", (4, 5)))
    assert backend.owns(model)
    assert not backend.owns(object())


def test_importing_it_imports_no_framework() -> None:
    code = "from netspec.backends.torch import BACKEND; assert not BACKEND.owns(object())"
    assert not loaded_modules(code) & {"torch", "keras", "tensorflow"}


def test_run_gives_evaluation_mode_outputs_and_restores_every_mode() -> None:
    network = netspec.loads(OUTPUTS).network
    model = BACKEND.build(network).train()
    model.layer1[0].bn1.eval()
    modes = {name: module.training for name, module in model.named_modules()}
    x = input_of(network)
    first, second = BACKEND.run(model, x), BACKEND.run(model, x)
    assert {name: module.training for name, module in model.named_modules()} == modes
    shapes = {name: value.shape for name, value in first.items()}
    assert shapes == {"low": (3, 4, 8, 10), "high": (3, 4, 8, 10), "output": (3, 4)}
    for name in first:  # dropout and batch statistics would differ
        np.testing.assert_array_equal(first[name], second[name])
    assert int(model.layer1[0].bn2.num_batches_tracked) == 0


def test_run_restores_the_mode_when_it_fails() -> None:
    model = BACKEND.build(network_of("conv: {out: 4, kernel: 3}", (5, 6))).train()
    with pytest.raises(RuntimeError):
        BACKEND.run(model, np.zeros((1, 7, 5, 6)))
    assert model.training


def test_run_takes_the_models_dtype() -> None:
    network = network_of("conv: {out: 4, kernel: 3}", (5, 6))
    x = input_of(network)
    assert BACKEND.run(BACKEND.build(network), x)["output"].dtype == np.float32
    assert BACKEND.run(BACKEND.build(network).double(), x)["output"].dtype == np.float64


def test_run_of_a_network_without_parameters() -> None:
    network = network_of("relu", (5, 6))
    x = input_of(network).astype("float32")
    np.testing.assert_array_equal(
        BACKEND.run(BACKEND.build(network), x)["output"], np.maximum(x, 0)
    )


def test_a_saved_program_gives_equal_numbers_at_any_batch(tmp_path: Path) -> None:
    network = zoo_network("resnet18", RESNET)
    model = BACKEND.build(network).train()
    BACKEND.write_weights(model, network, random_weights(network))
    BACKEND.save(model, network, tmp_path / "model.pt2")
    assert model.training
    assert list(tmp_path.iterdir()) == [tmp_path / "model.pt2"]
    program = torch.export.load(tmp_path / "model.pt2").module()
    for batch in (1, 2, 5):
        x = torch.randn(batch, *network.source.shape)
        expected = BACKEND.run(model, x.numpy())["output"]
        with torch.no_grad():
            np.testing.assert_array_equal(program(x).numpy(), expected)


def test_a_saved_program_keeps_its_named_outputs(tmp_path: Path) -> None:
    network = netspec.loads(OUTPUTS).network
    model = BACKEND.build(network)
    BACKEND.save(model, network, tmp_path / "model.pt2")
    x = input_of(network).astype("float32")
    found = torch.export.load(tmp_path / "model.pt2").module()(torch.tensor(x))
    expected = BACKEND.run(model, x)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name].detach().numpy(), expected[name])


def test_saving_restores_every_mode(tmp_path: Path) -> None:
    network = netspec.loads(OUTPUTS).network
    model = BACKEND.build(network).train()
    model.layer1[0].bn1.eval()
    modes = {name: module.training for name, module in model.named_modules()}
    BACKEND.save(model, network, tmp_path / "model.pt2")
    assert {name: module.training for name, module in model.named_modules()} == modes


def test_an_input_size_of_other_axes_is_refused() -> None:
    network = network_of("relu", (4, 5))
    with pytest.raises(UsageError, match="1 axes, the network has 2"):
        BACKEND.build(network, (4,))


def test_an_input_size_that_the_weights_do_not_fit_is_refused() -> None:
    network = network_of("conv: {out: 2, kernel: 3}\nflatten\nlinear: {out: 3}", (4, 5))
    assert BACKEND.build(network, (4, 5)) is not None
    with pytest.raises(UsageError, match="`flatten` flattens a map of 2×4×5"):
        BACKEND.build(network, (4, 6))
    with pytest.raises(UsageError, match="`flatten` flattens a map"):
        BACKEND.build(network, (4, None))


def test_an_input_size_too_small_for_the_network_is_refused() -> None:
    network = network_of("conv: {out: 2, kernel: 3, padding: valid}\nmax_pool: {kernel: 4}", (9, 9))
    with pytest.raises(UsageError, match="kernel is larger"):
        BACKEND.build(network, (9, 5))


def test_what_modules_have_is_no_name_for_a_layer() -> None:
    """A child called so would hide a method, or be refused by PyTorch."""
    known = {*dir(torch.nn.Module()), *dir(torch.nn.Sequential())}
    assert {name for name in known if not name.startswith("_")} <= NAMING.reserved
