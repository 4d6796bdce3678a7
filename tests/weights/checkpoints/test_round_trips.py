"""PyTorch → Keras → PyTorch gives the same bits, for every op with parameters and every format."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from netspec.backends.base import get_backend
from netspec.compilation import Compilation
from netspec.ops import OPS
from netspec.weights.checkpoints import convert, load, load_weights
from netspec.weights.storage.safetensors import SAFETENSORS
from netspec.weights.storage.tensors import in_memory
from tests.weights.checkpoints.conftest import SIZES, float32_weights, program_of

CASES = [
    *(
        (f"conv: {{{attributes}}}", rank)
        for rank in (1, 2, 3)
        for attributes in (
            "out: 8, kernel: 3",
            "out: 9, kernel: 2, groups: 3, bias: false",
            "out: 12, kernel: 2, depthwise: true",
        )
    ),
    *(("conv_transpose: {out: 5, kernel: 3, stride: 2}", rank) for rank in (1, 2, 3)),
    ("conv_transpose: {out: 5, kernel: [3, 2], padding: same, bias: false}", 2),
    ("conv: {out: 8, kernel: [3, 2]}", 2),
    ("conv: {out: 12, kernel: [2, 3], depthwise: true}", 2),
    ("linear: {out: 5}", 0),
    ("linear: {out: 5, bias: false}", 0),
    *((f"flatten\n{ahead}linear: {{out: 4}}", rank) for ahead in ("", "relu\n") for rank in (1, 2)),
    ("flatten: {order: channels_last}\nlinear: {out: 4}", 2),
    ("flatten: {order: channels_last}\nlinear: {out: 4}", 3),
    *((text, rank) for rank in (0, 1, 2, 3) for text in ("batch_norm", "prelu", "scale")),
    ("batch_norm: {affine: false}", 2),
    ("batch_norm: {frozen: all}", 2),
    *(("linear: {out: 5, pointwise: true}", rank) for rank in (1, 2, 3)),
    ("channel_conv: {kernel: 3}", 0),
    ("global_avg_pool: {keep_dims: true}\nchannel_conv: {kernel: 5, bias: false}", 2),
    ("scale: {bias: true}", 2),
    *((text, rank) for rank in (0, 2) for text in ("layer_norm", "group_norm: {groups: 3}")),
    ("instance_norm", 2),
]


def test_every_op_with_parameters_is_among_the_cases() -> None:
    covered = {
        layer.op.kind
        for steps, rank in CASES
        for layer in program_of(steps, SIZES[rank]).network.layers
        if layer.op.parameters(layer.source)
    }
    with_parameters = {
        layer.op.kind
        for kind in OPS
        for layer in program_of(EXAMPLES.get(kind, kind)).network.layers
        if layer.op.kind == kind and layer.op.parameters(layer.source)
    }
    assert covered == with_parameters


EXAMPLES = {
    "conv": "conv: {out: 2, kernel: 1}",
    "conv_transpose": "conv_transpose: {out: 2, kernel: 1}",
    "channel_conv": "global_avg_pool\nchannel_conv: {kernel: 3}",
    "normalize": "normalize: {mean: [0, 0, 0, 0, 0, 0], std: [1, 1, 1, 1, 1, 1]}",
    "linear": "flatten\nlinear: {out: 2}",
    "split": "{split: {parts: 2}, as: [a, b]}\n{from: [a, b]}",
    "group_norm": "group_norm: {groups: 2}",
    "max_pool": "max_pool: {kernel: 2}",
    "avg_pool": "avg_pool: {kernel: 2}",
    "pad_channels": "pad_channels: {before: 1, after: 0}",
    "subsample": "subsample: {stride: 2}",
    "resize": "resize: {factor: 2}",
    "dropout": "dropout: {rate: 0.1}",
    "drop_path": "drop_path: {rate: 0.1}",
}
"""A step of each op that does not stand alone."""


def write_canonical(compilation: Compilation, weights: dict[str, np.ndarray], path: Path) -> Path:
    tensors = {name: in_memory(array) for name, array in weights.items()}
    SAFETENSORS.write(path, compilation.network, tensors)
    return path


@pytest.mark.parametrize(("steps", "rank"), CASES, ids=str)
def test_the_bits_come_back(tmp_path: Path, steps: str, rank: int) -> None:
    compilation = program_of(steps, SIZES[rank])
    weights = float32_weights(compilation)
    start = write_canonical(compilation, weights, tmp_path / "a.safetensors")
    there, back = tmp_path / "b.safetensors", tmp_path / "c.pt"
    convert(compilation, start, there, source="torch", target="keras")
    convert(compilation, there, back, source="keras", target="torch")
    found = torch.load(back, weights_only=True)
    counters = {name for name in found if name.endswith("num_batches_tracked")}
    assert found.keys() - counters == weights.keys()
    assert all(found[name] == 0 for name in counters)
    for name, array in weights.items():
        assert found[name].numpy().tobytes() == array.tobytes(), name


@pytest.mark.parametrize(("steps", "rank"), CASES, ids=str)
def test_a_keras_file_has_the_layout_of_the_live_variables(
    tmp_path: Path, steps: str, rank: int
) -> None:
    """What the files say without a model is what the backend does with one."""
    compilation = program_of(steps, SIZES[rank])
    weights = float32_weights(compilation)
    backend = get_backend("keras")
    model = backend.build(compilation.network)
    backend.write_weights(model, compilation.network, weights)
    start = write_canonical(compilation, weights, tmp_path / "a.safetensors")
    convert(compilation, start, tmp_path / "b.safetensors", source="torch", target="keras")
    found = load_file(tmp_path / "b.safetensors")
    variables = {variable.path: variable.numpy() for variable in model.weights}
    assert found.keys() == variables.keys()
    for name, array in variables.items():
        assert np.array_equal(found[name], array), name


ALL_OPS = """\
conv: {out: 8, kernel: 3}
batch_norm
prelu
conv: {out: 8, kernel: 3, depthwise: true}
layer_norm
dropout: {rate: 0.5}
conv: {out: 12, kernel: 3, groups: 2, bias: false}
group_norm: {groups: 4}
scale
instance_norm
conv: {out: 3, kernel: 2}
relu
flatten
linear: {out: 7}
batch_norm
"""


@pytest.fixture(scope="module")
def everything() -> Compilation:
    """Every op with parameters in one network, in an order that is not that of their names."""
    return program_of(ALL_OPS)


FORMATS = [
    ("torch", ".pt"),
    ("torch", ".pth"),
    ("torch", ".safetensors"),
    ("keras", ".safetensors"),
    ("keras", ".keras"),
    ("keras", ".weights.h5"),
]


@pytest.mark.parametrize(("target", "suffix"), FORMATS)
def test_every_format_gives_back_what_it_was_given(
    tmp_path: Path, everything: Compilation, target: str, suffix: str
) -> None:
    weights = float32_weights(everything)
    start = write_canonical(everything, weights, tmp_path / "a.safetensors")
    path = tmp_path / f"b{suffix}"
    report = convert(everything, start, path, source="torch", target=target)
    assert report.tensors == len(weights)
    found = load_weights(everything, path, target).weights
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], array) for name, array in weights.items())
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted({start.name, path.name})


@pytest.mark.parametrize(("target", "suffix"), FORMATS)
@pytest.mark.parametrize("start", [".safetensors", ".pt", ".keras", ".weights.h5"])
def test_one_tensor_is_in_memory_at_a_time(
    tmp_path: Path,
    everything: Compilation,
    start: str,
    target: str,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was read is gone when the next is, in every way from format to format."""
    source = "keras" if start in (".keras", ".weights.h5") else "torch"
    first = write_canonical(everything, float32_weights(everything), tmp_path / "a.safetensors")
    path = tmp_path / f"b{start}"
    convert(everything, first, path, source="torch", target=source)
    alive: list[weakref.ref[np.ndarray]] = []

    def watch(dtype: str, array: np.ndarray) -> int:
        assert [seen for seen in alive if seen() is not None] == []
        alive.append(weakref.ref(array if array.base is None else array.base))
        return 0

    monkeypatch.setattr(load, "count_not_finite", watch)
    convert(everything, path, tmp_path / f"c{suffix}", source=source, target=target)
    assert len(alive) == len(float32_weights(everything))


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_keras_itself_reads_what_was_written(
    tmp_path: Path, everything: Compilation, suffix: str
) -> None:
    import keras

    weights = float32_weights(everything)
    start = write_canonical(everything, weights, tmp_path / "a.safetensors")
    path = tmp_path / f"b{suffix}"
    convert(everything, start, path, source="torch", target="keras")
    backend = get_backend("keras")
    if suffix == ".keras":
        model = keras.models.load_model(path)
    else:
        model = backend.build(everything.network)
        model.load_weights(path)
    found = backend.read_weights(model, everything.network)
    assert all(np.array_equal(found[name], array) for name, array in weights.items())


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5", ".h5"])
def test_what_keras_wrote_is_read(tmp_path: Path, everything: Compilation, suffix: str) -> None:
    weights = float32_weights(everything)
    backend = get_backend("keras")
    model = backend.build(everything.network)
    backend.write_weights(model, everything.network, weights)
    path = tmp_path / f"a{suffix}"
    if suffix == ".weights.h5":
        model.save_weights(path)
    else:
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        model.save(path)
    loaded = load_weights(everything, path)
    assert loaded.weights.keys() == weights.keys()
    assert all(np.array_equal(loaded.weights[name], array) for name, array in weights.items())
    assert loaded.notes == (() if suffix == ".weights.h5" else ("left the optimizer's state",))


def test_a_pytorch_file_is_what_torch_itself_would_load(
    tmp_path: Path, everything: Compilation
) -> None:
    backend = get_backend("torch")
    weights = float32_weights(everything)
    start = write_canonical(everything, weights, tmp_path / "a.safetensors")
    convert(everything, start, tmp_path / "b.pt", source="torch", target="torch")
    model = backend.build(everything.network)
    for options in ({}, {"mmap": True}):
        model.load_state_dict(torch.load(tmp_path / "b.pt", weights_only=True, **options))
        found = backend.read_weights(model, everything.network)
        assert all(np.array_equal(found[name], array) for name, array in weights.items())


def test_pytorchs_counters_go_from_file_to_file(tmp_path: Path) -> None:
    compilation = program_of("batch_norm")
    model = get_backend("torch").build(compilation.network)
    model.bn1.num_batches_tracked.fill_(41)
    torch.save(model.state_dict(), tmp_path / "a.pt")
    report = convert(
        compilation, tmp_path / "a.pt", tmp_path / "b.pt", source="torch", target="torch"
    )
    assert (report.dropped, report.restored) == ((), ())
    assert torch.load(tmp_path / "b.pt", weights_only=True)["bn1.num_batches_tracked"] == 41
    report = convert(
        compilation, tmp_path / "a.pt", tmp_path / "b.safetensors", source="torch", target="keras"
    )
    assert report.dropped == ("bn1.num_batches_tracked",)
    report = convert(
        compilation, tmp_path / "b.safetensors", tmp_path / "c.pt", source="keras", target="torch"
    )
    assert report.restored == ("bn1.num_batches_tracked",)
    counter = torch.load(tmp_path / "c.pt", weights_only=True)["bn1.num_batches_tracked"]
    assert (int(counter), counter.dtype, counter.shape) == (0, torch.int64, torch.Size([]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("suffix", [".safetensors", ".keras", ".weights.h5"])
def test_dtypes_stay_what_they_are(tmp_path: Path, dtype: torch.dtype, suffix: str) -> None:
    compilation = program_of("conv: {out: 4, kernel: 3}\nbatch_norm")
    torch.manual_seed(0)
    state = {
        name: torch.from_numpy(array).to(dtype)
        for name, array in float32_weights(compilation).items()
    }
    torch.save(state, tmp_path / "a.pt")
    there = tmp_path / f"b{suffix}"
    convert(compilation, tmp_path / "a.pt", there, source="torch", target="keras")
    convert(compilation, there, tmp_path / "c.pt", source="keras", target="torch")
    found = torch.load(tmp_path / "c.pt", weights_only=True)
    for name, tensor in state.items():
        assert found[name].dtype == dtype
        assert torch.equal(found[name], tensor), name
    wide = load_weights(compilation, there, "keras").weights
    assert all(np.array_equal(wide[name], state[name].double().numpy()) for name in state)


def test_keras_reads_half_precision_as_such(tmp_path: Path) -> None:
    """The file holds bfloat16 as Keras marks it, and Keras widens it when it loads."""
    compilation = program_of("conv: {out: 4, kernel: 3}")
    state = {
        name: torch.from_numpy(a).bfloat16() for name, a in float32_weights(compilation).items()
    }
    torch.save(state, tmp_path / "a.pt")
    path = tmp_path / "b.weights.h5"
    convert(compilation, tmp_path / "a.pt", path, source="torch", target="keras")
    with h5py.File(path) as file:
        assert file["layers/conv2d/vars/0"].attrs["dtype"] == "bfloat16"
    backend = get_backend("keras")
    model: Any = backend.build(compilation.network)
    model.load_weights(path)
    found = backend.read_weights(model, compilation.network)
    assert all(np.array_equal(found[name], state[name].float().numpy()) for name in state)


def test_a_network_of_sub_models_goes_there_and_back(tmp_path: Path) -> None:
    """Beyond 700 layers Keras models are cut into parts, and layers found inside them."""
    stage = "stages:\n  - {block: basic, width: 6, repeat: 121}\nhead: [global_avg_pool]\n"
    compilation = program_of("relu", (4, 5), stage)
    weights = float32_weights(compilation)
    start = write_canonical(compilation, weights, tmp_path / "a.safetensors")
    convert(compilation, start, tmp_path / "b.keras", source="torch", target="keras")
    found = load_weights(compilation, tmp_path / "b.keras").weights
    assert all(np.array_equal(found[name], array) for name, array in weights.items())
