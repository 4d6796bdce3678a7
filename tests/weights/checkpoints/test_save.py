"""Weights of a live model, of either framework, in files of either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import netspec
from netspec.api import CompiledNetwork
from netspec.errors import UsageError
from tests.support.disks import room_for
from tests.weights.checkpoints.conftest import float32_weights

STEPS = "[{conv: {out: 4, kernel: 3}}, norm, relu, global_avg_pool, {linear: {out: 5}}]"
TEXT = f"netspec: 1\nname: n\ninput: {{channels: 6, size: [9, 12]}}\nstem: {STEPS}\n"
NAMES = "{conv1: first, '{any}': '{any}'}"
PUBLISHED = f"checkpoints: {{theirs: {{framework: keras, layers: {NAMES}}}}}\n"


@pytest.fixture(scope="module")
def compiled() -> CompiledNetwork:
    return netspec.loads(TEXT + PUBLISHED)


def model_of(compiled: CompiledNetwork, backend: str) -> tuple[Any, dict[str, np.ndarray]]:
    """A live model, and the weights in it by canonical name."""
    from netspec.backends.base import get_backend

    model = compiled.build(backend)
    weights = float32_weights(compiled.compilation)
    get_backend(backend).write_weights(model, compiled.network, weights)
    return model, weights


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".keras", ".weights.h5"])
@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_what_was_saved_is_loaded_by_either_framework(
    tmp_path: Path, compiled: CompiledNetwork, backend: str, suffix: str
) -> None:
    model, weights = model_of(compiled, backend)
    path = tmp_path / f"net{suffix}"
    compiled.save_weights(model, path)
    assert list(tmp_path.iterdir()) == [path]
    for other in ("torch", "keras"):
        loaded = compiled.load_weights(compiled.build(other), path)
        assert loaded.weights.keys() == weights.keys()
        for name, array in loaded.weights.items():
            assert np.array_equal(array, weights[name]), name


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".keras", ".weights.h5"])
@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_a_full_disk_is_one_error_and_leaves_what_was_there(
    tmp_path: Path, compiled: CompiledNetwork, backend: str, suffix: str
) -> None:
    model, _ = model_of(compiled, backend)
    path = tmp_path / f"net{suffix}"
    path.write_bytes(b"old")
    with room_for(300), pytest.raises(UsageError, match=f"net{suffix}: File too large"):
        compiled.save_weights(model, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_program_too(tmp_path: Path, compiled: CompiledNetwork) -> None:
    """PyTorch's writer of archives ends the process where a write fails."""
    model, _ = model_of(compiled, "torch")
    path = tmp_path / "net.pt2"
    with room_for(300), pytest.raises(UsageError, match=r"net\.pt2: File too large"):
        compiled.export(model, "torch-export", path)
    assert list(tmp_path.iterdir()) == []
    compiled.export(model, "torch-export", path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_keras_model_becomes_a_state_dict(tmp_path: Path, compiled: CompiledNetwork) -> None:
    model, weights = model_of(compiled, "keras")
    compiled.save_weights(model, tmp_path / "net.pt")
    theirs = compiled.build("torch")
    theirs.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True), strict=True)
    assert np.array_equal(theirs.conv1.weight.detach().numpy(), weights["conv1.weight"])


def test_a_torch_model_becomes_weights_that_keras_loads(
    tmp_path: Path, compiled: CompiledNetwork
) -> None:
    model, weights = model_of(compiled, "torch")
    compiled.save_weights(model, tmp_path / "net.weights.h5")
    theirs = compiled.build("keras")
    theirs.load_weights(tmp_path / "net.weights.h5")
    kernel = np.asarray(theirs.get_layer("conv1").kernel)
    assert np.array_equal(kernel, weights["conv1.weight"].transpose(2, 3, 1, 0))


@pytest.mark.parametrize(
    ("backend", "target", "name"),
    [
        ("torch", None, "conv1.weight"),
        ("keras", None, "conv1/kernel"),
        ("keras", "torch", "conv1.weight"),
        ("torch", "theirs", "first/kernel"),
    ],
)
def test_names_in_a_format_of_no_framework(
    tmp_path: Path, compiled: CompiledNetwork, backend: str, target: str | None, name: str
) -> None:
    model, _ = model_of(compiled, backend)
    path = tmp_path / "net.safetensors"
    compiled.save_weights(model, path, target)
    assert name in load_file(path)


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("net.xyz", None, "no format of weights has this suffix"),
        ("net.ckpt", None, "only read"),
        ("net.pt", "keras", "such files hold names of torch"),
        ("net.pt", "tropch", "torch"),
        ("no/net.pt", None, "no directory"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, compiled: CompiledNetwork, name: str, target: str | None, said: str
) -> None:
    model, _ = model_of(compiled, "torch")
    with pytest.raises(netspec.UsageError, match=said):
        compiled.save_weights(model, tmp_path / name, target)
    assert list(tmp_path.iterdir()) == []
