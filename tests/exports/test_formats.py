"""Every backend in every format that it writes: all ops, several outputs, any batch; and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.backends.base import get_backend
from netspec.exports.base import ExportError
from netspec.exports.write import export_model
from netspec.ir.analysis import output_shapes
from tests.exports.conftest import PAIRS, exported, skip_unless_installed
from tests.support.everything import everything
from tests.support.networks import network_of, random_weights


@pytest.mark.parametrize(("backend", "kind"), PAIRS)
def test_every_op_under_the_names_of_the_outputs(backend: str, kind: str, tmp_path: Path) -> None:
    network = everything(2).network
    report, path = exported(network, backend, kind, tmp_path)
    last = get_backend(backend).exports[kind].channels_last
    shapes = {output.name: output.shape for output in report.comparison.outputs}
    expected = output_shapes(network)
    assert list(expected) == ["early", "middle", "output"]
    assert shapes == {
        name: (*shape[1:], shape[0]) if last else shape for name, shape in expected.items()
    }
    assert NAMES[kind](path) == set(expected)


def onnx_names(path: Path) -> set[str]:
    """What the file itself says, read by the library that defines the format."""
    import onnx

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param
    return {output.name for output in model.graph.output}


def program_names(path: Path) -> set[str]:
    import torch

    return set(torch.export.load(path).module()(torch.zeros(5, 4, 13, 18)))


def signature_names(path: Path) -> set[str]:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    (source,) = signature.structured_input_signature[1].values()
    assert source.shape[0] is None
    return set(signature.structured_outputs)


def litert_names(path: Path) -> set[str]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    (signature,) = interpreter.get_signature_list().values()
    assert interpreter.get_input_details()[0]["shape_signature"][0] == -1
    return set(signature["outputs"])


NAMES = {
    "onnx": onnx_names,
    "torch-export": program_names,
    "saved-model": signature_names,
    "litert": litert_names,
}

SINGLE = """
netspec: 1
name: single
input: {channels: 3, size: [6, 8]}
stem:
  - {conv: {out: 4, kernel: 3}, name: input}
  - relu
head:
  - global_avg_pool
"""


@pytest.mark.parametrize(("backend", "kind"), PAIRS)
def test_a_single_output_is_called_output(backend: str, kind: str, tmp_path: Path) -> None:
    network = netspec.loads(SINGLE).network
    report, path = exported(network, backend, kind, tmp_path)
    assert [output.name for output in report.comparison.outputs] == ["output"]
    if kind != "torch-export":  # the program gives one tensor, as the module does
        assert NAMES[kind](path) == {"output"}


@pytest.mark.parametrize("kind", ["onnx", "torch-export"])
def test_an_output_may_be_called_as_the_input_is(kind: str, tmp_path: Path) -> None:
    text = SINGLE.replace("stem:", "outputs: {input: first, x: second}\nstem:")
    text = text.replace("name: input}", "as: first}").replace("- relu", "- {relu: {}, as: second}")
    report, _ = exported(netspec.loads(text).network, "torch", kind, tmp_path)
    assert [output.name for output in report.comparison.outputs] == ["input", "x", "output"]


NODES = ("relu", "mean", "cat", "add", "conv2d", "linear", "val_0", "softmax", "Identity", "MatMul")
"""What exporters and frameworks call values inside a graph."""
ENDS = (
    "input",
    "inputs",
    "x",
    "args_0",
    "self",
    "training",
    "serving_default",
    "keras_tensor",
    "def",
)
"""What they call inputs and signatures, and what Python keeps for itself."""


@pytest.mark.parametrize(("backend", "kind"), PAIRS)
def test_outputs_may_be_called_as_what_an_exporter_makes(
    backend: str, kind: str, tmp_path: Path
) -> None:
    """Several names of one result too."""
    steps = ["softmax: {}", "conv: {out: 4, kernel: 3}", "relu: {}", "tanh: {}"]
    stem = "".join(f"  - {{{step}, as: r{i}}}\n" for i, step in enumerate(steps))
    named = [f"{name}: r{i % len(steps)}" for i, name in enumerate((*NODES, *ENDS))]
    text = (
        f"netspec: 1\nname: net\ninput: {{channels: 3, size: [6, 8]}}\nstem:\n{stem}"
        "stages:\n  - {block: squeeze_excite}\n"
        f"outputs: {{{', '.join(named)}, last: layer1}}\n"
    )
    network = netspec.loads(text).network
    report, path = exported(network, backend, kind, tmp_path)
    names = {output.name for output in report.comparison.outputs}
    assert names == {*NODES, *ENDS, "last"}
    assert kind == "torch-export" or NAMES[kind](path) == names


@pytest.mark.parametrize(("backend", "kind"), PAIRS)
def test_an_exporter_that_changes_a_constant_is_caught(
    backend: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison sees a normalisation whose epsilon is Keras' in the place of PyTorch's."""
    skip_unless_installed(backend, kind)
    found = get_backend(backend)
    steps = "conv: {out: 4, kernel: 3}\nbatch_norm: {eps: EPS}\nrelu"
    network = network_of(steps.replace("EPS", "1.0e-5"), (6, 8))
    other = network_of(steps.replace("EPS", "1.0e-3"), (6, 8))
    weights = random_weights(network)
    model, changed = found.build(network), found.build(other)
    found.write_weights(model, network, weights)
    found.write_weights(changed, other, weights)
    monkeypatch.setattr(found, "run", lambda _, inputs: type(found).run(found, changed, inputs))
    path = tmp_path / f"net{found.exports[kind].format.suffix}"
    with pytest.raises(ExportError, match=f"the {kind} export differs from the live model"):
        export_model(found, model, network, found.exports[kind], path)
    assert list(tmp_path.iterdir()) == []


def test_training_mode_is_left_as_it_was_and_plays_no_part(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    found = get_backend("torch")
    network = network_of("conv: {out: 4, kernel: 3}\nbatch_norm\ndropout: {rate: 0.5}", (6, 8))
    model = found.build(network)
    model.train()
    report = export_model(
        found, model, network, found.exports["torch-export"], tmp_path / "net.pt2"
    )
    assert report.comparison.outputs[0].error == 0
    assert all(module.training for module in model.modules())
    program = torch.export.load(tmp_path / "net.pt2").module()
    x = torch.ones(2, 6, 6, 8)
    assert torch.equal(program(x), program(x))


def test_from_python(tmp_path: Path) -> None:
    skip_unless_installed("torch", "torch-export")
    network = netspec.loads(SINGLE)
    model = network.build("torch")
    report = network.export(model, "torch-export", str(tmp_path / "net.pt2"))
    assert report.path.is_file()
    with pytest.raises(netspec.UsageError, match="the torch backend does not export to `litert`"):
        network.export(model, "litert", tmp_path / "net.tflite")
    with pytest.raises(netspec.UsageError, match="no backend knows a model of type str"):
        network.export("a model", "onnx", tmp_path / "net.onnx")


def test_what_litert_cannot_do_is_one_line(tmp_path: Path) -> None:
    skip_unless_installed("keras", "litert")
    found = get_backend("keras")
    network = network_of("max_pool: {kernel: 2}", (5, 6, 7))
    model: Any = found.build(network)
    with pytest.raises(ExportError) as caught:
        export_model(found, model, network, found.exports["litert"], tmp_path / "net.tflite")
    assert "LiteRT cannot do" in str(caught.value)
    assert "MaxPool3D" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize(("backend", "kind"), [pair for pair in PAIRS if pair[1] != "litert"])
def test_every_op_on_other_maps(backend: str, kind: str, rank: int, tmp_path: Path) -> None:
    report, _ = exported(everything(rank).network, backend, kind, tmp_path)
    assert len(report.comparison.outputs) == 3
