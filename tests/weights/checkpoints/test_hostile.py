"""Files that nothing has vouched for: one clear error each, nothing run, nothing half-written."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from netspec.compilation import Compilation
from netspec.errors import NetspecError, UsageError
from netspec.weights.checkpoints import convert
from tests.weights.checkpoints.conftest import float32_weights

Small = Compilation


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def fails(tmp_path: Path, small: Small) -> Callable[[Path], NetspecError]:
    """Converts a file, which must fail and leave nothing; gives the error."""

    def run(path: Path) -> NetspecError:
        output = tmp_path / "out" / "weights.safetensors"
        output.parent.mkdir(exist_ok=True)
        output.write_bytes(b"old")
        source = "keras" if path.suffix in (".keras", ".h5") else "torch"
        with pytest.raises(NetspecError) as caught:
            convert(small, path, output, source=source, target="torch")
        assert output.read_bytes() == b"old"
        assert [entry.name for entry in output.parent.iterdir()] == [output.name]
        assert path.name in str(caught.value)
        assert "Traceback" not in str(caught.value)
        return caught.value

    return run


def code_of(error: NetspecError) -> str:
    (diagnostic,) = error.diagnostics
    return diagnostic.code


# Code in pickles


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_code_in_a_checkpoint_is_named_and_not_run(
    tmp_path: Path, fails: Callable[[Path], NetspecError], zipped: bool
) -> None:
    path = tmp_path / "a.pt"
    contents = {"conv1.weight": torch.zeros(3), "bomb": Bomb(tmp_path / "run")}
    torch.save(contents, path, _use_new_zipfile_serialization=zipped)
    error = fails(path)
    assert code_of(error) == "NS602"
    assert "`posix.system`" in str(error)
    assert not (tmp_path / "run").exists()


def test_a_bare_pickle_is_not_run(tmp_path: Path, fails: Callable[[Path], NetspecError]) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "run")))
    assert code_of(fails(path)) == "NS602"
    assert not (tmp_path / "run").exists()


def test_a_whole_model_is_refused_with_advice(
    tmp_path: Path, fails: Callable[[Path], NetspecError]
) -> None:
    torch.save(torch.nn.Linear(2, 3), tmp_path / "a.pt")
    error = fails(tmp_path / "a.pt")
    assert code_of(error) == "NS602"
    assert "torch.nn.modules.linear.Linear" in str(error)
    assert "state_dict()" in str(error)


def test_a_keras_file_may_name_any_class(tmp_path: Path, small: Small) -> None:
    """The configuration is not looked at, so what it would make is not made."""
    import keras

    from netspec.backends.base import get_backend

    model = get_backend("keras").build(small.network)
    model.save(tmp_path / "good.keras")
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "a.keras", "w") as bad,
    ):
        bad.writestr(
            "config.json", '{"module": "os", "class_name": "system", "config": ["exit 1"]}'
        )
        bad.writestr("model.weights.h5", good.read("model.weights.h5"))
    convert(small, tmp_path / "a.keras", tmp_path / "b.pt", source="keras", target="torch")
    with pytest.raises(Exception, match="os"):
        keras.models.load_model(tmp_path / "a.keras")


# Bombs


def zip_of(path: Path, members: dict[str, bytes], compression: int) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("suffix", [".pt", ".keras"])
def test_a_zip_bomb_is_not_unpacked(
    tmp_path: Path, fails: Callable[[Path], NetspecError], suffix: str
) -> None:
    members = {"archive/data.pkl": bytes(50 << 20), "model.weights.h5": bytes(50 << 20)}
    path = zip_of(tmp_path / f"a{suffix}", members, zipfile.ZIP_DEFLATED)
    error = fails(path)
    assert code_of(error) == "NS602"
    assert "compressed" in str(error)


def test_a_zip_whose_members_overlap_is_refused(
    tmp_path: Path, fails: Callable[[Path], NetspecError]
) -> None:
    """Many entries for one stretch of the file: small on the disk, large when read."""
    path = tmp_path / "a.pt"
    content = bytes(1000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    raw = path.read_bytes()
    central = raw.index(b"PK\x01\x02")
    entry, end = raw[central : raw.index(b"PK\x05\x06")], raw[raw.index(b"PK\x05\x06") :]
    twin = entry.replace(b"data.pkl", b"tada.pkl")
    end = end[:8] + struct.pack("<HHI", 2, 2, 2 * len(entry)) + end[16:]
    path.write_bytes(raw[:central] + entry + twin + end)
    error = fails(path)
    assert code_of(error) == "NS602"
    assert "overlaps" in str(error)


def test_tensors_larger_than_their_file_are_never_made(
    tmp_path: Path, fails: Callable[[Path], NetspecError], torch_file: Callable[..., Path]
) -> None:
    """A billion values by a stride of zero: 8 bytes on the disk."""

    def swell(state: dict[str, torch.Tensor]) -> None:
        state["fc.weight"] = torch.zeros(1).expand(5_000_000, 4_000)

    assert code_of(fails(torch_file(swell))) == "NS605"


def test_a_dataset_larger_than_its_file_is_never_read(
    tmp_path: Path, fails: Callable[[Path], NetspecError]
) -> None:
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "conv1"
        group.create_dataset(
            "0", shape=(1 << 40,), dtype="f4", chunks=(1 << 20,), compression="gzip"
        )
    error = fails(path)
    assert code_of(error) == "NS602"
    assert "compressed" in str(error)


def test_looking_into_a_file_ends(
    tmp_path: Path,
    small: Small,
    fails: Callable[[Path], NetspecError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HDF5 can be made to loop forever, and to crash; both happen in another process."""
    from netspec.backends.keras import hdf5

    path = tmp_path / "a.weights.h5"
    path.write_bytes(bytes(100))
    monkeypatch.setattr(hdf5, "_SECONDS", 0.5)
    for compilation, said in (
        ("import time; time.sleep(60)", "does not end"),
        ("import os; os.abort()", "fails"),
    ):
        script = tmp_path / "script.py"
        script.write_text(compilation)
        monkeypatch.setattr(hdf5.hdf5_listing, "__file__", str(script))
        error = fails(path)
        assert code_of(error) == "NS601"
        assert said in str(error)


# What leads out of the file


@pytest.mark.parametrize("kind", ["external", "virtual"])
def test_hdf5_that_leads_to_other_files_is_refused(
    tmp_path: Path, fails: Callable[[Path], NetspecError], kind: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(64))
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "conv1"
        if kind == "external":
            group.create_dataset("0", (16,), "f4", external=[(str(secret), 0, 64)])
        else:
            layout = h5py.VirtualLayout((16,), "f4")
            layout[:] = h5py.VirtualSource(str(secret), "x", (16,))
            group.create_virtual_dataset("0", layout)
    error = fails(path)
    assert code_of(error) == "NS602"
    assert "another file" in str(error)


def test_links_of_hdf5_to_other_files_are_not_followed(
    tmp_path: Path, fails: Callable[[Path], NetspecError]
) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.create_group("vars")["0"] = np.zeros(4)
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")
    assert {d.code for d in fails(path).diagnostics} == {"NS603"}


# Damage


def whole_files(tmp_path: Path, small: Small) -> Iterator[Path]:
    from netspec.backends.base import get_backend

    state = {name: torch.from_numpy(a) for name, a in float32_weights(small).items()}
    torch.save(state, tmp_path / "a.pt")
    torch.save(state, tmp_path / "b.pth", _use_new_zipfile_serialization=False)
    model = get_backend("keras").build(small.network)
    model.save(tmp_path / "a.keras")
    model.save_weights(tmp_path / "a.weights.h5")
    model.save(tmp_path / "b.h5")
    yield from [tmp_path / n for n in ("a.pt", "b.pth", "a.keras", "a.weights.h5", "b.h5")]


def test_files_cut_short_anywhere_are_one_error_each(
    tmp_path: Path, small: Small, fails: Callable[[Path], NetspecError]
) -> None:
    for path in whole_files(tmp_path, small):
        raw = path.read_bytes()
        for share in (0, 0.01, 0.3, 0.7, 0.95):
            path.write_bytes(raw[: int(len(raw) * share)])
            assert code_of(fails(path)) == "NS601", (path.name, share)


def test_files_of_noise_are_one_error_each(
    tmp_path: Path, small: Small, fails: Callable[[Path], NetspecError]
) -> None:
    noise = np.random.default_rng(0).bytes(3000)
    for path in whole_files(tmp_path, small):
        head = path.read_bytes()[:4]
        for raw in (noise, head + noise, bytes(100)):
            path.write_bytes(raw)
            assert code_of(fails(path)) == "NS601", path.name


@pytest.mark.parametrize("name", ["a.pt", "a.keras"])
def test_a_changed_value_is_found_by_the_checksum(
    tmp_path: Path, small: Small, fails: Callable[[Path], NetspecError], name: str
) -> None:
    path = next(path for path in whole_files(tmp_path, small) if path.name == name)
    value = torch.load(tmp_path / "a.pt")["conv1.weight"].numpy().tobytes()[:8]
    raw = path.read_bytes()
    if name == "a.pt":
        raw = raw.replace(value, value[::-1])
    else:
        place = len(raw) // 2
        raw = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
    assert raw != path.read_bytes()
    path.write_bytes(raw)
    error = fails(path)
    assert code_of(error) == "NS601"
    assert "checksum" in str(error)


def test_mutated_files_end_in_an_error_or_are_read(tmp_path: Path, small: Small) -> None:
    """Bytes changed at random in every format never lead to another exception."""
    random = np.random.default_rng(0)
    for path in whole_files(tmp_path, small):
        raw = path.read_bytes()
        for _ in range(8 if path.suffix in (".keras", ".h5") else 60):
            changed = bytearray(raw)
            for place in random.integers(0, min(len(raw), 4000), 3):
                changed[place] = random.integers(256)
            path.write_bytes(changed)
            source = "keras" if path.suffix in (".keras", ".h5") else "torch"
            with suppress(NetspecError):
                convert(small, path, tmp_path / "out.pt", source=source, target="torch")


def test_a_tensor_beyond_its_record_is_refused(
    tmp_path: Path, fails: Callable[[Path], NetspecError], torch_file: Callable[..., Path]
) -> None:
    """The pickle promises more values than the archive holds for them."""
    path = torch_file()
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    largest = max((name for name in members if "/data/" in name), key=lambda n: len(members[n]))
    members[largest] = members[largest][:8]
    zip_of(path, members, zipfile.ZIP_STORED)
    error = fails(path)
    assert code_of(error) == "NS601"
    assert "beyond" in str(error)


# Values


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_values_that_are_not_finite_are_named(
    fails: Callable[[Path], NetspecError],
    torch_file: Callable[..., Path],
    value: float,
    dtype: torch.dtype,
) -> None:
    def spoil(state: dict[str, torch.Tensor]) -> None:
        state["fc.weight"] = state["fc.weight"].to(dtype)
        state["fc.weight"][1, 2] = value

    error = fails(torch_file(spoil))
    assert code_of(error) == "NS607"
    assert "1 of 20 values of `fc.weight`" in str(error)


@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn]
)
def test_dtypes_that_are_no_weights_are_named(
    fails: Callable[[Path], NetspecError], torch_file: Callable[..., Path], dtype: torch.dtype
) -> None:
    def change(state: dict[str, torch.Tensor]) -> None:
        state["fc.weight"] = state["fc.weight"].to(dtype)

    error = fails(torch_file(change))
    assert code_of(error) == "NS606"
    assert str(dtype).removeprefix("torch.") in str(error)


def test_every_shape_that_is_wrong_is_listed(
    fails: Callable[[Path], NetspecError], torch_file: Callable[..., Path]
) -> None:
    def change(state: dict[str, torch.Tensor]) -> None:
        state["fc.weight"] = torch.zeros(4, 5)
        state["bn1.bias"] = torch.zeros(4, 1)

    error = fails(torch_file(change))
    assert [d.code for d in error.diagnostics] == ["NS605", "NS605"]
    assert "`fc.weight` is (4×5), and the network's (5×4)" in str(error)


@pytest.mark.parametrize(
    "contents", [[1, 2], {"epoch": 3}, torch.zeros(3), {}, {1: torch.zeros(2)}, "text"], ids=str
)
def test_a_checkpoint_without_weights_says_what_it_holds(
    tmp_path: Path, fails: Callable[[Path], NetspecError], contents: Any
) -> None:
    torch.save(contents, tmp_path / "a.pt")
    error = fails(tmp_path / "a.pt")
    assert code_of(error) == "NS601"
    assert "no dictionary of tensors" in str(error)


def test_files_of_another_kind_are_said_to_be_none(
    tmp_path: Path, small: Small, fails: Callable[[Path], NetspecError]
) -> None:
    files = list(whole_files(tmp_path, small))
    for path in files:
        for suffix in (".pt", ".keras", ".weights.h5", ".safetensors"):
            other = tmp_path / f"other{suffix}"
            if path.name.endswith(suffix) or (path.suffix, suffix) in (
                (".pth", ".pt"),
                (".h5", ".weights.h5"),
            ):
                continue
            other.write_bytes(path.read_bytes())
            assert code_of(fails(other)) == "NS601", (path.name, suffix)


def test_bombs_take_no_memory(tmp_path: Path, fails: Callable[[Path], NetspecError]) -> None:
    """A pickle of a few bytes that asks for a list of a billion entries ends in an error."""
    stream = io.BytesIO()
    stream.write(b"\x80\x02]q\x00(" + b"h\x00" * 100 + b"e.")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    zip_of(
        tmp_path / "a.pt",
        {"archive/data.pkl": stream.getvalue(), "archive/version": b"3\n"},
        zipfile.ZIP_STORED,
    )
    assert code_of(fails(tmp_path / "a.pt")) == "NS601"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000  # kB


def test_where_no_process_can_be_started_hdf5_is_not_read(
    tmp_path: Path, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr("sys.executable", None)
    with pytest.raises(UsageError, match=r"in\.weights\.h5: .* cannot be started"):
        convert(small, path, tmp_path / "out.pt", source="keras", target="torch")
