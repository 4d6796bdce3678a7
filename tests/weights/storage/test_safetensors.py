"""The format safetensors: what we write the library reads, what it writes we read, one tensor at a time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_torch
from safetensors.torch import save_file as save_torch

from netspec.errors import NetspecError, UsageError
from netspec.weights.storage.safetensors import SAFETENSORS
from netspec.weights.storage.tensors import in_memory, values
from tests.support.networks import network_of, random_weights

NETWORK = network_of("conv: {out: 4, kernel: 3}\nbatch_norm", (8, 9))


def write(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    tensors = {name: in_memory(array) for name, array in arrays.items()}
    SAFETENSORS.write(path, NETWORK, tensors)
    return path


def test_a_file_holds_names_values_and_origin(tmp_path: Path) -> None:
    weights = random_weights(NETWORK)
    path = write(tmp_path / "a.safetensors", weights)
    found = load_file(path)
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], weights[name]) for name in weights)
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
    assert json.loads(metadata["netspec"]) == {"name": "n", "variant": None}


def test_transposed_arrays_keep_their_values(tmp_path: Path) -> None:
    """safetensors itself would write their buffer as it lies."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    for turned in (array.T, array[:, ::2], array[::-1]):
        assert np.array_equal(
            load_file(write(tmp_path / "a.safetensors", {"a": turned}))["a"], turned
        )


def test_the_bytes_are_stable(tmp_path: Path) -> None:
    weights = random_weights(NETWORK)
    again = dict(reversed(weights.items()))
    first, second = write(tmp_path / "a", weights), write(tmp_path / "b", again)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_dtype_goes_there_and_back(tmp_path: Path, dtype: torch.dtype) -> None:
    """Sizes of odd numbers of bytes, an empty tensor and a single value among them."""
    torch.manual_seed(0)
    tensors = {
        "odd": torch.randn(3, 5).to(dtype),
        "none": torch.zeros(0, 4, dtype=dtype),
        "one": torch.randn(()).to(dtype),
        "count": torch.tensor(7),
    }
    save_torch(tensors, tmp_path / "theirs.safetensors")
    with SAFETENSORS.open(tmp_path / "theirs.safetensors", None) as contents:
        assert {n: t.dtype for n, t in contents.tensors.items()}["odd"] == str(dtype)[6:]
        found = contents.tensors["odd"]
        assert np.array_equal(values(found.dtype, found.read()), tensors["odd"].double().numpy())
        SAFETENSORS.write(tmp_path / "ours.safetensors", NETWORK, contents.tensors)
    again = load_torch(tmp_path / "ours.safetensors")
    assert again.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert again[name].dtype == tensor.dtype
        assert torch.equal(again[name], tensor), name


def test_values_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    """A file whose values change after it was opened gives the new ones."""
    path = write(tmp_path / "a.safetensors", {"a": np.zeros(10_000), "b": np.ones(10_000)})
    with SAFETENSORS.open(path, None) as contents:
        raw = bytearray(path.read_bytes())
        raw[-80_000:] = np.full(10_000, 5.0).tobytes()
        path.write_bytes(raw)
        assert set(contents.tensors["b"].read()) == {5.0}


@pytest.mark.parametrize("cut", [0, 7, 8, 40, -1])
def test_a_file_that_is_cut_short_is_one_error(tmp_path: Path, cut: int) -> None:
    save_file({"a": np.zeros((4, 4))}, tmp_path / "a.safetensors")
    raw = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(raw[:cut])
    with (
        pytest.raises(NetspecError, match="NS601"),
        SAFETENSORS.open(tmp_path / "a.safetensors", None),
    ):
        pass


def test_a_header_that_promises_the_world_is_refused(tmp_path: Path) -> None:
    header = (
        b'{"a": {"dtype": "F32", "shape": [1000000, 1000000], "data_offsets": [0, 4000000000000]}}'
    )
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(NetspecError, match="NS601"), SAFETENSORS.open(path, None):
        pass
    path.write_bytes((1 << 60).to_bytes(8, "little") + header)
    with pytest.raises(NetspecError, match="NS601"), SAFETENSORS.open(path, None):
        pass


def test_one_set_of_weights_leaves_nothing_to_choose(tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", {"a": np.zeros(4)})
    with pytest.raises(UsageError, match="--take"), SAFETENSORS.open(path, "ema"):
        pass


def test_no_such_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"), SAFETENSORS.open(tmp_path / "a", None):
        pass
    with pytest.raises(UsageError, match="directory"), SAFETENSORS.open(tmp_path, None):
        pass
