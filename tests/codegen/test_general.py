"""The general form of a block is each of its instances; where it cannot be, they part."""

from __future__ import annotations

import dataclasses

import pytest

from netspec import api
from netspec.codegen import general as module
from netspec.codegen.general import GeneralBlock, generalise
from netspec.codegen.second import tree
from netspec.errors import InternalError
from netspec.symbolic import Diverges, Varying, to_text

HEAD = "netspec: 1\nname: net\ninput: {channels: 4, size: [8, 10]}\nblocks:\n  unit:\n"


def general(block: str, stages: str, name: str = "unit") -> GeneralBlock:
    program = api.loads(f"{HEAD}{block}stages:\n{stages}").compilation
    instances = [b for b in tree.blocks(program.generalised) if b.definition.name == name]
    return generalise(instances[0].definition, instances, program.elaborator)


PLAIN = """\
    params: {width: int, stride: 1, ratio: 2, attention: {type: steps, default: []}}
    let: {mid: width * ratio}
    body:
      - conv: {out: mid, kernel: 3, stride: stride}
      - attention
      - when: {test: in_channels != mid, then: [relu]}
"""


def test_one_value_is_folded_and_several_are_named() -> None:
    form = general(PLAIN, "  - {block: unit, width: 4}\n  - {block: unit, width: 6, stride: 2}\n")
    assert form.arguments["ratio"] == 2
    assert to_text(form.arguments["width"]) == "width"
    assert {name: to_text(value) for name, value in form.local.items()} == {"mid": "width * 2"}
    conv, choice = form.body.items[0], form.body.items[-1]
    assert isinstance(conv, tree.Layer)
    assert to_text(conv.op.filters) == "mid"  # type: ignore[attr-defined]
    assert isinstance(choice, tree.Choice) is False  # all instances change their channels


def test_a_choice_that_goes_both_ways_stays_one() -> None:
    form = general(PLAIN, "  - {block: unit, width: 2}\n  - {block: unit, width: 6}\n")
    choice = form.body.items[-1]
    assert isinstance(choice, tree.Choice)
    assert to_text(choice.test) == "4 != mid"


def test_a_slot_that_some_fill_becomes_a_flag() -> None:
    form = general(
        PLAIN, "  - {block: unit, width: 4, attention: [tanh]}\n  - {block: unit, width: 6}\n"
    )
    assert form.arguments["attention"].flag.values == (True, False)


def test_slots_that_hold_other_steps_part() -> None:
    with pytest.raises(Diverges) as divergence:
        general(
            PLAIN,
            "  - {block: unit, width: 4, attention: [tanh]}\n"
            "  - {block: unit, width: 6, attention: [relu]}\n",
        )
    assert len(set(divergence.value.test.values)) == 2


def test_numbers_of_the_outer_scope_in_a_slot_have_no_formula() -> None:
    form = general(
        PLAIN,
        "  - {times: 2, block: unit, width: 4, attention: [{conv: {out: 4 + stage, kernel: 1}}]}\n",
    )
    conv = next(layer for layer in tree.layers(form.body) if layer.path == "conv2")
    found = conv.op.filters  # type: ignore[attr-defined]
    assert isinstance(found, Varying)
    assert found.node is None
    assert found.values == (4, 5)


def test_a_list_is_taken_element_by_element() -> None:
    form = general(
        '    params: {kernels: "list[int]"}\n'
        "    body:\n"
        '      - conv: {out: 4, kernel: "kernels[0]"}\n'
        '      - conv: {out: 4, kernel: "kernels[1]"}\n',
        "  - {block: unit, kernels: [3, 1]}\n  - {block: unit, kernels: [3, 5]}\n",
    )
    first, second = form.arguments["kernels"]
    assert first == 3
    assert to_text(second) == "kernels[1]"


def test_an_argument_of_the_network_keeps_its_name() -> None:
    program = api.loads(
        "netspec: 1\nname: net\nparams: {classes: 5}\narguments: [classes]\n"
        "input: {channels: 4, size: [8, 10]}\n"
        "blocks:\n  top:\n    params: {n: int}\n    body: [global_avg_pool, {linear: {out: n}}]\n"
        "head: [{top: {n: classes}}]\n"
    ).compilation
    (block,) = tree.blocks(program.generalised)
    form = generalise(block.definition, [block], program.elaborator)
    assert to_text(form.arguments["n"]) == "n"


def test_the_verifier_sees_a_form_that_is_not_its_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.canonical
    stages = "  - {block: unit, width: 4}\n  - {block: unit, width: 6}\n"

    def other(node: tree.Node, instance: int = 0, prefix: str = "") -> list[object]:
        if not prefix:
            layer = next(tree.layers(node))
            changed = dataclasses.replace(layer.op, bias=False)
            node = dataclasses.replace(node, items=(dataclasses.replace(layer, op=changed),))  # type: ignore[call-arg]
        return real(node, instance, prefix)

    general(PLAIN, stages)
    monkeypatch.setattr(module, "canonical", other)
    with pytest.raises(InternalError, match=r"layer1\.0"):
        general(PLAIN, stages)
