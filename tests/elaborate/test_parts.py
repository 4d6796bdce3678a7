"""`split`: several results, the names that they have to have, and that each of them is used."""

from __future__ import annotations

import pytest

from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.errors import NetspecError
from netspec.ir.fingerprint import fingerprint
from netspec.ir.retype import retype
from netspec.ops.types import TensorType
from tests.support.networks import network_of

SWAPPED = "{split: {parts: 2}, as: [a, b]}\n{from: [b, a], merge: concat}"


def refusal(steps: str) -> tuple[str, str, int]:
    """Code and message of the one thing that is wrong with steps on 6 channels, and its column."""
    with pytest.raises(NetspecError) as caught:
        network_of(steps, (4, 5))
    (found,) = caught.value.diagnostics
    assert found.span is not None
    return found.code, found.message, found.span.column - 4


def test_every_part_is_a_value_and_the_first_flows_on() -> None:
    network = network_of(
        "{split: {sizes: [1, 2, 3]}, as: [a, b, c]}\n{relu: {}, as: d}\n{from: [c, d, b], merge: concat}",
        (4, 5),
    )
    split, relu, join = network.nodes
    assert [value.type.channels for value in split.outputs] == [1, 2, 3]
    assert relu.inputs == split.outputs[:1]
    assert join.inputs == (split.outputs[2], relu.outputs[0], split.outputs[1])
    assert [network.names[value.id][""] for value in split.outputs] == ["a", "b", "c"]
    assert [layer.path for layer in network.layers] == ["relu"]  # a split is no layer


def test_parts_keep_what_is_known_of_the_whole() -> None:
    split = network_of(f"relu\n{SWAPPED}", (4, 5)).nodes[1]
    assert all(value.type.non_negative for value in split.outputs)
    split = network_of(SWAPPED, (4, 5)).nodes[0]
    assert not any(value.type.non_negative for value in split.outputs)


def test_parts_of_a_flattened_map_are_flat_no_more() -> None:
    network = network_of(f"flatten\n{SWAPPED}\nlinear: {{out: 3}}", (2, 2))
    flatten, split = network.nodes[:2]
    assert not flatten.op.absorbed  # type: ignore[attr-defined]
    assert all(value.type.flat is None for value in (*flatten.outputs, *split.outputs))


def test_parts_follow_the_size_of_the_input() -> None:
    network = retype(network_of(SWAPPED, (4, 5)), TensorType(6, (7, 9)))
    assert [value.type.shape for value in network.nodes[0].outputs] == [(3, 7, 9), (3, 7, 9)]


def test_which_part_is_taken_is_another_network() -> None:
    other = SWAPPED.replace("[b, a]", "[a, b]")
    assert fingerprint(network_of(SWAPPED, (4, 5))) != fingerprint(network_of(other, (4, 5)))
    renamed = SWAPPED.replace("a", "z").replace("zs:", "as:").replace("pzrts", "parts")
    renamed = renamed.replace("conczt", "concat")
    assert fingerprint(network_of(SWAPPED, (4, 5))) == fingerprint(network_of(renamed, (4, 5)))


@pytest.mark.parametrize(
    ("steps", "code", "message", "column"),
    [
        ("split", "NS208", "`split` needs `parts` or `sizes`", 1),
        ("{split: {parts: 2}}", "NS228", "this step has 2 results, and `as` names none", 2),
        ("{split: {parts: 2}, as: a}", "NS228", "this step has 2 results, and `as` names one", 25),
        (
            "{split: {parts: 3}, as: [a, b]}",
            "NS228",
            "this step has 3 results, and `as` names 2",
            25,
        ),
        ("{relu: {}, as: [a, b]}", "NS228", "`as` lists 2 names, and this step has one result", 16),
        (
            "{residual: {body: [relu]}, as: [a]}",
            "NS228",
            "`as` lists 1 name, and this step has one result",
            32,
        ),
        ("{split: {parts: 2}, as: [a, a]}", "NS224", "the name `a` is taken in this block", 29),
        ("{split: {parts: 2}, as: []}", "NS103", "`as` needs a name", 25),
        (
            "{split: {parts: 4}, as: [a, b, c, d]}",
            "NS406",
            "6 channels cannot be split into 4 equal parts",
            17,
        ),
        ("{split: {parts: 1}, as: [a]}", "NS408", "`split` gives two parts or more, got 1", 17),
        (
            "{split: {sizes: [1, 4]}, as: [a, b]}",
            "NS401",
            "the parts have 5 channels, and the input 6",
            17,
        ),
        (
            "{split: {parts: 2, sizes: [3, 3]}, as: [a, b]}",
            "NS401",
            "`split` takes `parts` or `sizes`, not both",
            27,
        ),
        ("{split: {sizes: [0, 6]}, as: [a, b]}", "NS408", "`sizes` must be at least 1, got 0", 17),
        ("{split: {sizes: 3}, as: [a, b]}", "NS205", "`sizes` needs a list, got 3", 17),
        (
            "{split: {sizes: [1.5, 4]}, as: [a, b]}",
            "NS205",
            "`sizes` needs a whole number, got 1.5",
            18,
        ),
    ],
)
def test_refusals(steps: str, code: str, message: str, column: int) -> None:
    assert refusal(steps) == (code, message, column)


def test_each_part_has_to_be_used() -> None:
    unused = "{split: {parts: 3}, as: [a, b, c]}\n{from: [a, c], merge: concat}"
    assert refusal(unused)[:2] == ("NS409", "nothing uses `b`, result 2 of this `split`")
    in_vain = f"{unused}\n{{relu: {{}}, from: b, as: d}}\n{{from: [a, c]}}"
    with pytest.raises(NetspecError) as caught:
        network_of(in_vain, (4, 5))
    found = [diagnostic.message for diagnostic in caught.value.diagnostics]
    assert "nothing uses `b`, result 2 of this `split`" in found


def test_what_is_wrong_ahead_is_told_once() -> None:
    text = (
        "netspec: 1\nname: n\ninput: {channels: 6, size: [4, 5]}\nstem:\n"
        "  - conv: {out: missing, kernel: 3}\n"
        "  - {split: {parts: 2}, as: [a, b]}\n"
        "  - {from: [b, a], merge: concat}\n"
        "  - {split: {sizes: [2, 4]}, as: [c, d]}\n"
        "  - {relu: {}, from: [c, d]}\n"
    )
    found = check_content(text.encode(), "spec.yaml", None, Options())
    assert found is not None
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["NS202"]
