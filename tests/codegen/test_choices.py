"""`when` where the instances of a block differ: both branches."""

from __future__ import annotations

import pytest

from netspec.codegen.second import tree
from netspec.codegen.second.network import Builder
from netspec.codegen.second.scope import Names
from netspec.schema.bind import bind_spec
from netspec.source import parse
from netspec.symbolic import Diverges, named, to_text, value_at
from netspec.types import TensorType
from tests.elaborate.conftest import HEAD


def general(body: str, channels: list[int], strides: list[int]) -> tree.Sequence:
    """The body of a block over instances that differ by `w` and `stride`."""
    block = f"{{params: {{w: int, stride: int}}, body: [{body}]}}"
    text = f"{HEAD}input: {{channels: 3, size: [8, 8]}}\nblocks: {{b: {block}}}\nstem: [relu]\n"
    elaborator = Builder(bind_spec(parse(text)), None, {}, None, keep=False).elaborator
    definition = elaborator.definitions["b"]
    arguments = {"w": named("w", channels), "stride": named("stride", strides)}
    source = TensorType(6, (8, 8))
    totals = elaborator.count_labels(definition.body, arguments)
    return elaborator.expand(
        definition, arguments, source, Names("", totals), (), definition.span, {}
    )


def test_both_branches_under_a_choice() -> None:
    body = general(
        "{when: {test: stride != 1, then: [{conv: {out: w, kernel: 1, stride: stride}}], "
        "else: [{conv: {out: w, kernel: 1}}, relu]}}, {conv: {out: 4, kernel: 1}}",
        [4, 8],
        [1, 2],
    )
    choice, last = body.items
    assert isinstance(choice, tree.Choice)
    assert isinstance(last, tree.Layer)
    assert to_text(choice.test) == "stride != 1"
    assert [layer.path for layer in tree.layers(choice)] == ["conv1", "conv1", "relu"]
    assert last.path == "conv2"
    assert [value_at(choice.target.channels, i) for i in range(2)] == [4, 8]
    assert [value_at(choice.target.size[0], i) for i in range(2)] == [8, 4]


def test_a_test_that_all_instances_share_is_no_choice() -> None:
    body = general("{when: {test: w > 2, then: [relu], else: [tanh]}}", [4, 8], [1, 2])
    assert [layer.path for layer in tree.layers(body)] == ["relu"]


def test_a_test_without_a_formula_makes_two_classes() -> None:
    with pytest.raises(Diverges):
        general(
            "{conv: {out: 4, kernel: 1, stride: stride}}, "
            "{when: {test: 'size[0] > 4', then: [relu], else: [{conv: {out: w, kernel: 1}}]}}, "
            "{repeat: {times: stride, body: [relu]}}",
            [4, 8],
            [1, 2],
        )


def test_branches_may_name_a_result_alike() -> None:
    body = general(
        "{when: {test: stride != 1, then: [{conv: {out: w, kernel: 1}, as: a}], "
        "else: [{conv: {out: 4, kernel: 3}, as: a}]}}, {relu: {}, as: c}, {from: [a, c]}",
        [8, 4],
        [2, 1],
    )
    (reference,) = [n for n in tree.walk(body) if isinstance(n, tree.Reference)]
    assert [value_at(reference.target.channels, i) for i in range(2)] == [8, 4]


def test_repetitions_must_agree() -> None:
    with pytest.raises(Diverges):
        general("{repeat: {times: stride, body: [relu]}}", [4, 4], [1, 2])
