"""Files of weights for optimized networks: read as the spec's, moved, and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.backends.base import get_backend
from netspec.errors import NetspecError, UsageError
from netspec.ir import Program
from netspec.weights.checkpoints import Matching, convert, load_weights
from netspec.weights.storage.safetensors import SAFETENSORS
from netspec.weights.storage.tensors import StoredTensor, carrier, narrowed, values
from tests.support.networks import random_weights

TEXT = """
netspec: 1
name: net
input: {channels: 4, size: [8, 10]}
stem: [{conv: {out: 8, kernel: 3, bias: false}}, norm, act]
head: [global_avg_pool, {linear: {out: 5}}]
checkpoints:
  other: {framework: torch, layers: {"{name}": "net.{name}"}}
"""


def network() -> CompiledNetwork:
    return netspec.loads(TEXT)


def written(
    path: Path, of: Program, weights: dict[str, np.ndarray], dtype: str = "float32"
) -> Path:
    """A file of weights in one dtype."""
    tensors = {name: stored(array, dtype) for name, array in weights.items()}
    SAFETENSORS.write(path, of, tensors)
    return path


def stored(array: np.ndarray, dtype: str) -> StoredTensor:
    return StoredTensor(dtype, array.shape, lambda: narrowed(dtype, array))


def read(path: Path) -> dict[str, tuple[str, np.ndarray]]:
    with SAFETENSORS.open(path, None) as contents:
        return {n: (t.dtype, values(t.dtype, t.read())) for n, t in contents.tensors.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_tensors_are_moved_in_float64_and_keep_their_dtype(dtype: str, tmp_path: Path) -> None:
    spec, small = network(), network().optimize()
    weights = random_weights(spec.network)
    file = written(tmp_path / "a.safetensors", spec.network, weights, dtype)
    report = convert(
        small.compilation, file, tmp_path / "b.safetensors", source=None, target="torch"
    )
    assert report.tensors == 4
    found = read(tmp_path / "b.safetensors")
    assert small.optimization is not None
    given = {n: values(dtype, narrowed(dtype, w)).astype("float64") for n, w in weights.items()}
    expected = small.optimization.move(given)
    assert found.keys() == expected.keys()
    for name, (its_dtype, array) in found.items():
        assert its_dtype == dtype
        np.testing.assert_array_equal(array, values(dtype, narrowed(dtype, expected[name])))


def test_names_of_the_spec_are_read_and_frameworks_names_are_written(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    spec, small = network(), network().optimize()
    model = spec.build("torch")
    spec.save_weights(model, tmp_path / "a.pt", "other")
    report = convert(
        small.compilation, tmp_path / "a.pt", tmp_path / "b.keras", source=None, target="keras"
    )
    assert report.dropped == ()  # the counter of a norm that is gone is no loss
    keras = small.build("keras")
    import keras as framework

    loaded = framework.saving.load_model(tmp_path / "b.keras")
    theirs = get_backend("keras").read_weights(loaded, small.network)
    small.load_weights(keras, tmp_path / "a.pt")
    ours = get_backend("keras").read_weights(keras, small.network)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])
    with pytest.raises(UsageError, match="`other` names the layers of `net` as its spec says"):
        convert(
            small.compilation, tmp_path / "a.pt", tmp_path / "c.pt", source=None, target="other"
        )


def test_what_may_be_missing_starts_as_the_spec_says(tmp_path: Path) -> None:
    spec, small = network(), network().optimize()
    weights = random_weights(spec.network)
    left = {name: w for name, w in weights.items() if not name.startswith("bn1")}
    partial = netspec.loads(TEXT.replace("norm, ", "")).network
    file = written(tmp_path / "a.safetensors", partial, left)
    loaded = load_weights(small.compilation, file, None, Matching(allow_missing=("bn1.*",)))
    assert set(loaded.missing) == {name for name in weights if name.startswith("bn1")}
    np.testing.assert_allclose(
        loaded.weights["conv1.weight"], weights["conv1.weight"] / (1 + 1e-5) ** 0.5, rtol=1e-6
    )
    assert not loaded.weights["conv1.bias"].any()


def test_weights_that_were_moved_already_are_refused(tmp_path: Path) -> None:
    small = network().optimize()
    file = written(tmp_path / "a.safetensors", small.network, random_weights(small.network))
    with pytest.raises(NetspecError, match="holds the weights of the optimized network already"):
        load_weights(small.compilation, file)


def test_what_comes_out_not_finite_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    spec, small = network(), network().optimize()
    weights = random_weights(spec.network)
    weights["bn1.running_var"][2] = -1.0
    file = written(tmp_path / "a.safetensors", spec.network, weights)
    with pytest.raises(
        NetspecError, match=r"values of `conv1.(weight|bias)`, made of .*NaN"
    ) as error:
        convert(small.compilation, file, tmp_path / "b.safetensors", source=None, target="torch")
    assert [problem.code for problem in error.value.diagnostics] == ["NS607"]
    assert not (tmp_path / "b.safetensors").exists()


def test_bfloat16_takes_the_nearest_and_of_two_the_even_one() -> None:
    numbers = [1.0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -1 - 2**-8, 3.4e38, np.inf, 0.0]
    nearest = [1.0, 1.0, 1 + 2**-6, 1 + 2**-7, -1.0, np.inf, np.inf, 0.0]
    bits = narrowed("bfloat16", np.array(numbers))
    assert bits.dtype == carrier("bfloat16")
    np.testing.assert_array_equal(values("bfloat16", bits), np.float32(nearest))
    assert np.isnan(values("bfloat16", narrowed("bfloat16", np.array([np.nan])))).all()
