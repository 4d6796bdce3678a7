"""``netspec build``, mostly with a backend without a framework."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
from safetensors import safe_open

import netspec
from netspec.ir.analysis import weight_shapes
from netspec.weights.starting import initial_weights
from tests.cli.conftest import Run
from tests.support.fake_backend import FakeBackend

pytestmark = pytest.mark.usefixtures("fake")


def test_prints_stages_and_totals(run: Run, small: Path) -> None:
    result = run("build", small, "--backend", "fake")
    assert result.status == 0
    assert result.err == ""
    network = netspec.load(small)
    assert "small_a (fake): input 3×8×12" in result.out
    for text in ("stem", "layer1", "layer2", "head", "8×4×6"):
        assert text in result.out
    assert f"{network.summary().parameters.total:,}" in result.out


def test_writes_by_suffix(run: Run, small: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"net{suffix}" for suffix in (".py", ".safetensors", ".fake")]
    options = [part for path in paths for part in ("-o", path)]
    result = run("build", small, "--backend", "fake", *options)
    assert result.status == 0
    assert result.err.splitlines() == [f"wrote {path}" for path in paths]
    assert paths[0].read_text() == "# small_a\n"
    assert paths[2].read_bytes() == b"fake"
    network = netspec.load(small).network
    with safe_open(paths[1], "numpy") as file:
        shapes = {name: tuple(file.get_tensor(name).shape) for name in file.keys()}  # noqa: SIM118
        assert json.loads(file.metadata()["netspec"]) == {"name": "small", "variant": "small_a"}
    assert shapes == weight_shapes(network)


@pytest.mark.parametrize(
    ("backend", "suffix"), [("torch", ".pt"), ("torch", ".pth"), ("keras", ".weights.h5")]
)
def test_writes_weights_as_the_framework_has_them(
    run: Run, small: Path, tmp_path: Path, backend: str, suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    options = ("--backend", backend, "--init", "shared", "--seed", "5")
    assert run("build", small, *options, "-o", path).status == 0
    compiled = netspec.load(small)
    found = compiled.load_weights(compiled.build("torch"), path).weights
    expected = initial_weights(compiled.network, 5)
    assert found.keys() == expected.keys()
    assert all(numpy.array_equal(found[name], array) for name, array in expected.items())


def test_transposed_weights_survive(
    run: Run, small: Path, tmp_path: Path, fake: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = numpy.arange(12 * 3, dtype=numpy.float32).reshape(12, 3).T
    original = FakeBackend.read_weights

    def transposed(self: FakeBackend, model: object, network: object) -> dict[str, object]:
        weights = original(self, model, network)  # type: ignore[arg-type]
        assert weights["fc.weight"].shape == (3, 8)
        return {**weights, "fc.weight": array[:, :8]}

    monkeypatch.setattr(FakeBackend, "read_weights", transposed)
    path = tmp_path / "net.safetensors"
    assert run("build", small, "--backend", "fake", "-o", path).status == 0
    with safe_open(path, "numpy") as file:
        assert numpy.array_equal(file.get_tensor("fc.weight"), array[:, :8])


@pytest.mark.parametrize("name", ["net.xyz", "net", "net.pt2", "net.pt", "no/such/folder/net.py"])
def test_what_cannot_be_written_is_said_before_the_work(
    run: Run, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeBackend, "build", lambda *_: pytest.fail("it was built"))
    result = run("build", "resnet50", "--backend", "fake", "-o", tmp_path / name)
    assert result.status == 2
    assert list(tmp_path.iterdir()) == []


def test_a_missing_framework_is_one_line_with_the_extra(run: Run, fake: FakeBackend) -> None:
    fake.requires = ("surely_not_installed",)
    result = run("build", "resnet50", "--backend", "fake")
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert "pip install 'netspec-compiler[fake]'" in result.err


@pytest.mark.parametrize(("broken", "said"), [("weights", "weight `"), ("run", "output `")])
def test_a_model_unlike_the_network_is_an_internal_error(
    run: Run, small: Path, fake: FakeBackend, broken: str, said: str
) -> None:
    fake.broken = broken
    result = run("build", small, "--backend", "fake")
    assert result.status == 2
    assert "internal error" in result.err
    assert said in result.err


def test_a_file_that_fails_leaves_the_old_one(
    run: Run, small: Path, tmp_path: Path, fake: FakeBackend
) -> None:
    fake.broken = "save"
    path = tmp_path / "net.fake"
    path.write_bytes(b"old")
    result = run("build", small, "--backend", "fake", "-o", path, "--force")
    assert result.status == 2
    assert "No space left" in result.err
    assert path.read_bytes() == b"old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["net.fake", "small.yaml"]
