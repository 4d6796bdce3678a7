"""Outputs that are for training alone: auxiliary heads, as GoogLeNet has them."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.backends.torch.probe import TorchProbe
from netspec.cli import main
from netspec.ir.fingerprint import fingerprint
from netspec.verification import run as verifying
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from tests.exports.conftest import PAIRS, exported
from tests.support.generated import import_source
from tests.support.networks import input_of
from tests.support.witnesses import check

TEXT = """\
netspec: 1
name: little_inception
input: {channels: 3, size: [16, 24]}
params: {classes: 5}
arguments: [classes]
defaults: {conv: {bias: false}}
blocks:
  auxiliary:
    label: aux
    params: {classes: int}
    body:
      - avg_pool: {kernel: 2}
      - conv: {out: 4, kernel: 1}
      - norm
      - act
      - global_avg_pool
      - dropout: {rate: 0.7}
      - linear: {out: classes}
  inception:
    params: {width: int}
    body:
      - branches:
          one: [{conv: {out: width, kernel: 1}}, norm, act]
          three: [{conv: {out: width, kernel: 3}}, norm, act]
          merge: concat
stem:
  - conv: {out: 6, kernel: 3, stride: 2}
  - norm
  - act
stages:
  - {block: inception, width: 4, name: inception4a}
  - {block: inception, width: 6, name: inception4d}
  - {block: inception, width: 8, name: inception5b}
head:
  - {auxiliary: {classes: classes}, from: inception4a, name: aux1, as: first}
  - {auxiliary: {classes: classes}, from: inception4d, name: aux2, as: second}
  - {global_avg_pool: {}, from: inception5b}
  - dropout: {rate: 0.4}
  - linear: {out: classes}
outputs:
  logits: output
  aux1: {from: first, when: training}
  aux2: {from: second, when: training}
"""

UNNAMED = TEXT.replace("  logits: output\n", "")
"""The same, whose last result has no name of its own."""

AT_THE_END = TEXT.replace("from: second", "from: output")
"""What is for training is the last result, which evaluation gives by another name; an auxiliary head is left."""
AT_THE_END = AT_THE_END.replace(
    "  - {auxiliary: {classes: classes}, from: inception4d, name: aux2, as: second}\n", ""
)


@pytest.mark.parametrize(
    "text", [TEXT, UNNAMED, AT_THE_END], ids=["named", "unnamed", "at the end"]
)
def test_all_models_agree(text: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    check(netspec.loads(text))


def test_source_computes_in_evaluation_what_evaluation_gives() -> None:
    source = netspec.loads(TEXT).generate("torch")
    expected = """\
        x = self.fc(x)
        if not self.training:
            return {"logits": x}
        first = self.aux1(inception4a)
        second = self.aux2(inception4d)
        return {"logits": x, "aux1": first, "aux2": second}
"""
    assert expected in source


def torch_models(text: str = TEXT) -> dict[str, Any]:
    compiled = netspec.loads(text)
    source = import_source(compiled.generate("torch"))
    return {"live": compiled.build("torch"), "generated": source.little_inception()}


@pytest.mark.parametrize("kind", ["live", "generated"])
def test_torch_runs_auxiliary_heads_in_training_alone(kind: str) -> None:
    torch = pytest.importorskip("torch")
    model, ran = torch_models()[kind], []
    x = torch.zeros(2, 3, 16, 24)
    for same in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert list(same.train()(x)) == ["logits", "aux1", "aux2"]
        assert list(same.eval()(x)) == ["logits"]
    for name in ("aux1", "aux2", "fc"):
        model.get_submodule(name).register_forward_hook(lambda *_, name=name: ran.append(name))
    model.train()(x), model.eval()(x)
    assert sorted(ran) == ["aux1", "aux2", "fc", "fc"]


def test_one_output_is_a_dict_too() -> None:
    torch = pytest.importorskip("torch")
    for model in torch_models(UNNAMED).values():
        assert list(model.eval()(torch.zeros(2, 3, 16, 24))) == ["output"]


@pytest.mark.parametrize("kind", ["live", "generated"])
def test_a_model_for_inference_shares_what_keras_trains(kind: str) -> None:
    keras = pytest.importorskip("keras")
    compiled = netspec.loads(TEXT)
    source = import_source(compiled.generate("keras"))
    model = compiled.build("keras") if kind == "live" else source.little_inception()
    x = np.moveaxis(input_of(compiled.network), 1, -1).astype("float32")
    everything = model(x, training=False)
    assert list(everything) == ["logits", "aux1", "aux2"]
    smaller = source.inference_model(model)
    found = smaller(x, training=False)
    assert list(found) == ["logits"]
    np.testing.assert_array_equal(found["logits"], everything["logits"])
    assert smaller.get_layer("fc") is model.get_layer("fc")
    assert "aux1_fc" in [layer.name for layer in model.layers]
    assert "aux1_fc" not in [layer.name for layer in smaller.layers]
    by_hand = keras.Model(model.input, {"logits": model.output["logits"]})
    np.testing.assert_array_equal(by_hand(x, training=False)["logits"], found["logits"])


def test_source_of_other_networks_has_no_second_function() -> None:
    text = TEXT.replace(", when: training", "")
    assert text != TEXT
    assert "inference_model" not in netspec.loads(text).generate("keras")


def labels() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    classes = random.integers(5, size=12)
    x = random.normal(size=(12, 3, 16, 24)) * 0.3
    x[np.arange(12), 0, classes] += 4  # a bright line tells the class
    return x.astype("float32"), classes


def test_torch_trains_with_all_heads() -> None:
    torch = pytest.importorskip("torch")
    x, classes = map(torch.from_numpy, labels())
    for model in torch_models().values():
        optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
        losses = []
        model.train()
        for _ in range(8):
            found = model(x)
            weighted = zip((1.0, 0.3, 0.3), found.values(), strict=True)
            loss = sum(w * torch.nn.functional.cross_entropy(y, classes) for w, y in weighted)
            optimiser.zero_grad()
            loss.backward()
            gradients = [model.get_parameter(f"aux{i}.fc.weight").grad for i in (1, 2)]
            assert all(gradient.abs().sum() > 0 for gradient in gradients)
            optimiser.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]


def test_keras_trains_with_all_heads() -> None:
    keras = pytest.importorskip("keras")
    x, classes = labels()
    keras.utils.set_random_seed(0)
    names = ("logits", "aux1", "aux2")
    model = netspec.loads(TEXT).build("keras")
    before = [model.get_layer(f"aux{i}_fc").kernel.numpy() for i in (1, 2)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.Adam(0.02),
        loss=dict.fromkeys(names, loss),
        loss_weights={"logits": 1.0, "aux1": 0.3, "aux2": 0.3},
    )
    found = model.fit(
        np.moveaxis(x, 1, -1), dict.fromkeys(names, classes), epochs=8, batch_size=12, verbose=0
    )
    losses = found.history["loss"]
    assert losses[-1] < losses[0]
    for number, kernel in zip((1, 2), before, strict=True):
        assert np.abs(model.get_layer(f"aux{number}_fc").kernel.numpy() - kernel).max() > 0


def test_the_fingerprint_knows_when() -> None:
    always = TEXT.replace(", when: training", "")
    assert fingerprint(netspec.loads(always).network) != fingerprint(netspec.loads(TEXT).network)


# Verification


def verified(level: str = "training", text: str = TEXT) -> NetworkResult:
    return verify(netspec.loads(text).compilation, Options(level), Origin("net.yaml"))


def messages(result: NetworkResult) -> list[str]:
    return [
        f"{w.name}, {level.level}: {failure.message}" for w, level, failure in result.failures()
    ]


def measured(result: NetworkResult, quantity: str) -> set[str]:
    levels = [level for witness in result.witnesses for level in witness.levels]
    found = (m for level in levels for m in level.measures if m.quantity == quantity)
    return {m.tensor for m in found if m.part == "head"}


@pytest.mark.parametrize("text", [TEXT, UNNAMED], ids=["named", "unnamed"])
def test_each_mode_is_verified_with_its_outputs(text: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    result = verified(text=text)
    assert messages(result) == []
    last = {"logits" if text == TEXT else "output"}
    assert measured(result, "output") == last
    assert measured(result, "training output") == {*last, "aux1", "aux2"}


@pytest.mark.parametrize(
    ("backend", "old", "new", "expected"),
    [
        (
            "torch",
            "if not self.training:",
            "if False:",
            "torch generated, shapes: output `aux1` is 5; the spec says missing",
        ),
        (
            "torch",
            "if not self.training:",
            "if True:",
            "torch generated, training: in training, output `aux1` is missing; the spec says 5",
        ),
        (
            "torch",
            'return {"logits": x, "aux1": first, "aux2": second}',
            'return {"logits": x, "aux1": second, "aux2": first}',
            "torch generated, training: training output of `aux1` differs",
        ),
        (
            "keras",
            'outputs = {"logits": x, "aux1": first, "aux2": second}',
            'outputs = {"logits": x, "aux1": second, "aux2": first}',
            "keras generated, training: training output of `aux1` differs",
        ),
    ],
)
def test_a_mistake_is_found(
    backend: str, old: str, new: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(backend)
    from netspec.verification import witnesses

    original = witnesses.generate

    def wrong(found: Any, network: Any, origin: Any) -> str:
        source = original(found, network, origin)
        if found.name != backend:
            return source
        assert old in source
        return source.replace(old, new)

    monkeypatch.setattr(witnesses, "generate", wrong)
    compilation = netspec.loads(TEXT).compilation
    options = Options("training", ("torch", "keras") if backend == "keras" else ("torch",))
    (found, *_) = messages(verify(compilation, options, Origin("net.yaml")))
    assert found.startswith(expected)


def test_what_live_models_lack_in_training_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = TorchProbe.train

    def without(self: Any, *arguments: Any) -> Any:
        found = original(self, *arguments)
        del found.observed.outputs["aux2"]
        return found

    monkeypatch.setattr(TorchProbe, "train", without)
    result = verifying.verify(
        netspec.loads(TEXT).compilation, Options("training", ("torch",)), Origin("net.yaml")
    )
    (found, *_) = messages(result)
    assert found.startswith("torch live, training: in training, output `aux2` is missing")


# Commands


@pytest.mark.parametrize(("backend", "kind"), PAIRS)
@pytest.mark.parametrize("text", [TEXT, UNNAMED], ids=["named", "unnamed"])
def test_exports_have_the_outputs_of_evaluation(
    text: str, backend: str, kind: str, tmp_path: Path
) -> None:
    report, _ = exported(netspec.loads(text).network, backend, kind, tmp_path)
    name = "logits" if text == TEXT else "output"
    assert [output.name for output in report.comparison.outputs] == [name]


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_build(backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(backend)
    spec = tmp_path / "net.yaml"
    spec.write_text(TEXT, encoding="utf-8")
    assert main(["build", str(spec), "--backend", backend]) == 0, capsys.readouterr().err
