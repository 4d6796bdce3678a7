"""The Python interface: loading by name, path and text; models, source and numbers of what was loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import netspec
from netspec import CompiledNetwork, NetspecError, UsageError, load, loads, transfer_weights
from netspec.backends.base import get_backend

SPEC = """\
netspec: 1
name: n
params: {w: 4}
variants: {a: {}, b: {w: 6}}
default: a
input: {channels: 3, size: [8, 9]}
stem:
  - conv: {out: w, kernel: 3}
  - norm
head:
  - global_avg_pool
  - linear: {out: 2}
"""


def write(folder: Path, text: str = SPEC, name: str = "n.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_zoo_network_by_variant_file_and_default() -> None:
    assert load("resnet18").name == "resnet18"
    assert load("resnet", "resnet18").name == "resnet18"
    assert load("resnet").name == "resnet50"
    assert load("resnet18", "resnet18").name == "resnet18"


def test_a_file_by_path(tmp_path: Path) -> None:
    path = write(tmp_path)
    for spec in (path, str(path)):
        assert load(spec).name == "a"
        assert load(spec, "b", {"w": 5}).summary().stages[0].output_shape == (5, 8, 9)


def test_a_name_is_the_zoo_and_a_path_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, name="resnet18")
    monkeypatch.chdir(tmp_path)
    assert load("resnet18").name == "resnet18"
    assert load("./resnet18").name == "a"
    assert load(Path("resnet18")).name == "a"


def test_a_text() -> None:
    assert loads(SPEC).name == "a"
    assert loads(SPEC, "b").summary().parameters.trainable == 6 * 28 + 12 + 14
    with pytest.raises(NetspecError, match=r"mine\.yaml:8"):
        loads(SPEC.replace("kernel", "kernal"), file="mine.yaml")


def test_blocks_beside_a_file_or_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("block: tower\nbody: [relu]\n")
    text = SPEC.replace("- norm", "- tower")
    assert load(write(tmp_path, text))
    assert loads(text, folder=tmp_path)
    with pytest.raises(NetspecError, match="tower"):
        loads(text)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("resnet5O", "did you mean `resnet50`"),
        ("nonsense", "neither a file nor a zoo network"),
        ("no/such.yaml", r"no/such\.yaml: no such file"),
        (Path("nonsense"), "no such file"),
        ("netspec: 1\nname: n\n", "YAML text goes to `loads`"),
        ("", "is a directory"),
        ("x" * 5000, "neither a file"),
        ("a\x00b", "neither a file"),
    ],
)
def test_what_is_not_there(spec: str | Path, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(spec)


def test_a_directory_is_no_spec(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory, not a spec"):
        load(tmp_path)


def test_variants_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is not `resnet34`"):
        load("resnet18", "resnet34")
    with pytest.raises(UsageError, match="no variant `c`"):
        load(write(tmp_path), "c")


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path)

    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        load(path)


def test_what_a_network_says_of_itself() -> None:
    network = loads(SPEC)
    assert repr(network) == "<CompiledNetwork a: 3×8×9 -> 2>"
    assert network.network.source.shape == (3, 8, 9)
    assert network.compilation.network is network.network
    assert network.summary() is network.summary()


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_models_and_source(backend: str) -> None:
    network = loads(SPEC)
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 9)).astype(np.float32)
    model = network.build(backend)
    found = get_backend(backend).run(model, x)
    assert found["output"].shape == (2, 2)
    assert isinstance(network.generate(backend), str)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((8,), "has 1 numbers; `a` takes 2"),
        ((8, 0), "a length is 1 or more"),
        ((8, -1), "a length"),
    ],
)
def test_input_sizes_that_make_no_sense(size: tuple[int, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        loads(SPEC).build("torch", size)


def test_another_input_size() -> None:
    model = loads(SPEC).build("torch", (16, 5))
    assert model(torch.zeros((1, 3, 16, 5))).shape == (1, 2)


def test_a_backend_that_does_not_exist() -> None:
    for use in (loads(SPEC).build, loads(SPEC).generate):
        with pytest.raises(UsageError, match="no backend is called `torhc`; did you mean `torch`"):
            use("torhc")


def test_a_framework_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'netspec-compiler\[torch\]'"):
        loads(SPEC).build("torch")


@pytest.mark.parametrize(("source", "target"), [("torch", "keras"), ("keras", "torch")])
def test_weights_move_between_models(source: str, target: str) -> None:
    network = loads(SPEC)
    ours, theirs = network.build(source), network.build(target)
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 9)).astype(np.float32)
    before = get_backend(target).run(theirs, x)["output"]
    transfer_weights(ours, theirs, network)
    expected = get_backend(source).run(ours, x)["output"]
    found = get_backend(target).run(theirs, x)["output"]
    assert not np.allclose(before, expected, atol=1e-4)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_weights_of_another_network_are_refused() -> None:
    network, other = loads(SPEC), loads(SPEC, "b")
    with pytest.raises(ValueError, match=r"conv1\.weight"):
        transfer_weights(network.build("torch"), other.build("torch"), other)
    with pytest.raises(UsageError, match="no backend knows a model of type dict"):
        transfer_weights({}, network.build("torch"), network)


def test_the_package_gives_these_names_and_no_others() -> None:
    assert {*netspec.__all__} <= {*dir(netspec)}
    for name in netspec.__all__:
        assert getattr(netspec, name) is not None
    assert netspec.CompiledNetwork is CompiledNetwork
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        netspec.nonsense  # noqa: B018
