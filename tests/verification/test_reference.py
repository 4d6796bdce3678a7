"""Models from elsewhere as witnesses: keys, order, shapes, and numbers with their own weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netspec.errors import UsageError
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from tests.contract.torchvision_shim import import_torchvision
from tests.support.zoo import zoo_compiled
from tests.verification.specs import spec

pytest.importorskip("keras")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that netspec runs in, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


def held(name: str, target: str, backend: str = "torch") -> NetworkResult:
    options = Options(backends=(backend,), reference=target)
    return verify(spec(name).compilation, options, Origin(f"{name}.yaml"))


def messages(result: NetworkResult) -> list[str]:
    return [failure.message for _, _, failure in result.failures()]


def write(folder: Path, module: str, backend: str, *changes: tuple[str, str]) -> None:
    """Generated source of a small network as a module of the user's, with changes."""
    text = spec("residual").generate(backend)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / f"{module}.py").write_text(text)


def test_an_equal_model_is_one_more_witness(folder: Path) -> None:
    write(folder, "equal_model", "torch")
    result = held("residual", "equal_model:residual")
    assert messages(result) == []
    reference = result.witnesses[-1]
    assert reference.name == "reference equal_model:residual"
    quantities = {m.quantity for level in reference.levels for m in level.measures}
    assert {"output", "own weights", "weight gradient", "statistics"} <= quantities
    assert any("called as ours" in note for note in result.notes)


@pytest.mark.parametrize(
    ("change", "level", "said"),
    [
        (("self.bn2(self.conv2(y))", "self.conv2(y)"), "forward", "what enters `layer1.0.relu2`"),
        (("dim=1", "dim=0"), "forward", "`softmax` (softmax) is the first layer that differs"),
        (("nn.BatchNorm2d(12)\n", "nn.BatchNorm2d(12, momentum=0.2)\n"), "training", "statistics"),
        (
            ("Conv2d(6, 3, kernel_size=1, bias=False", "Conv2d(6, 3, kernel_size=1"),
            "shapes",
            "bias 3",
        ),
    ],
)
def test_what_is_unlike_is_said(
    folder: Path, change: tuple[str, str], level: str, said: str
) -> None:
    write(folder, "unlike", "torch", change)
    ((witness, found, failure),) = held("residual", "unlike:residual").failures()
    assert witness.name == "reference unlike:residual"
    assert found.level == level
    assert said in failure.message


DROPOUT = "nn.Dropout(0.25)"


@pytest.mark.parametrize(
    ("backend", "changes", "said"),
    [
        (
            "torch",
            [(DROPOUT, "nn.Dropout(0.5)")],
            "`dropout` drops at 0.5; the spec says 0.25",
        ),
        (
            "torch",
            [("self.dropout", "self.drop"), (DROPOUT, "nn.AlphaDropout(0.5)")],
            "`drop` drops at 0.5; nothing in the spec does",
        ),
        (
            "keras",
            [("layers.Dropout(0.25", "layers.AlphaDropout(0.125")],
            "`dropout` drops at 0.125; the spec says 0.25",
        ),
    ],
)
def test_another_rate_of_dropping(
    folder: Path, backend: str, changes: list[tuple[str, str]], said: str
) -> None:
    write(folder, "dropping", backend, *changes)
    ((_, level, failure),) = held("residual", "dropping:residual", backend).failures()
    assert (level.level, failure.message) == ("shapes", said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], None),
        (
            [("self.dropout", "self.drop")],
            "the rates of what drops at random were compared as a whole, since its layers have other names",
        ),
        (
            [(DROPOUT, "nn.Identity()")],
            "no layer that drops at 0.25, as the spec does, can be seen in it; a function may do so, and "
            "was not compared",
        ),
    ],
)
def test_what_drops_unseen_is_a_note(
    folder: Path, changes: list[tuple[str, str]], said: str | None
) -> None:
    write(folder, "dropped", "torch", *changes)
    result = held("residual", "dropped:residual")
    assert messages(result) == []
    told = [note for note in result.notes if "drops at" in note]
    assert told == ([] if said is None else [f"reference dropped:residual: {said}"])


def test_drop_paths_of_others_are_known_by_their_class() -> None:
    """timm's and torchvision's; a rate that is no number, as of one that is switched off, is none."""
    from torch import nn

    from netspec.backends.torch.probe import TorchProbe

    model = nn.ModuleDict()
    for name, kind, attributes in (
        ("timm", "DropPath", {"drop_prob": 0.1}),
        ("torchvision", "StochasticDepth", {"p": 0.2, "mode": "row"}),
        ("off", "DropPath", {"drop_prob": None}),
        ("other", "Shake", {"p": 0.3}),
    ):
        model[name] = type(kind, (nn.Module,), attributes)()
    assert TorchProbe().drop_rates(model) == {"timm": 0.1, "torchvision": 0.2}


def test_another_order_of_registration(folder: Path) -> None:
    first = "        self.conv1 = nn.Conv2d(6, 6, kernel_size=3, padding=1, bias=False)\n"
    second = "        self.bn1 = nn.BatchNorm2d(6)\n"
    write(folder, "reordered", "torch", (first + second, second + first))
    """No number depends on it; what does is said."""
    result = held("residual", "reordered:residual")
    assert result.passed
    (note,) = (note for note in result.notes if "another order" in note)
    assert note == (
        "reference reordered:residual lists its weights in another order: `layer1.0.bn1.weight` stands "
        "where `layer1.0.conv1.weight` does in the spec"
    )


def test_its_own_weights_are_compared(folder: Path) -> None:
    """A model whose first output is another: that with the weights that it came with."""
    write(
        folder,
        "own",
        "torch",
        ("class Residual(nn.Module):\n", f"class Residual(nn.Module):\n{FIRST_IS_OTHER}"),
        ("x = self.softmax(self.fc(x))", "x = self.once(self.softmax(self.fc(x)))"),
    )
    ((_, level, failure),) = held("residual", "own:residual").failures()
    assert level.level == "forward"
    assert failure.message.startswith("own weights")


FIRST_IS_OTHER = """\
    seen = False

    def once(self, x):
        y = x if self.seen else 2 * x
        self.seen = True
        return y

"""


def test_layers_of_other_names_are_matched_in_order(folder: Path) -> None:
    write(folder, "renamed_layers", "keras", ('f"{name}_conv', 'f"{name}_c'), ('"fc"', '"classes"'))
    result = held("residual", "renamed_layers:residual", "keras")
    assert messages(result) == []
    assert any("matched by order and shape" in note for note in result.notes)


def test_torchvisions_network() -> None:
    import_torchvision()
    program = zoo_compiled("resnet18", size=(48, 64)).compilation
    options = Options("forward", ("torch",), None, "torchvision.models:resnet18")
    result = verify(program, options, Origin("resnet18"))
    assert messages(result) == []
    other = Options("shapes", ("torch",), None, "torchvision.models:resnet34")
    (message,) = messages(verify(program, other, Origin("resnet18")))
    assert "`layer1.2.conv1` holds weight 64×64×3×3" in message


@pytest.mark.slow
def test_keras_applications_network() -> None:
    program = zoo_compiled("resnet50_keras").compilation
    options = Options(backends=("keras",), reference="keras.applications:ResNet50")
    result = verify(program, options, Origin("resnet50_keras"))
    assert messages(result) == []
    assert any("checkpoint `keras_applications`" in note for note in result.notes)


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("", "user", "expected module:callable"),
        ("", "user:", "expected module:callable"),
        ("", "nowhere_at_all:net", "cannot import `nowhere_at_all`: ModuleNotFoundError"),
        ("1 +", "user:net", "cannot import `user`: SyntaxError"),
        ("def network(): ...", "user:netwrok", "`user` has no `netwrok`; did you mean `network`?"),
        ("net = 3", "user:net", "is a int, nothing to call"),
        ("def net(): raise KeyError('x')", "user:net", "it failed: KeyError: 'x'"),
        ("def net(): return 3", "user:net", "no backend knows a model of type int"),
        ("def net(a): ...", "user:net", "it failed: TypeError"),
        ("import keras\ndef net(): return keras.Sequential()", "user:net", "keras takes no part"),
    ],
)
def test_bad_targets(folder: Path, text: str, target: str, said: str) -> None:
    (folder / "user.py").write_text(text + "\n")
    with pytest.raises(UsageError) as caught:
        held("residual", target)
    assert said in str(caught.value)


def test_a_binary_that_does_not_fit_torch_is_named_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where torchvision was made for CUDA and torch for the CPU."""
    monkeypatch.chdir(tmp_path)
    name = "module_with_an_operator"
    text = "raise RuntimeError('operator torch::nowhere does not exist')\n"
    (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(UsageError) as caught:
        verify(spec("ops").compilation, Options(reference=f"{name}:net"), Origin("ops.yaml"))
    assert "the binary of torch " in str(caught.value)
    assert "install both from one index, such as `pip install --force-reinstall torch" in str(
        caught.value
    )
