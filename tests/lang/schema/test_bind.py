"""From a document to a spec of which every part knows its place."""

from __future__ import annotations

import pytest

from netspec.lang.schema import syntax
from netspec.lang.schema.bind import bind_block_file, bind_spec, bind_steps
from netspec.lang.schema.fields import PaddingValue, Word
from netspec.lang.schema.syntax import Spec, Step
from netspec.lang.source import SpanTree, parse

TEXT = """\
netspec: 1
name: n
title: Net
doc: A network.
params:
  w: 4
  d: [1, 2]
  kind: {type: block, default: basic, doc: which block}
  r: int
let: {u: w * 2}
arguments: [w]
default: a
variants:
  a: {w: 8, r: 1}
  b:
input: {channels: 3, size: [8, u]}
defaults:
  conv: {bias: false}
  norm: group_norm
blocks:
  b: {label: unit, inline: true, params: {s: steps}, body: [s]}
stem: relu
stages:
  {block: b, repeat: 2, stride: 2, w: w, first: {w: 1}}
head:
  - {sequence: [relu], name: s}
  - {from: [a, b], merge: concat, as: c}
outputs: {x: layer1}
"""


@pytest.fixture(scope="module")
def spec() -> Spec:
    return bind_spec(parse(TEXT, "f.yaml"))


def test_names_and_texts(spec: Spec) -> None:
    assert (spec.name, spec.title, spec.doc, spec.default) == ("n", "Net", "A network.", "a")
    assert str(spec.arguments["w"]) == "f.yaml:11:13"
    assert spec.outputs["x"].result == "layer1"


def test_parameters(spec: Spec) -> None:
    found = {name: (p.type, p.default and p.default.value) for name, p in spec.params.items()}
    assert found == {
        "w": ("int", 4),
        "d": ("list[int]", [1, 2]),
        "kind": ("block", "basic"),
        "r": ("int", None),
    }
    assert spec.params["kind"].doc == "which block"
    assert str(spec.params["d"].span) == "f.yaml:7:3"
    assert spec.params["kind"].default is not None
    assert str(spec.params["kind"].default.span) == "f.yaml:8:32"


def test_variants(spec: Spec) -> None:
    assert {name: list(values) for name, values in spec.variants.items()} == {
        "a": ["w", "r"],
        "b": [],
    }
    assert str(spec.variants["a"]["r"].span) == "f.yaml:14:16"
    assert str(spec.variants["a"]["r"].key_span) == "f.yaml:14:13"


def test_expressions_know_their_place(spec: Spec) -> None:
    assert str(spec.let["u"].span) == "f.yaml:10:10"
    assert str(spec.size[1].span) == "f.yaml:16:32"
    assert str(spec.stages[0].repeat.span) == "f.yaml:24:22"


def test_one_step_or_stage_needs_no_list(spec: Spec) -> None:
    assert len(spec.stem) == len(spec.stages) == 1
    assert isinstance(spec.stem[0].action, syntax.OpAction)


def test_a_stage_keeps_its_own_keys_apart(spec: Spec) -> None:
    (stage,) = spec.stages
    assert (stage.block, stage.block_name, stage.stride_at) == ("b", "{index}", "first")
    assert list(stage.arguments) == ["w"]
    assert stage.stride is not None
    assert stage.stride.value == 2
    assert {**stage.first}.keys() == {"w"}


def test_defaults_and_roles(spec: Spec) -> None:
    assert list(spec.defaults.attributes) == ["conv"]
    assert list(spec.defaults.attributes["conv"]) == ["bias"]
    assert list(spec.defaults.roles) == ["norm"]


def test_blocks(spec: Spec) -> None:
    block = spec.blocks["b"]
    assert (block.name, block.label, block.inline) == ("b", "unit", True)
    (step,) = block.body
    assert isinstance(step.action, syntax.CallAction)
    assert step.action.target == "s"


def test_what_stands_beside_the_action(spec: Spec) -> None:
    sequence, taking = spec.head
    assert sequence.name == "s"
    assert (taking.inputs, taking.merge, taking.result) == (("a", "b"), "concat", "c")
    assert isinstance(taking.action, syntax.PassAction)


def step(text: str) -> Step:
    document = parse(text)
    (found,) = bind_steps(document.data, document.spans)
    return found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("relu", syntax.OpAction),
        ("relu:", syntax.OpAction),
        ("conv: {out: 4, kernel: 3}", syntax.OpAction),
        ("basic: {width: 3}", syntax.CallAction),
        ("norm", syntax.CallAction),
        ("residual: {body: [relu]}", syntax.ResidualAction),
        ("gate: {body: [relu]}", syntax.GateAction),
        ("concat: {body: [relu]}", syntax.ConcatAction),
        ("branches: {a: [relu], b: []}", syntax.BranchesAction),
        ("repeat: {times: 2, body: [relu]}", syntax.RepeatAction),
        ("when: {test: true, then: relu}", syntax.WhenAction),
        ("sequence: [relu]", syntax.SequenceAction),
        ("from: a", syntax.PassAction),
    ],
)
def test_every_kind_of_step(text: str, kind: type) -> None:
    assert type(step(text).action) is kind


def test_numbers_name_layers() -> None:
    assert step("{relu: {}, name: 7}").name == "7"


def test_paddings_keep_their_places() -> None:
    action = step("conv: {out: 4, kernel: 3, padding: [1, [0, w]]}").action
    assert isinstance(action, syntax.OpAction)
    padding = action.attributes["padding"]
    assert isinstance(padding, PaddingValue)
    assert str(padding.pads[1].items[1].span) == "<string>:1:44"


def test_words_keep_their_places() -> None:
    action = step("gelu: {approximate: {param: how}}").action
    assert isinstance(action, syntax.OpAction)
    word = action.attributes["approximate"]
    assert isinstance(word, Word)
    assert str(word.span) == "<string>:1:21"


def test_a_block_file() -> None:
    document = parse("block: b\ndoc: d\nparams: {w: 1}\nlet: {v: w}\nbody: [relu]\n", "b.yaml")
    block = bind_block_file(document)
    assert (block.name, block.label, block.doc, list(block.params), list(block.let)) == (
        "b",
        "b",
        "d",
        ["w"],
        ["v"],
    )
    assert str(block.name_span) == "b.yaml:1:8"


def test_steps_without_places() -> None:
    found = bind_steps(["relu", {"conv": {"out": 4, "kernel": 3}}], SpanTree(parse("a").spans.span))
    assert len(found) == 2
