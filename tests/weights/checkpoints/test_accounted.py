"""Every tensor of a file is used, said to be left, or an error: none is lost without a word."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from netspec import loads
from netspec.backends.base import backend_names, get_backend
from netspec.compilation import Compilation
from netspec.errors import NetspecError, UsageError
from netspec.weights.checkpoints.load import load_weights, opened
from netspec.weights.checkpoints.options import STRICT, Matching
from tests.weights.checkpoints.conftest import float32_weights

SPEC = """\
netspec: 1
name: net
input: {channels: 3, size: [8, 9]}
stem:
  - conv: {out: 4, kernel: 3}
  - norm
head: [global_avg_pool, {linear: {out: 2}}]
"""


@pytest.fixture(scope="module")
def compilation() -> Compilation:
    return loads(SPEC).compilation


def legacy(
    path: Path, layers: Mapping[str, Mapping[str, Any]], root: str = "", cut: int = 0
) -> Path:
    """Write a file as Keras 2 did: a group a layer, whose attribute names its weights.

    With ``cut``, that attribute is in pieces, as HDF5 wants long ones.
    """
    with h5py.File(path, "w") as file:
        top = file.create_group(root) if root else file
        top.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = top.create_group(name)
            names = [f"{key}:0".encode() for key in weights]
            if cut:
                for number, start in enumerate(range(0, len(names), cut)):
                    group.attrs[f"weight_names{number}"] = names[start : start + cut]
            else:
                group.attrs["weight_names"] = names
            for key, value in weights.items():
                group.create_dataset(f"{key}:0", data=np.asarray(value, np.float32))
    return path


def read(compilation: Compilation, path: Path, source: str | None = None) -> dict[str, Any]:
    with opened(compilation, path, source, STRICT) as (found, _):
        return {name: tensor.read() for name, tensor in found.tensors.items()}


KERNEL = np.arange(108.0).reshape(3, 3, 3, 4)
NORM = {
    "gamma": np.ones(4),
    "beta": np.zeros(4),
    "moving_mean": np.zeros(4),
    "moving_variance": np.ones(4),
}
DENSE = np.arange(8.0).reshape(4, 2)


def layers(conv: str, norm: str, dense: str) -> dict[str, dict[str, Any]]:
    return {
        "input_1": {},
        conv: {f"{conv}/kernel": KERNEL, f"{conv}/bias": np.zeros(4)},
        norm: {f"{norm}/{name}": value for name, value in NORM.items()},
        dense: {f"{dense}/kernel": DENSE, f"{dense}/bias": np.zeros(2)},
    }


@pytest.mark.parametrize("root", ["", "model_weights"])
@pytest.mark.parametrize("cut", [0, 1])
@pytest.mark.parametrize("suffix", [".h5", ".hdf5"])
def test_names_of_layers_may_have_slashes(tmp_path: Path, root: str, cut: int, suffix: str) -> None:
    text = (
        SPEC
        + 'checkpoints: {theirs: {framework: keras, layers: {"{name}1": "{name}1/{name}", fc: fc}}}\n'
    )
    compiled = loads(text).compilation
    path = legacy(tmp_path / f"dense{suffix}", layers("conv1/conv", "bn1/bn", "fc"), root, cut)
    found = read(compiled, path, "theirs")
    assert np.array_equal(found["conv1.weight"], KERNEL.transpose(3, 2, 0, 1))
    assert len(found) == 8


def test_scopes_ahead_of_the_names_of_a_layer_do_not_matter(
    compilation: Compilation, tmp_path: Path
) -> None:
    scoped = {
        layer: {f"scope_1/{key}": value for key, value in weights.items()}
        for layer, weights in layers("conv1", "bn1", "fc").items()
    }
    assert len(read(compilation, legacy(tmp_path / "a.h5", scoped))) == 8


@pytest.mark.parametrize("ahead", ["", "backbone/"])
def test_a_model_inside_a_model_is_opened(
    compilation: Compilation, tmp_path: Path, ahead: str
) -> None:
    plain = layers("conv1", "bn1", "fc")
    inner = {
        f"{ahead}{key}": value for name in ("conv1", "bn1") for key, value in plain[name].items()
    }
    path = legacy(tmp_path / "nested.h5", {"backbone": inner, "fc": plain["fc"]})
    assert len(read(compilation, path)) == 8


def test_two_tensors_never_become_one(compilation: Compilation, tmp_path: Path) -> None:
    twice = layers("conv1", "bn1", "fc")
    twice["tower"] = {"a/kernel": KERNEL, "b/kernel": KERNEL}
    with pytest.raises(NetspecError, match="NS604"):
        read(compilation, legacy(tmp_path / "a.h5", twice))
    twice["tower"] = {"x/conv1/kernel": KERNEL, "y/z": KERNEL}
    twice["x"] = {"q/conv1/kernel": KERNEL, "conv1/kernel": KERNEL}
    with pytest.raises(NetspecError, match="two tensors in it are called `conv1/kernel`"):
        read(compilation, legacy(tmp_path / "b.h5", twice))


def test_what_no_layer_claims_is_unexpected(compilation: Compilation, tmp_path: Path) -> None:
    path = legacy(tmp_path / "a.h5", layers("conv1", "bn1", "fc"), "model_weights")
    with h5py.File(path, "a") as file:
        file.create_dataset("mine", data=np.zeros(3))
    with pytest.raises(NetspecError, match="unexpected `mine`"):
        read(compilation, path)


def test_kernels_of_depthwise_layers_of_keras_2(tmp_path: Path) -> None:
    text = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 9]}\nstem: [{conv: {out: 4, kernel: 3, groups: 4, bias: false}}]\n"
    kernel = np.arange(36.0).reshape(3, 3, 4, 1)
    path = legacy(tmp_path / "a.h5", {"conv1": {"conv1/depthwise_kernel": kernel}})
    found = read(loads(text).compilation, path)
    assert np.array_equal(found["conv1.weight"], kernel.transpose(2, 3, 0, 1))


# Of every format


def write_torch(path: Path, tensors: Mapping[str, Any]) -> None:
    torch.save({name: torch.from_numpy(value) for name, value in tensors.items()}, path)


def write_legacy(path: Path, tensors: Mapping[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        for name, value in tensors.items():
            file.create_dataset(f"model_weights/{name.replace('.', '/')}:0", data=value)


def write_keras(path: Path, tensors: Mapping[str, Any]) -> None:
    """As Keras 3 does: a group a layer, called by its attribute, whose variables are numbered."""
    target = path.with_name("model.weights.h5")
    owners = sorted({name.rpartition(".")[0] for name in tensors})
    with h5py.File(target, "w") as file:
        for number, owner in enumerate(owners):
            group = file.create_group(f"layers/dense_{number}/vars")
            group.attrs["name"] = owner.replace("a", "b")  # names may meet
            own = [value for name, value in tensors.items() if name.rpartition(".")[0] == owner]
            for index, value in enumerate(own):
                group.create_dataset(str(index), data=value)
    if path.suffix == ".keras":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(target, target.name)


def write_wrapped(path: Path, tensors: Mapping[str, Any]) -> None:
    """In two dictionaries, of which one lies in the other."""
    inside = {name: torch.from_numpy(value) for name, value in tensors.items()}
    torch.save({"run": {"state_dict": inside, "x": 1}, "epoch": 1}, path)


WRITERS = {
    ".pt": write_torch,
    ".pth": write_torch,
    ".bin": write_torch,
    ".pth.tar": write_wrapped,
    ".ckpt": write_wrapped,
    ".th": write_wrapped,
    ".safetensors": lambda path, found: save_file(found, path),
    ".h5": write_legacy,
    ".hdf5": write_legacy,
    ".weights.h5": write_keras,
    ".keras": write_keras,
}
NAMES = (
    "conv1.weight",
    "conv1.bias",
    "bn1.num_batches_tracked",
    "bn1.weight",
    "fc.bias",
    "module.x",
    "conv2d.weight",
    "conv2d_0.weight",
    "conv2d_00.weight",
)
OTHER_NAMES = st.text("abc.:_é ", min_size=1, max_size=8).filter(lambda name: name.strip("."))
COUNTED = "{conv: conv2d, batch_norm: batch_normalization, linear: dense}"


def test_every_format_is_tried() -> None:
    formats = {
        suffix for name in backend_names() for suffix in get_backend(name).weight_files.formats
    }
    assert set(WRITERS) == {*formats, ".safetensors"}


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_tensor_is_accounted_for(
    suffix: str, data: st.DataObject, tmp_path_factory: Any
) -> None:
    """Used, told of, or an error, whatever the names, shapes and dtypes are."""
    counted = f"checkpoints: {{theirs: {{framework: keras, counted: {COUNTED}}}}}\n"
    compilation = loads(SPEC + counted).compilation
    tensors = dict(float32_weights(compilation)) if data.draw(st.booleans()) else {}
    some = st.lists(st.sampled_from(NAMES), max_size=len(NAMES), unique=True)
    others = st.lists(OTHER_NAMES, max_size=2, unique=True)
    for name in dict.fromkeys([*data.draw(some), *data.draw(others)]):
        shape = data.draw(st.sampled_from([(), (1,), (4,), (0, 2), (4, 3, 3, 3)]))
        dtype = data.draw(st.sampled_from(["float32", "float64", "int64", "int32", "bool"]))
        tensors[name] = np.ones(shape, dtype)
    path = tmp_path_factory.mktemp("file") / f"weights{suffix}"
    try:
        WRITERS[suffix](path, tensors)
    except (ValueError, OSError, RuntimeError):
        return  # a name that this format cannot hold
    everything = Matching(allow_missing=[".*"], allow_unexpected=[".*"])
    is_keras = suffix in get_backend("keras").weight_files.formats
    source = data.draw(st.sampled_from(["keras", "theirs"])) if is_keras else "torch"
    try:
        with opened(compilation, path, source, everything) as (found, _):
            used = len(found.tensors) + len(found.extras)
            told = len(found.unexpected) + len(found.unfit)
    except (NetspecError, UsageError):
        return
    assert used + told == len(tensors)


# What a checkpoint of PyTorch holds besides


def state(compilation: Compilation) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in float32_weights(compilation).items()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int32, torch.bfloat16])
def test_counters_of_any_dtype_are_carried_over(
    compilation: Compilation, tmp_path: Path, dtype: torch.dtype
) -> None:
    path = tmp_path / "a.pt"
    torch.save({**state(compilation), "bn1.num_batches_tracked": torch.tensor(7).to(dtype)}, path)
    with opened(compilation, path, "torch", STRICT) as (found, _):
        counter = found.extras["bn1.num_batches_tracked"].read()
    assert (counter.dtype, int(counter)) == (np.dtype("int64"), 7)


def test_a_counter_that_does_not_fit_is_told_of(compilation: Compilation, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({**state(compilation), "bn1.num_batches_tracked": torch.tensor([7, 8])}, path)
    with opened(compilation, path, "torch", STRICT) as (_, notes):
        assert notes == (
            "left `bn1.num_batches_tracked` (2) int64: no single number, as a counter is",
        )


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_without_values_are_told_of(
    compilation: Compilation, tmp_path: Path, zipped: bool
) -> None:
    path = tmp_path / "meta.pt"
    lost = {name: tensor.to("meta") for name, tensor in state(compilation).items()}
    torch.save(lost, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        NetspecError, match=r"`conv1\.weight` and 7 more tensors in it hold no values"
    ):
        read(compilation, path)


def test_a_checkpoint_may_hold_itself(compilation: Compilation, tmp_path: Path) -> None:
    loaded: dict[str, Any] = {"state_dict": state(compilation)}
    for number in range(60):
        loaded[f"self{number}"] = loaded
    torch.save(loaded, tmp_path / "a.pt")
    assert len(read(compilation, tmp_path / "a.pt")) == 8


@pytest.mark.parametrize(
    ("wrapped", "taken"),
    [
        (lambda s: {"state_dict": s, "mean": torch.ones(3), "std": torch.ones(3)}, "state_dict"),
        (lambda s: {"schema": s, "epoch": 1}, "schema"),
        (lambda s: {"schema": s, "weights_ema": s | {"x": torch.ones(1)}}, "schema"),
        (lambda s: {"hyper": {"lr": torch.ones(1), "a": 1, "b": 2}, "mine": s}, "mine"),
    ],
)
def test_known_names_come_ahead_of_numbers(
    compilation: Compilation, tmp_path: Path, wrapped: Any, taken: str
) -> None:
    torch.save(wrapped(state(compilation)), tmp_path / "a.pt")
    with opened(compilation, tmp_path / "a.pt", "torch", STRICT) as (_, notes):
        assert notes[0] == f"took `{taken}`"


def test_what_could_have_been_meant_is_told_with_what_is_missing(
    compilation: Compilation, tmp_path: Path
) -> None:
    good = state(compilation)
    torch.save({"model": {"x": torch.ones(1)}, "generator": good}, tmp_path / "a.pt")
    with pytest.raises(
        NetspecError, match="other sets of tensors too, `generator`; --take chooses"
    ):
        read(compilation, tmp_path / "a.pt")


@pytest.mark.parametrize("prefix", ["net.", "backbone.encoder.", "model.net."])
def test_any_common_prefix_is_taken_off_and_said(
    compilation: Compilation, tmp_path: Path, prefix: str
) -> None:
    torch.save(
        {f"{prefix}{name}": t for name, t in state(compilation).items()}, tmp_path / "a.ckpt"
    )
    with opened(compilation, tmp_path / "a.ckpt", "torch", STRICT) as (_, notes):
        assert notes == (f"took `{prefix}` off the names",)


def test_many_problems_of_one_kind_are_counted(compilation: Compilation, tmp_path: Path) -> None:
    torch.save({f"x{n}": torch.ones(1) for n in range(100)}, tmp_path / "a.pt")
    with pytest.raises(NetspecError) as caught:
        read(compilation, tmp_path / "a.pt")
    told = [d.message for d in caught.value.diagnostics]
    assert told[-1].endswith("a.pt: 80 more of this kind")
    assert len(told) == 8 + 21


def test_a_sparse_tensor_among_the_weights_is_told_of(
    compilation: Compilation, tmp_path: Path
) -> None:
    loaded = {"state_dict": {**state(compilation), "mask": torch.eye(3).to_sparse()}}
    torch.save(loaded, tmp_path / "a.pt")
    with opened(compilation, tmp_path / "a.pt", "torch", STRICT) as (_, notes):
        assert notes == ("took `state_dict`", "left `mask`, which are no plain tensors")


@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8", "uint64"])
def test_counters_of_any_dtype_come_from_safetensors_too(
    compilation: Compilation, tmp_path: Path, dtype: str
) -> None:
    path = tmp_path / "a.safetensors"
    counter = np.array(7, dtype)
    save_file({**float32_weights(compilation), "bn1.num_batches_tracked": counter}, path)
    with opened(compilation, path, "torch", STRICT) as (found, _):
        assert found.extras["bn1.num_batches_tracked"].read().tolist() == 7


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30, 2.5])
def test_a_counter_that_counts_nothing_is_an_error(
    compilation: Compilation, tmp_path: Path, value: float
) -> None:
    path = tmp_path / "a.pt"
    torch.save({**state(compilation), "bn1.num_batches_tracked": torch.tensor(value)}, path)
    with (
        pytest.raises(NetspecError, match="NS607"),
        opened(compilation, path, "torch", STRICT) as (found, _),
    ):
        found.extras["bn1.num_batches_tracked"].read()


def test_signs_that_a_view_turns_are_read_as_they_are(
    compilation: Compilation, tmp_path: Path
) -> None:
    turned = torch.complex(torch.zeros(4), -torch.arange(4.0)).conj().imag
    assert turned.is_neg()
    torch.save({**state(compilation), "conv1.bias": turned}, tmp_path / "a.pt")
    assert read(compilation, tmp_path / "a.pt")["conv1.bias"].tolist() == [0, 1, 2, 3]


def test_bytes_in_the_other_order_are_read(compilation: Compilation, tmp_path: Path) -> None:
    torch.save(state(compilation), tmp_path / "little.pt")
    with (
        zipfile.ZipFile(tmp_path / "little.pt") as little,
        zipfile.ZipFile(tmp_path / "big.pt", "w") as big,
    ):
        for name in little.namelist():
            content = little.read(name)
            if name.endswith("/byteorder"):
                content = b"big"
            elif "/data/" in name:
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            big.writestr(name, content)
    found = read(compilation, tmp_path / "big.pt")
    assert all(
        np.array_equal(found[name], value) for name, value in float32_weights(compilation).items()
    )


@pytest.mark.parametrize(("one", "other"), [("conv2d", "conv2d_0"), ("conv2d_1", "conv2d_01")])
def test_layers_that_count_alike_are_told(tmp_path: Path, one: str, other: str) -> None:
    counted = "{conv: conv2d, batch_norm: batch_normalization, linear: dense}"
    text = f"{SPEC}checkpoints: {{theirs: {{framework: keras, counted: {counted}}}}}\n"
    both = layers(one, "batch_normalization", "dense")
    both[other] = {f"{other}/kernel": KERNEL, f"{other}/bias": np.ones(4)}
    with pytest.raises(NetspecError, match="are the same tensor's name"):
        read(loads(text).compilation, legacy(tmp_path / "a.h5", both))


def test_sets_that_are_called_alike_are_told(compilation: Compilation, tmp_path: Path) -> None:
    good = state(compilation)
    torch.save({"a": {"b": good}, "a.b": {**good, "x": torch.ones(1)}}, tmp_path / "a.pt")
    with pytest.raises(NetspecError, match=r"two sets of tensors in it are called `a\.b`"):
        read(compilation, tmp_path / "a.pt")


def test_many_sets_are_counted(compilation: Compilation, tmp_path: Path) -> None:
    torch.save({f"m{n}": {"w": torch.ones(1)} for n in range(100)}, tmp_path / "a.pt")
    with pytest.raises(UsageError, match="and 90 more; choose with --take"):
        read(compilation, tmp_path / "a.pt")


def test_a_name_twice_in_safetensors_is_an_error(compilation: Compilation, tmp_path: Path) -> None:
    entry = '"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
    header = f"{{{entry}, {entry}}}".encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(NetspecError, match="`a` is in it twice"):
        read(compilation, path, "torch")


@pytest.mark.parametrize(
    "odd",
    [lambda t: t.to_sparse(), lambda t: 0.5, lambda t: [0.5] * 4],
    ids=["sparse", "number", "list"],
)
def test_what_is_missing_for_being_no_plain_tensor_is_told(
    compilation: Compilation, tmp_path: Path, odd: Any
) -> None:
    good = state(compilation)
    torch.save({**good, "conv1.bias": odd(good["conv1.bias"])}, tmp_path / "a.pt")
    with pytest.raises(NetspecError, match=r"no plain tensors are `conv1\.bias`"):
        read(compilation, tmp_path / "a.pt")


def test_quantised_tensors_are_told(compilation: Compilation, tmp_path: Path) -> None:
    quantised = torch._empty_affine_quantized([4], scale=1.0, zero_point=0, dtype=torch.qint8)
    torch.save({**state(compilation), "conv1.bias": quantised}, tmp_path / "a.pt")
    with pytest.raises(NetspecError, match=r"`conv1\.bias` is qint8; weights are"):
        read(compilation, tmp_path / "a.pt")


def test_what_lies_beside_the_weights_is_told_at_every_step(
    compilation: Compilation, tmp_path: Path
) -> None:
    inner = {"state_dict": state(compilation), "list": [torch.ones(2)], "optimizer": {"x": {}}}
    torch.save({"run": inner, "epoch": 1}, tmp_path / "a.pt")
    with opened(compilation, tmp_path / "a.pt", "torch", STRICT) as (_, notes):
        assert notes == (
            "took `run.state_dict`",
            "left `epoch`, `run.list`, `run.optimizer`",
        )


def test_counters_that_a_live_model_does_not_take_are_told(
    compilation: Compilation, tmp_path: Path
) -> None:
    path = tmp_path / "a.pt"
    torch.save({**state(compilation), "bn1.num_batches_tracked": torch.tensor(7)}, path)
    assert load_weights(compilation, path).dropped == ("bn1.num_batches_tracked",)


def test_a_layer_of_keras_2_may_be_called_vars(compilation: Compilation, tmp_path: Path) -> None:
    named = {"vars": {"vars/kernel": KERNEL}, **layers("conv1", "bn1", "fc")}
    with pytest.raises(NetspecError, match="unexpected `vars/kernel`"):
        read(compilation, legacy(tmp_path / "a.h5", named))
