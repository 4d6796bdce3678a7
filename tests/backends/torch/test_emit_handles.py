"""Source with the handles of timm's models: equal to the live model's, and the same network as without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netspec.api import CompiledNetwork, generate_family, loads
from netspec.codegen.frame import read_origin
from netspec.codegen.identifiers import safe_identifier
from netspec.errors import UsageError
from netspec.family import members_of
from tests.contract.command import netspec_command
from tests.support.generated import import_source, style_problems
from tests.support.zoo import SHRUNK
from tests.test_family import small

HEAD = "netspec: 1\nname: small\ninput: {channels: 4, size: [9, 12]}\n"
STEM = (
    "stem: [{conv: {out: 6, kernel: 3, stride: 2}, as: low}, {max_pool: {kernel: 2}, as: lower}]\n"
)
END = "head: [global_avg_pool, dropout, {linear: {out: 3, init: {constant: 0.5}}}]\n"
TAPPED = HEAD + STEM + END + "outputs: {early: low, late: lower}\n"
SOFTMAX = HEAD + STEM + END.replace("}}}]", "}}}, softmax]")
CONTAINED = (
    HEAD
    + """\
stem: [{name: features.0, conv: {out: 6, kernel: 3, stride: 2}, as: low}, {name: features.1, act: {}}]
head:
  - name: head
    sequence:
      - {name: pool, global_avg_pool: {}}
      - dropout
      - {name: fc, linear: {out: 3, init: {constant: 0.5}}}
outputs: {early: low}
"""
)
NESTED = (
    HEAD
    + STEM
    + """\
head: [{name: head.fc, sequence: [global_avg_pool, {linear: {out: 3}}]}]
"""
)
FAMILY = (
    HEAD
    + """\
params: {width: 6, num_features: 2, bias: true, std: 0.5, stride: 2, softmax: false, classes: 3}
arguments: [classes]
blocks:
  row:
    params: {out: int, num_features: 1}
    body: [{conv: {out: out, kernel: 3, groups: num_features}}, relu]
stem: [{conv: {out: width, kernel: 3, stride: stride}, as: low}, {max_pool: {kernel: 2}, as: lower}]
stages:
  - {block: row, out: width, num_features: num_features}
  - {block: row, out: width * 2, num_features: num_features, repeat: 2}
  - {block: row, out: width * 4, num_features: num_features}
head:
  - global_avg_pool
  - {linear: {out: classes, bias: bias, init: {normal: std}}}
  - when: {test: softmax, then: [softmax]}
outputs: {early: low, late: lower}
default: small
variants: {small: {}, wide: {width: 8}, alone: {num_features: 1}, VARIANT}
"""
)
TRAINED = HEAD + STEM + END + "outputs: {early: {from: low, when: training}}\n"


def source_of(compiled: CompiledNetwork) -> str:
    return compiled.generate("torch", handles="timm")


def pair_of(compiled: CompiledNetwork) -> tuple[Any, Any]:
    """The live model, and the generated one with its weights, in evaluation."""
    live = compiled.build("torch").eval()
    made = getattr(import_source(source_of(compiled)), compiled.name)().eval()
    made.load_state_dict(live.state_dict())
    return live, made


def agree(live: Any, made: Any, compiled: CompiledNetwork) -> None:
    """Hold the handles of a generated model, which has the weights of a live one, against the live one's."""
    x = torch.randn(2, *compiled.network.source.shape)
    features = made.forward_features(x)
    torch.testing.assert_close(features, live.forward_features(x))
    for pre_logits in (False, True):
        expected = live.forward_head(features, pre_logits)
        torch.testing.assert_close(made.forward_head(features, pre_logits), expected)
    torch.testing.assert_close(made(x), live(x))
    for attribute in ("num_classes", "num_features", "in_channels", "in_chans"):
        assert getattr(made, attribute) == getattr(live, attribute)
    assert getattr(made, "feature_info", []) == live.feature_info
    if live.feature_info:
        maps = made.forward_intermediates(x, intermediates_only=True)
        torch.testing.assert_close(maps, live.forward_intermediates(x, intermediates_only=True))
    torch.testing.assert_close(torch.jit.script(made)(x), live(x))


# IResNet ends in a norm, which no handle exchanges.
@pytest.mark.parametrize("name", [s.name for s in SHRUNK if not s.heavy and s.name != "iresnet50"])
def test_they_are_the_live_models(name: str) -> None:
    compiled = next(shrunk for shrunk in SHRUNK if shrunk.name == name).compiled()
    live, made = pair_of(compiled)
    assert [*made.state_dict()] == [*live.state_dict()]
    agree(live, made, compiled)


def check_members(network: CompiledNetwork) -> int:
    """Hold every member of a family against its live model; how many classes the members are."""
    module = import_source(generate_family(network, "torch", handles="timm"))
    classes = set()
    for member in members_of(network):
        function = getattr(module, safe_identifier(member.name))
        live, made = member.build("torch").eval(), function().eval()
        made.load_state_dict(live.state_dict())
        agree(live, made, member)
        made.reset_classifier(7)
        assert made.get_classifier().out_features == made.num_classes == 7
        classes.add(type(made))
    return len(classes)


@pytest.mark.parametrize(
    ("file", "classes"), [("resnet", 1), ("densenet", 1), ("efficientnet", 1), ("regnet", 1)]
)
def test_so_have_families(file: str, classes: int) -> None:
    assert check_members(small(file)) == classes


@pytest.mark.parametrize(
    ("variant", "classes"),
    [
        ("more: {width: 4}", 1),
        ("other: {bias: false}", 2),
        ("other: {std: 0.25}", 2),
        ("other: {stride: 1}", 2),
        ("other: {softmax: true}", 2),
    ],
)
def test_what_one_class_cannot_tell_is_several(variant: str, classes: int) -> None:
    network = loads(FAMILY.replace("VARIANT", variant))
    assert check_members(network) == classes


def test_a_family_has_handles_if_all_its_members_do() -> None:
    text = FAMILY.replace("VARIANT", "bare: {bias: false}")
    linear = "{linear: {out: classes, bias: bias, init: {normal: std}}}"
    text = text.replace(linear, f"when: {{test: bias, then: [{linear}]}}")
    with pytest.raises(UsageError, match="bare has no handles: it does not end in a linear layer"):
        generate_family(loads(text), "torch", handles="timm")


def test_a_classifier_starts_by_its_own_number_of_classes() -> None:
    text = FAMILY.replace("VARIANT", "").replace("normal: std", "uniform: classes ** -2")
    source = generate_family(loads(text), "torch", handles="timm")
    model = import_source(source).wide()
    model.reset_classifier(40)
    assert model.get_classifier().weight.abs().max() <= 1 / 1600
    text = text.replace("classes ** -2", "1 / width")
    with pytest.raises(UsageError, match="how `fc` starts is an argument"):
        loads(text.replace("[classes]", "[classes, width]")).generate("torch", handles="timm")


def test_a_classifier_starts_by_the_features_of_its_member() -> None:
    text = FAMILY.replace("VARIANT", "").replace(
        "normal: std", "variance_scaling: {scale: 0.001, distribution: uniform}"
    )
    module = import_source(generate_family(loads(text), "torch", handles="timm"))
    for name, features in (("small", 24), ("wide", 32)):
        model = getattr(module, name)()
        model.reset_classifier(200)
        found = model.get_classifier().weight.abs().max().item()
        assert found == pytest.approx((0.003 / features) ** 0.5, rel=0.02)


@pytest.mark.parametrize("text", [HEAD + STEM + END, TAPPED, TRAINED, CONTAINED])
def test_a_new_classifier(text: str) -> None:
    _, made = pair_of(loads(text))
    x = torch.randn(2, 4, 9, 12)
    made.reset_classifier(7)
    assert made.num_classes == 7
    assert torch.equal(made.get_classifier().weight, torch.full((7, 6), 0.5))
    found = made(x)
    assert (found if isinstance(found, torch.Tensor) else found["output"]).shape == (2, 7)
    made.reset_classifier(0)
    assert isinstance(made.get_classifier(), nn.Identity)
    torch.testing.assert_close(
        made.forward_head(made.forward_features(x)), made.forward_features(x).mean((2, 3))
    )


def test_a_classifier_that_something_stands_behind_is_not_left_out() -> None:
    source = source_of(loads(SOFTMAX))
    assert "nn.Identity" not in source


@pytest.mark.parametrize("text", [TAPPED, CONTAINED])
def test_taps(text: str) -> None:
    live, made = pair_of(loads(text))
    x = torch.randn(2, 4, 9, 12)
    assert made.feature_info == live.feature_info
    (last, maps), (own, ours) = made.forward_intermediates(x), live.forward_intermediates(x)
    assert torch.equal(last, own)
    assert all(map(torch.equal, maps, ours))
    assert len(made.forward_intermediates(x, intermediates_only=True)) == len(ours)


def test_the_text_is_in_style() -> None:
    texts = (HEAD + STEM + END, TAPPED, SOFTMAX, TRAINED, CONTAINED)
    sources = {f"handles{number}": source_of(loads(text)) for number, text in enumerate(texts)}
    assert style_problems(sources) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + STEM, "does not end in a linear layer behind a pooling"),
        (
            HEAD
            + STEM
            + END.replace("global_avg_pool", "{global_avg_pool: {}, name: num_classes}"),
            "a layer is called `num_classes`",
        ),
        (NESTED, "its head stands in a container"),
    ],
)
def test_what_has_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        source_of(loads(text))


def test_no_others_are_known() -> None:
    with pytest.raises(UsageError, match="torch has no handles called `keras`; it has `timm`"):
        loads(HEAD + STEM + END).generate("torch", handles="keras")
    with pytest.raises(UsageError, match="keras has no handles called `timm`"):
        loads(HEAD + STEM + END).generate("keras", handles="timm")


def test_a_file_is_written_again_with_them(tmp_path: Path) -> None:
    spec, target = tmp_path / "small.yaml", tmp_path / "small.py"
    spec.write_text(HEAD + STEM + END, encoding="utf-8")
    command = ("generate", spec, "--backend", "torch", "--handles", "timm")
    assert netspec_command(*command, "-o", target).status == 0
    text = target.read_text(encoding="utf-8")
    origin = read_origin(text)
    assert origin is not None
    assert origin.handles == "timm"
    assert netspec_command("regenerate", "--check", target).status == 0
    assert netspec_command(*command, "--check", target).status == 0
    spec.write_text(HEAD + STEM.replace("out: 6", "out: 8") + END, encoding="utf-8")
    assert netspec_command("regenerate", target).status == 0
    assert "def reset_classifier" in target.read_text(encoding="utf-8")


def test_so_is_a_file_of_all_variants(tmp_path: Path) -> None:
    spec, target = tmp_path / "small.yaml", tmp_path / "small.py"
    spec.write_text(FAMILY.replace("VARIANT", ""), encoding="utf-8")
    command = ("generate", spec, "--backend", "torch", "--all-variants", "--handles", "timm")
    assert netspec_command(*command, "-o", target).status == 0
    assert netspec_command("regenerate", "--check", target).status == 0
    assert netspec_command(*command, "--check", target).status == 0
    spec.write_text(FAMILY.replace("VARIANT", "more: {width: 4}"), encoding="utf-8")
    assert netspec_command(*command, "--check", target).status == 1
    assert netspec_command("regenerate", target).status == 0
    text = target.read_text(encoding="utf-8")
    assert text.count("def reset_classifier") == 1
    assert "def more(" in text
