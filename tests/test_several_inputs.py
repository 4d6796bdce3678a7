"""Networks that several tensors enter, each with a name: RGB-D, and two towers."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.backends.base import get_backend
from netspec.cli import main
from netspec.errors import NetspecError, UsageError
from netspec.ir.analysis import for_inputs
from netspec.ir.fingerprint import fingerprint
from netspec.ir.interpret import interpret
from netspec.verification import witnesses
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from tests.exports.conftest import PAIRS, exported
from tests.support.fake_backend import FakeBackend
from tests.support.generated import import_source
from tests.support.networks import inputs_of, random_weights
from tests.support.witnesses import check

RGBD = """\
netspec: 1
name: rgbd
input: {colour: {channels: 3, size: [16, 24]}, depth: {channels: 1, size: [16, 24]}}
params: {classes: 5}
arguments: [classes]
defaults: {conv: {bias: false}}
blocks:
  tower:
    params: {width: int}
    body:
      - conv: {out: width, kernel: 3, stride: 2}
      - norm
      - act
stem:
  - {tower: {width: 4}, name: first, from: depth, as: deep}
  - {tower: {width: 6}, name: second, from: colour, as: bright}
  - {from: [bright, deep], merge: concat}
stages:
  - {block: basic, width: 8}
  - block: basic
    width: 8
    between:
      - {from: colour, avg_pool: {kernel: 2}, as: small}
      - {from: [layer1, small], merge: concat}
head:
  - {avg_pool: {kernel: 2}, from: depth, as: coarse}
  - {from: [layer2, coarse], merge: concat}
  - global_avg_pool
  - linear: {out: classes}
"""

TOWERS = """\
netspec: 1
name: towers
params: {side: 12}
input:
  right: {channels: 3, size: [side, side + 4]}
  left: {channels: 2, size: [8]}
  depth: {channels: 1, size: [5, 6, 7]}
blocks:
  tower:
    params: {width: int}
    body: [{conv: {out: width, kernel: 3}}, norm, act, global_avg_pool]
stem:
  - {tower: {width: 4}, as: one}
  - {tower: {width: 4}, from: left, as: two}
  - {tower: {width: 4}, from: depth, as: three}
head:
  - {from: [one, two, three], merge: mul, as: product}
  - {from: [product, one], merge: concat}
  - linear: {out: 3}
outputs: {logits: output, aux: {from: two, when: training}}
"""
"""Inputs of one, two and three axes, in another order than that of their names; an output for training."""

ONE = """\
netspec: 1
name: alone
input: {picture: {channels: 3, size: [8, 9]}}
stem: [{conv: {out: 4, kernel: 3, padding: same, stride: 2}}, relu]
"""
"""One input with a name."""

TEXTS = {"rgbd": RGBD, "towers": TOWERS, "one": ONE}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_all_models_agree(text: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    check(netspec.loads(text))


def test_source_takes_each_by_its_name() -> None:
    compiled = netspec.loads(RGBD)
    assert "def forward(self, colour: Tensor, depth: Tensor) -> Tensor:" in compiled.generate(
        "torch"
    )
    source = compiled.generate("keras")
    shapes = "colour_shape: {0} = (16, 24, 3), depth_shape: {0} = (16, 24, 1)"
    signature = f"{shapes.format('tuple[int | None, ...]')}, classes: int = 5,"
    assert f"def rgbd( {signature} )" in " ".join(source.split())
    assert 'keras.Model({"colour": colour, "depth": depth}, x, name="rgbd")' in source


def test_the_first_flows_into_the_stem() -> None:
    network = netspec.loads(TOWERS).network
    assert list(network.named_inputs) == ["right", "left", "depth"]
    assert network.main.source is network.named_inputs["right"]
    assert (network.source.shape, [v.type.rank for v in network.inputs]) == ((3, 12, 16), [2, 1, 3])


def torch_models() -> dict[str, Any]:
    compiled = netspec.loads(TOWERS)
    return {
        "live": compiled.build("torch"),
        "generated": import_source(compiled.generate("torch")).towers(),
    }


@pytest.mark.parametrize("kind", ["live", "generated"])
def test_torch_takes_inputs_in_order_or_by_name(kind: str) -> None:
    torch = pytest.importorskip("torch")
    model = torch_models()[kind].eval()
    inputs = inputs_of(netspec.loads(TOWERS).network, "float32")
    given = {name: torch.from_numpy(x) for name, x in inputs.items()}
    expected = model(*given.values())["logits"]
    for same in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(same(**dict(reversed(given.items())))["logits"], expected)
    right, left, depth = given.values()
    torch.testing.assert_close(model(right, depth=depth, left=left)["logits"], expected)
    for arguments, named in (
        ((right, left), {}),
        ((right, left, depth, depth), {}),
        ((right, left, depth), {"left": left}),
        ((right, left), {"deep": depth}),
    ):
        with pytest.raises(TypeError):
            model(*arguments, **named)


def test_what_a_model_gives_depends_on_every_input() -> None:
    network = netspec.loads(TOWERS).network
    weights, inputs = random_weights(network), inputs_of(network, "float64")
    expected = interpret(network, inputs, weights)["logits"]
    for name in inputs:
        changed = {**inputs, name: inputs[name] + 1}
        assert np.abs(interpret(network, changed, weights)["logits"] - expected).max() > 1e-3


def labels(network: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    inputs = inputs_of(network, "float32", batch=12)
    return inputs, np.arange(12) % 5


def test_torch_trains() -> None:
    torch = pytest.importorskip("torch")
    compiled = netspec.loads(RGBD)
    inputs, classes = labels(compiled.network)
    given = {name: torch.from_numpy(x) for name, x in inputs.items()}
    for model in (compiled.build("torch"), import_source(compiled.generate("torch")).rgbd()):
        optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
        losses = []
        for _ in range(8):
            loss = torch.nn.functional.cross_entropy(model(**given), torch.from_numpy(classes))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", ["live", "generated"])
def test_keras_trains_and_loads(kind: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    compiled = netspec.loads(RGBD)
    inputs, classes = labels(compiled.network)
    keras.utils.set_random_seed(0)
    if kind == "live":
        model = compiled.build("keras")
    else:
        model = import_source(compiled.generate("keras")).rgbd()
    model.compile(
        keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    given = {name: np.moveaxis(x, 1, -1) for name, x in inputs.items()}
    losses = model.fit(given, classes, epochs=8, batch_size=12, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(given), model(given), atol=1e-6)


def test_the_fingerprint_knows_names_and_order() -> None:
    turned = "input: {depth: {channels: 1, size: [16, 24]}, colour: {channels: 3, size: [16, 24]}}"
    texts = [RGBD, re.sub(r"input: .*", turned, RGBD), RGBD.replace("depth", "distance")]
    unnamed = ONE.replace("{picture: {channels: 3, size: [8, 9]}}", "{channels: 3, size: [8, 9]}")
    texts += [ONE, unnamed]
    found = [fingerprint(netspec.loads(text).network) for text in texts]
    assert len(set(found)) == len(texts)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("from: depth, as: deep", "from: dept, as: deep", "NS225"),
        ("as: deep}", "as: depth}", "NS224"),
        ("as: small", "as: depth", "NS224"),
        ("{block: basic, width: 8}", "{block: basic, width: 8, name: depth}", "NS224"),
        ("head:", "outputs: {raw: depth}\nhead:", "NS214"),
        ("depth: {channels: 1,", "depth: {channels: 0,", "NS213"),
        ("depth: {channels: 1,", "depth: {channels: 1.5,", "NS205"),
        ("depth: {channels: 1,", "depth: {chanels: 1,", "NS101"),
        ("depth: {channels: 1, size: [16, 24]}", "depth: {channels: 1}", "NS102"),
        ("depth: {channels: 1, size: [16, 24]}", "depth: 3", "NS103"),
        ("depth: {channels: 1, size: [16, 24]}", "depth: {channels: 1, size: 16}", "NS103"),
        ("}}\nparams", "}, more: {channels: 1, size: [2]}}\nparams", "NS409"),
        ("[16, 24]}}\nparams", "[16, 25]}}\nparams", "NS405"),
        *(("colour:", f"{name}:", "NS223") for name in ("x", "class", "stage", "classes")),
    ],
)
def test_what_is_refused_is_refused_at_its_place(old: str, new: str, code: str) -> None:
    assert old in RGBD
    with pytest.raises(NetspecError) as caught:
        netspec.loads(RGBD.replace(old, new, 1))
    found = {d.code: d for d in caught.value.diagnostics}
    assert code in found, str(caught.value)
    assert found[code].span is not None
    if code in ("NS101", "NS102", "NS103", "NS205", "NS213", "NS223", "NS409"):
        assert found[code].span.line == 3


def test_an_input_that_depends_on_a_kept_argument_gets_no_source() -> None:
    text = RGBD.replace("depth: {channels: 1,", "depth: {channels: twice,")
    compiled = netspec.loads(text.replace("arguments:", "let: {twice: classes * 2}\narguments:"))
    for backend in ("torch", "keras"):
        with pytest.raises(NetspecError, match="the size of an input depends on it here") as caught:
            compiled.generate(backend)
        assert {d.code for d in caught.value.diagnostics} == {"NS704"}


# Commands, and what they cannot do yet


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(TOWERS, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_build(backend: str, spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(backend)
    assert main(["build", spec, "--backend", backend]) == 0, capsys.readouterr().err
    assert "input right 3×12×16, left 2×8, depth 1×5×6×7" in capsys.readouterr().out


def test_summary(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", spec]) == 0
    assert "input right 3×12×16, left 2×8, depth 1×5×6×7" in capsys.readouterr().out
    found = netspec.loads(TOWERS).summary().to_json()
    assert found["inputs"] == {"right": [3, 12, 16], "left": [2, 8], "depth": [1, 5, 6, 7]}
    assert "inputs" not in netspec.load("resnet20").summary().to_json()


def verified(text: str, **options: Any) -> NetworkResult:
    return verify(netspec.loads(text).compilation, Options(**options), Origin("net.yaml"))


def failures(result: NetworkResult) -> list[str]:
    return [
        f"{w.name}, {level.level}: {failure.message}" for w, level, failure in result.failures()
    ]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_verify_compares_all_models(text: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    result = verified(text)
    assert failures(result) == []
    assert [witness.name for witness in result.witnesses] == [
        f"{backend} {kind}" for backend in ("torch", "keras") for kind in ("live", "generated")
    ]
    sizes = [note for note in result.notes if note.startswith("the inputs are of the spec's own")]
    assert len(sizes) == (text != ONE)


@pytest.mark.parametrize(
    ("backend", "old", "new", "expected"),
    [
        (
            "torch",
            "self.first(depth)",
            "self.first(depth.detach())",
            "training: input gradient differs",
        ),
        ("torch", "self.avgpool(colour)", "self.avgpool(colour * 2)", "forward: output differs"),
        ("keras", 'tower(depth, 4, name="first")', 'tower(-depth, 4, name="first")', "forward: "),
        (
            "keras",
            '{"colour": colour, "depth": depth}',
            '{"colour": colour, "deep": depth}',
            "shapes: ",
        ),
    ],
)
def test_verify_finds_a_mistake_with_one_of_them(
    backend: str, old: str, new: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(backend)
    original = witnesses.generate

    def wrong(*arguments: Any) -> str:
        source = original(*arguments)
        assert old in source
        return source.replace(old, new)

    monkeypatch.setattr(witnesses, "generate", wrong)
    (found, *_) = failures(verified(RGBD, backends=(backend,)))
    assert found.startswith(f"{backend} generated, {expected}")


def test_what_verify_cannot_do_with_them() -> None:
    pytest.importorskip("torch")
    with pytest.raises(UsageError, match="and references take one input alone so far"):
        verified(RGBD, reference="somewhere:model")
    with pytest.raises(UsageError, match="`rgbd` has several inputs, which are of the spec's"):
        verified(RGBD, size=(16, 32), backends=("torch",))


@pytest.mark.parametrize(("backend", "kind"), PAIRS)
def test_exports_say_that_they_cannot(backend: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"and {kind} gets networks of one input alone so far"):
        exported(netspec.loads(TOWERS).network, backend, kind, tmp_path)


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_other_sizes_are_refused(backend: str) -> None:
    pytest.importorskip(backend)
    compiled = netspec.loads(RGBD)
    compiled.build(backend, (16, 24))
    for size in ((16, 32), (None, None)):
        with pytest.raises(UsageError, match="`rgbd` has several inputs, which are of the spec's"):
            compiled.build(backend, size)


def test_a_backend_that_does_not_know_names_is_not_asked() -> None:
    compiled = netspec.loads(RGBD)
    with pytest.raises(UsageError, match="the fake backend takes networks of one input"):
        netspec.backends.base.check_network(FakeBackend(), compiled.network)


def test_what_is_made_for_inputs() -> None:
    assert for_inputs(netspec.load("resnet20").network, len) == 3
    assert for_inputs(netspec.loads(TOWERS).network, len) == {"right": 3, "left": 2, "depth": 4}
    assert get_backend("torch").takes_named_inputs
