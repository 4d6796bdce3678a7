"""The Python interface: loading by name, path and text; models, source and numbers of what was loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import netspec
from netspec import CompiledNetwork, NetspecError, UsageError, load, loads, transfer_weights
from netspec.backends.base import get_backend
from netspec.cli import main

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
    assert repr(network.optimize()) == "<CompiledNetwork a: 3×8×9 -> 2, optimized for inference>"
    assert network.network.source.shape == (3, 8, 9)
    assert network.compilation.network is network.network
    assert network.summary() is network.summary()


def test_what_a_network_is_made_of() -> None:
    network = loads(SPEC, overrides={"w": 5})
    assert (network.spec, network.variant, network.variants) == ("<string>", "a", ("a", "b"))
    assert network.parameters == {"w": 5}
    assert network.inputs == {"input": (3, 8, 9)}
    assert network.outputs == {"output": (2,)}
    assert [stage.name for stage in network.stages] == ["stem", "head"]
    layers = network.layers
    assert [(layer.name, layer.op) for layer in layers][:2] == [
        ("conv1", "conv"),
        ("bn1", "batch_norm"),
    ]
    assert sum(layer.parameters for layer in layers) == network.summary().parameters.total
    assert sum(layer.macs for layer in layers) == network.summary().macs
    assert layers[0].output_shape == layers[1].input_shape == (5, 8, 9)


def test_blocks_and_steps_among_parameters_stand_as_they_are_written() -> None:
    text = SPEC.replace("{w: 4}", "{w: 4, b: {type: block, default: basic}, s: {type: steps}}")
    text = text.replace("- norm", "- s\n  - b: {width: w}")
    network = loads(text, overrides={"s": [{"conv": {"out": "w + 1", "kernel": 1}}]})
    assert network.parameters == {
        "w": 4,
        "b": "basic",
        "s": [{"conv": {"out": "w + 1", "kernel": 1}}],
    }


def test_several_inputs_and_named_outputs() -> None:
    text = SPEC.replace(
        "{channels: 3, size: [8, 9]}",
        "{left: {channels: 3, size: [8, 9]}, right: {channels: 3, size: [8, 9]}}",
    ).replace("stem:\n", "stem:\n  - from: [left, right]\n")
    network = loads(text + "outputs: {logits: output}\n")
    assert network.inputs == {"left": (3, 8, 9), "right": (3, 8, 9)}
    assert network.outputs == {"logits": (2,)}


def test_where_a_network_is_from(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert load(path).spec == str(path)
    assert load("resnet18").spec == "resnet"


def test_a_network_is_changed_into_another() -> None:
    network = loads(SPEC, overrides={"w": 5})
    other = network.replace("b")
    assert (other.variant, other.parameters) == ("b", {"w": 5})
    assert network.replace(w=7).parameters == {"w": 7}
    assert network.variant == "a"
    assert network.parameters == {"w": 5}
    assert load("resnet18").replace(**{"depths[2]": 3}).parameters["depths"] == [2, 2, 3, 2]
    assert load("resnet34").replace(classes=3).replace(width=32).outputs == {"output": (3,)}
    with pytest.raises(NetspecError, match="did you mean `w`"):
        network.replace(W=7)
    with pytest.raises(UsageError, match="no variant `c`"):
        network.replace("c")


def test_a_network_that_changes_stays_within_its_bounds(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("block: tower\nbody: [relu]\n")
    text = SPEC.replace("- norm", "- tower")
    assert loads(text, folder=tmp_path).replace(w=9).parameters == {"w": 9}


MAPPING = {
    "netspec": 1,
    "name": "n",
    "params": {"w": 4},
    "input": {"channels": 3, "size": (8, 9)},
    "stem": [{"conv": {"out": "w", "kernel": 3, "bias": True}}, "norm"],
}


def test_a_mapping() -> None:
    network = loads(MAPPING, overrides={"w": 6})
    assert network.outputs == {"output": (6, 8, 9)}
    with pytest.raises(NetspecError, match="did you mean `kernel`") as caught:
        loads({**MAPPING, "stem": [{"conv": {"out": 4, "kernal": 3}}]})
    assert '"kernal": 3' in str(caught.value)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"params": {"w": {1, 2}}}, "a set is no number, flag, text, list or mapping"),
        ({"params": {"w": float("nan")}}, "nan is not a number"),
        ({3: 4}, "a dict is no number, flag, text, list or mapping"),
    ],
)
def test_a_mapping_of_what_yaml_cannot_hold(part: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=f"the spec: {message}"):
        loads({**MAPPING, **part})


def test_a_mapping_that_holds_itself() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    with pytest.raises(UsageError, match="nested deeper than"):
        loads(endless)


def test_numbers_print_as_their_commands_do(capsys: pytest.CaptureFixture[str]) -> None:
    for text, command in (
        (str(load("resnet18").summary()), ["summary", "resnet18"]),
        (str(netspec.validate("resnet")), ["validate", "resnet"]),
        (str(netspec.verify("resnet20", level="shapes")), ["verify", "resnet20", "--level=shapes"]),
    ):
        assert main(command) == 0
        assert capsys.readouterr().out == f"{text}\n"


def test_validate_tells_what_is_wrong(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, SPEC.replace("kernel", "kernal"), "wrong.yaml")
    report = netspec.validate(tmp_path)
    assert [Path(file.file).name for file in report.files] == ["n.yaml", "wrong.yaml"]
    assert (report.errors, report.files[1].diagnostics[0].code) == (1, "NS101")
    assert netspec.validate(tmp_path, exclude=["wrong*"]).errors == 0
    with pytest.raises(UsageError, match="no such file"):
        netspec.validate(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="`NS999` is no lint"):
        netspec.validate(tmp_path, disable=["NS999"])


def test_a_verification_is_saved_as_a_certificate(tmp_path: Path) -> None:
    result = netspec.verify(loads(SPEC, "b", {"w": 5}), level="shapes", backends=["torch"])
    assert (result.passed, result.variant, result.assignments) == (True, "b", ("w=5",))
    result.save(tmp_path / "c.json")
    result.save(tmp_path / "c.html")
    data = json.loads((tmp_path / "c.json").read_text())
    assert data["passed"]
    assert data["versions"]["torch"] == torch.__version__
    with pytest.raises(UsageError, match=r"a certificate is \.json or \.html"):
        result.save(tmp_path / "c.txt")


def test_verify_takes_levels_that_there_are() -> None:
    with pytest.raises(UsageError, match="`forwad` is no level; did you mean `forward`"):
        netspec.verify("resnet20", level="forwad")


def test_weights_are_converted_with_other_names(tmp_path: Path) -> None:
    network = loads(SPEC)
    model = network.build("torch")
    names = {f"module.{name}": value for name, value in model.state_dict().items()}
    del names["module.fc.bias"]
    torch.save(names, tmp_path / "old.pt")
    report = netspec.convert(
        network,
        tmp_path / "old.pt",
        tmp_path / "new.safetensors",
        target="keras",
        renaming={"module\\.(.*)": "\\1"},
        allow_missing=["fc.*"],
    )
    assert report.missing == ("fc.bias",)
    assert network.load_weights(network.build("keras"), tmp_path / "new.safetensors").missing == ()


def test_an_export_takes_weights(tmp_path: Path) -> None:
    network = loads(SPEC)
    network.save_weights(network.build("keras"), tmp_path / "w.safetensors")
    report = netspec.export(
        network,
        "torch-export",
        tmp_path / "net.pt2",
        backend="torch",
        weights=tmp_path / "w.safetensors",
    )
    assert report.path.is_file()


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
    assert dir(netspec) == sorted(netspec.__all__)
    for name in netspec.__all__:
        assert getattr(netspec, name) is not None
    assert netspec.CompiledNetwork is CompiledNetwork
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        netspec.nonsense  # noqa: B018
