"""Published names: the rules of the zoo against what the references really call their layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from netspec import api
from netspec.errors import NetspecError, UsageError
from netspec.ir.fingerprint import fingerprint
from netspec.lang import library
from netspec.lang.schema.patterns import match
from netspec.lang.schema.syntax import Checkpoint
from netspec.weights.checkpoints.naming import naming_called, namings_called
from netspec.weights.published import published_names, renamed
from tests.contract.reference import CASES, FOLDER, Case, layers_of
from tests.support.zoo import zoo_compiled, zoo_spec

EXTRA = ".num_batches_tracked"


def entry_of(case: Case) -> Checkpoint | None:
    checkpoints = zoo_spec(library.zoo_variants()[case.zoo][0]).checkpoints
    return next(iter(checkpoints.values()), None)  # those of others stand behind


PUBLISHED = [case for case in CASES if entry_of(case) is not None]


def test_every_family_with_a_reference_has_an_entry() -> None:
    without = {library.zoo_variants()[case.zoo][0] for case in CASES if entry_of(case) is None}
    assert without == {"plain"}  # nobody publishes weights of the plain networks


@pytest.mark.parametrize("case", PUBLISHED, ids=str)
def test_names_and_shapes_are_the_references_recorded_ones(case: Case) -> None:
    """Every tensor of the reference, as it was recorded from it, and no other."""
    program = zoo_compiled(case.zoo, case.overrides).compilation
    entry = entry_of(case)
    assert entry is not None
    naming = naming_called(program, entry.name)
    recorded = json.loads((FOLDER / "keys" / f"{case.reference}.json").read_text())
    ours = {name: list(slot.shape) for name, slot in naming.slots.items()}
    ours |= {name: [] for name in naming.extras}
    assert ours == recorded


@pytest.mark.parametrize("case", [case for case in PUBLISHED if not case.heavy], ids=str)
def test_they_are_the_names_that_the_tests_know_otherwise(case: Case) -> None:
    network, entry = case.compiled().network, entry_of(case)
    assert entry is not None
    assert published_names(network, entry) == case.names(layers_of(case.state()))


def spec(checkpoints: str) -> api.CompiledNetwork:
    return api.loads(
        f"""
netspec: 1
name: net
input: {{channels: 3, size: [8, 9]}}
stem: [{{conv: {{out: 4, kernel: 3}}}}, norm]
stages:
  - {{block: basic, width: 4, repeat: 2}}
  - {{block: basic, width: 8, repeat: 3, stride: 2}}
head: [global_avg_pool, {{linear: {{out: 2}}}}]
checkpoints:
  theirs: {checkpoints}
"""
    )


def names(layers: dict[str, str]) -> dict[str, str]:
    compiled = spec(json.dumps({"framework": "torch", "layers": layers}))
    return published_names(compiled.network, compiled.compilation.spec.checkpoints["theirs"])


REST = {"{word}1": "stem.{word}", "fc": "head"}


def test_expressions_see_the_parts_and_the_place() -> None:
    found = names(
        {
            "layer{n}.{b}.downsample.{i}": "down_{stage}_{i}",
            "layer{n}.{b}.{layer}": "{n * 10}.{b}.{stage}.{index}.{count}.{running_index}.{total}.{layer}",
            **REST,
        }
    )
    assert found["layer2.2.conv1"] == "20.2.1.2.3.4.5.conv1"
    assert found["layer1.1.bn2"] == "10.1.0.1.2.1.5.bn2"
    assert found["layer2.0.downsample.1"] == "down_1_1"
    assert found["conv1"] == "stem.conv"


def test_a_part_is_a_number_only_where_it_is_written_as_one() -> None:
    assert match("conv{n}", "conv1") == {"n": 1}
    assert match("conv{n}", "conv01") == {"n": "01"}
    assert match("conv{n}", "conv1a") == {"n": "1a"}
    assert match("conv{n}", "conv1.2") is None
    assert match("{a}.{b}", "x.y") == {"a": "x", "b": "y"}
    assert match("conv{n}", f"conv{'9' * 30}") == {"n": "9" * 30}


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ({"fc": "head"}, "has no name for `conv1`"),
        (
            {"{a}": "x", "layer{n}.{b}.{l}": "a", "{a}.{b}.{c}.{d}": "b"},
            "calls both `conv1` and `bn1` `x`",
        ),
        ({"conv1": "{n}"}, "unknown name `n`"),
        ({"conv1": "{1 / 2}"}, "must be a number or a text"),
        ({"conv1": "{stage}"}, "unknown name `stage`"),
        ({"conv1": "a{"}, "unbalanced braces"),
    ],
)
def test_wrong_names_say_so_where_they_stand(layers: dict[str, str], said: str) -> None:
    with pytest.raises(NetspecError) as caught:
        names(layers)
    assert said in str(caught.value)
    assert "<string>:" in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("conv{", "is no pattern"),
        ("conv}", "is no pattern"),
        ("conv{1}", "is no pattern"),
        ("{a}.{a}", "names two parts alike"),
        ("{a}{b}", "touch"),
        ("{a}-{b}-{c}-{d}", "more than 3 parts"),
        ("layer{stage}", "hides `stage`"),
    ],
)
def test_wrong_patterns_are_found_with_the_spec(pattern: str, said: str) -> None:
    with pytest.raises(NetspecError) as caught:
        names({pattern: "a"})
    assert "error[NS610]" in str(caught.value)
    assert said in str(caught.value)


def test_a_pattern_that_could_try_forever_does_not() -> None:
    path = ".".join(["a" * 60] * 3)
    pattern = ".".join(f"{{{x}a}}a{{{x}b}}a{{{x}c}}b" for x in "xyz")
    assert match(pattern, path) is None


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ({"conv": "conv2d"}, "has no name for `bn1`"),
        ({"convv": "conv2d"}, "did you mean `conv`"),
    ],
)
def test_counting_needs_a_label_for_every_op(counted: dict[str, str], said: str) -> None:
    compiled = spec(json.dumps({"framework": "keras", "counted": counted}))
    with pytest.raises(NetspecError) as caught:
        published_names(compiled.network, compiled.compilation.spec.checkpoints["theirs"])
    assert said in str(caught.value)


def test_counts_that_went_on_from_another_model_start_anew() -> None:
    """Keras counts per process, so the second model of one begins at conv2d_5, say."""
    counted: dict[str, Any] = {
        "conv": "conv2d",
        "batch_norm": "batch_normalization",
        "linear": "dense",
    }
    compiled = spec(json.dumps({"framework": "keras", "counted": counted}))
    naming = naming_called(compiled.compilation, "theirs")
    given = ["conv2d_9/kernel", "conv2d_11/kernel", "conv2d_10/kernel", "dense_3/bias", "other_4/x"]
    assert list(naming.normalised(given).values()) == [
        "conv2d/kernel",
        "conv2d_2/kernel",
        "conv2d_1/kernel",
        "dense/bias",
        "other_4/x",
    ]


def test_other_names_leave_the_network_as_it_is() -> None:
    plain, named = spec("{framework: torch}"), spec("{framework: torch, layers: {fc: x}}")
    assert fingerprint(plain.network) == fingerprint(named.network)
    again = renamed(plain.network, {}, shortcut_first=True)
    assert [node.path for node in again.nodes] == [node.path for node in plain.network.nodes]
    paths = [layer.path for layer in renamed(plain.network, {"fc": "x.y"}, False).layers]
    assert paths == ["x.y" if layer.path == "fc" else layer.path for layer in plain.network.layers]


def test_labels_are_backends_or_entries() -> None:
    program = spec("{framework: torch, layers: {}}").compilation
    assert [n.label for n in namings_called(program, None)] == ["keras", "torch", "theirs"]
    assert [n.label for n in namings_called(program, "torch")] == ["torch", "theirs"]
    assert [n.label for n in namings_called(program, "theirs")] == ["theirs"]
    with pytest.raises(UsageError, match="did you mean `torch`"):
        namings_called(program, "toch")
    with pytest.raises(UsageError, match="no backend is called `jax`"):
        namings_called(spec("{framework: jax}").compilation, "theirs")


TENSORS = """
  theirs:
    framework: torch
    layers: {"{layer}": "{layer}"}
    tensors:
      factors.weight: gamma
      fc.weight: {name: head.kernel, shape: [-1, 3, 1, 1]}
"""
WITH_FACTORS = """
netspec: 1
name: small
input: {channels: 3, size: [8, 8]}
stem: [{name: factors, scale: {}}]
head: [global_avg_pool, {linear: {out: 5}}]
checkpoints:
"""


def test_single_parameters_have_names_and_shapes_of_their_own(tmp_path: Path) -> None:
    network = api.loads(WITH_FACTORS + TENSORS)
    naming = naming_called(network.compilation, "theirs")
    assert {name: slot.shape for name, slot in naming.slots.items()} == {
        "gamma": (3,),
        "head.kernel": (5, 3, 1, 1),
        "fc.bias": (5,),
    }
    model = network.build("torch")
    file, back = tmp_path / "theirs.pt", tmp_path / "ours.pt"
    network.save_weights(model, file, target="theirs")
    saved = torch.load(file, weights_only=True)
    assert {name: tuple(tensor.shape) for name, tensor in saved.items()} == {
        "gamma": (3,),
        "head.kernel": (5, 3, 1, 1),
        "fc.bias": (5,),
    }
    api.convert(network, file, back, source="theirs", target="torch")
    ours = torch.load(back, weights_only=True)
    assert all(torch.equal(ours[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("nothing.weight: gamma", "no parameter is called `nothing.weight`"),
        ("fc.weight: {name: k, shape: [3, 5]}", "only axes of length 1 may differ"),
        ("fc.weight: {name: k, shape: [-1, -1]}", "only axes of length 1 may differ"),
        ("fc.weight: {shape: [5, 3]}", "missing|`name`"),
    ],
)
def test_wrong_tensors(entry: str, message: str) -> None:
    def slots() -> object:
        text = f"{WITH_FACTORS}  theirs: {{framework: torch, tensors: {{{entry}}}}}\n"
        return naming_called(api.loads(text).compilation, "theirs").slots

    with pytest.raises((NetspecError, UsageError), match=message):
        slots()
