"""Formulas: noted once for each place in the text, they give the number at every instance of it."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, note, reject

import netspec
from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.ir.formula import Formula
from tests.support.meanings import wrong_formulas
from tests.support.random_specs import spec_texts
from tests.support.zoo import zoo_cases, zoo_network
from tests.test_random_specs import FOUND, QUICK

HEAD = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 10]}\n"


def program(text: str) -> Program:
    """The program of a spec's steps, stages and blocks."""
    return netspec.loads(HEAD + text).network


@pytest.mark.parametrize("name", zoo_cases())
def test_formulas_of_the_zoo_give_its_numbers(name: str) -> None:
    count, wrong = wrong_formulas(zoo_network(name))
    assert wrong == []
    assert count > 40


@QUICK
@given(spec_texts())
def test_formulas_of_random_specs_give_their_numbers(text: str) -> None:
    note(text)
    try:
        network = netspec.loads(text).network
    except NetspecError:
        reject()
    assert wrong_formulas(network)[1] == []


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_formulas_of_what_was_found_give_its_numbers(text: str) -> None:
    assert wrong_formulas(program(text))[1] == []


def test_instances_of_one_place_share_their_formulas() -> None:
    found = program(
        "blocks: {unit: {params: {width: int}, body: [{conv: {out: width, kernel: 3}}]}}\n"
        "stages: [{block: unit, repeat: 3, width: 4 * 2}, {block: unit, width: 16}]\n"
    )
    assert len({id(node.formulas) for node in found.nodes}) == 1
    assert [str(node.formulas["out"]) for node in found.nodes] == ["unit.width"] * 4
    blocks = list(found.main.regions("block"))
    assert [str(block.formulas["width"]) for block in blocks] == ["4 * 2"] * 3 + ["16"]
    assert len({id(block.formulas) for block in blocks}) == 2


def test_names_belong_to_the_scope_that_they_are_written_in() -> None:
    found = program("""\
params: {width: 6}
defaults: {conv: {kernel: width // 2}}
blocks:
  inner: {params: {steps: {type: steps, default: []}, width: 1}, body: [steps]}
  outer:
    params: {width: int}
    let: {double: width * 2}
    body:
      - repeat: {times: 2, body: [{inner: {steps: [{conv: {out: double + index}}]}}]}
      - part: {out: channels}
  part: {inline: true, params: {out: int}, body: [{conv: {out: out + in_channels}}]}
stages: [{block: outer, width: 4 * (stage + 1)}]
""")
    first, second, third = found.nodes
    assert {name: str(formula) for name, formula in first.formulas.items()} == {
        "kernel": ".width // 2",
        "out": "outer.double + outer.index",
    }
    assert first.formulas is second.formulas
    assert [dict(node.indices) for node in (first, second)] == [
        {"outer.index": 0},
        {"outer.index": 1},
    ]
    assert str(third.formulas["out"]) == "part.out + part.in_channels"
    (inline,) = found.main.regions("inline")
    assert str(inline.formulas["out"]) == "channels"
    assert first.formulas.names == {".width", "outer.double", "outer.index"}
    (block,) = (b for b in found.main.regions("block") if b.path == "layer1.0")
    assert block.formulas.names == {".stage"}
    assert block.indices == {
        ".stage": 0,
        ".index": 0,
        ".count": 1,
        ".running_index": 0,
        ".total": 1,
    }


def test_a_decision_is_there_where_nothing_was_taken() -> None:
    found = program("""\
blocks:
  unit:
    params: {slot: {type: steps, default: []}, width: 4}
    body:
      - sequence:
          - tanh
          - when: {test: channels != width, then: [relu]}
          - slot
          - sigmoid
        name: all
stages: [{block: unit}, {block: unit, width: 8, slot: [elu]}]
""")
    decisions = [
        (str(region.test), region.outcome, region.position, [node.path for node in region.nodes])
        for region in found.main.regions("when")
    ]
    assert decisions == [
        ("channels != unit.width", False, 1, []),
        ("unit.slot", False, 2, []),
        ("channels != unit.width", True, 1, ["layer2.0.all.1"]),
        ("unit.slot", True, 2, ["layer2.0.all.2"]),
    ]


def test_a_repetition_says_how_often() -> None:
    found = program("params: {n: 2}\nstem: [{repeat: {times: n + 1, body: [tanh]}}]\n")
    (repeat,) = found.main.regions("repeat")
    assert (str(repeat.test), repeat.outcome) == (".n + 1", 3)


def test_results_named_in_an_inline_block_are_its_own() -> None:
    found = program("""\
blocks:
  part: {inline: true, body: [{relu: {}, as: kept}, tanh]}
stem:
  - {sigmoid: {}, as: kept}
  - {part: {}, as: after}
  - {from: [after, kept], elu: {}}
""")
    (join,) = (node for node in found.nodes if node.op.kind == "add")
    producers = [found.producers[value.id].path for value in join.inputs]
    assert producers == ["tanh", "sigmoid"]


def test_functions_and_truth_values_are_no_names() -> None:
    node = ast.parse("max(a, 1) if true else channels", mode="eval").body
    formula = Formula(node, "b")
    assert formula.names == {"b.a", "channels"}
    assert formula.evaluate({"b.a": 3, "channels": 0}) == 3
    assert formula.key == Formula(ast.parse(ast.unparse(node), mode="eval").body, "b").key
