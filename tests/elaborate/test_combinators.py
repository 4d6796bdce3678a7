"""Residual, gate, concat, branches, repeat, sequence, and named results: what they make, shapes and errors."""

from __future__ import annotations

import pytest

from netspec.ir import Kind, Node, Region
from netspec.ops.merge import Merge
from tests.elaborate.conftest import compiled, marked, paths, problem


def region(text: str, kind: Kind) -> Region:
    """The one region of a kind in a spec."""
    (found,) = compiled(text).main.regions(kind)
    return found


def merge(text: str) -> Node:
    """The one op of several inputs in a spec."""
    (found,) = (node for node in compiled(text).nodes if isinstance(node.op, Merge))
    return found


def parts(region: Region) -> list[list[str]]:
    """The paths of the ops in each part of a combinator."""
    return [[node.path for node in p.nodes] for p in region.items if isinstance(p, Region)]


def test_residual() -> None:
    text = (
        "stem:\n"
        "- residual:\n"
        "    body: [{conv: {out: 6, kernel: 3}}, relu]\n"
        "    shortcut: [{conv: {out: 6, kernel: 1}}, relu]\n"
    )
    found = region(text, "residual")
    assert found.target.shape == (6, 8, 12)
    assert found.target.non_negative
    assert parts(found) == [["conv1", "relu1"], ["conv2", "relu2"]]
    assert (merge(text).path, merge(text).op.kind) == ("add", "add")


OPTIONAL = """\
params: {adds: ADDS}
stem:
- name: NAME
  sequence:
  - residual:
      when: adds
      body: [{conv: {out: channels, kernel: 3}}, norm]
      shortcut: {conv: {out: channels, kernel: 1}}
    as: sum
  - conv: {out: 4, kernel: 1}
  - {from: sum, conv: {out: 4, kernel: 1}}
  - {residual: {body: [relu]}}
"""


@pytest.mark.parametrize("name", ["", "x"])
def test_a_residual_where_a_test_holds(name: str) -> None:
    """What stands elsewhere is called alike, whether it is there or not."""
    text = OPTIONAL.replace("  - conv: {out: 4, kernel: 1}\n", "").replace(
        "- name: NAME\n  sequence:", f"- name: {name}\n  sequence:" if name else "- sequence:"
    )
    with_sum = paths(text.replace("ADDS", "true"))
    alone = paths(text.replace("ADDS", "false"))
    shortcut = "x.3" if name else "conv2"
    assert [path for path in with_sum if path != shortcut] == alone
    assert shortcut in with_sum
    (first, *_) = (
        n for n in compiled(text.replace("ADDS", "true")).nodes if isinstance(n.op, Merge)
    )
    assert [value.type.shape for value in first.inputs] == [(3, 8, 12)] * 2


def test_what_only_an_optional_residual_changes_is_said_as_of_any() -> None:
    step = "{residual: {when: WHEN, body: [{conv: {out: 8, kernel: 3, stride: 2}}]}}"
    found = problem(f"stem: [{step.replace('WHEN', 'channels == 3')}]\n")
    assert found.code == "NS402"
    assert found.help == "add a shortcut: a projection to 8 channels with stride 2"
    assert paths(f"stem: [{step.replace('WHEN', 'channels == 8')}]\n") == ["conv1"]
    found = problem(f"stem: [{step.replace('WHEN', 'channels')}]\n")
    assert (found.code, found.message) == (
        "NS205",
        "`when` must be true or false; write a comparison",
    )


def test_without_a_shortcut_the_input_is_added() -> None:
    found = region("stem: [{residual: {body: [tanh]}}]\n", "residual")
    assert parts(found) == [["tanh"], []]
    assert not found.target.non_negative


@pytest.mark.parametrize(
    ("body", "shortcut", "help"),
    [
        (
            "{conv: {out: 6, kernel: 3, stride: 2}}",
            "",
            "add a shortcut: a projection to 6 channels with stride 2",
        ),
        (
            "{conv: {out: 6, kernel: 3}}",
            "{conv: {out: 5, kernel: 1}}",
            "the shortcut needs a projection to 6 channels",
        ),
        (
            "{conv: {out: 6, kernel: 3, stride: [1, 2]}}",
            "",
            "add a shortcut: a projection to 6 channels",
        ),
        ("global_avg_pool", "", None),
    ],
)
def test_a_shortcut_that_does_not_fit(body: str, shortcut: str, help: str | None) -> None:
    found = problem(f"stem: [{{residual: {{body: [{body}], shortcut: [{shortcut}]}}}}]\n")
    assert (found.code, found.help, found.path) == ("NS402", help, "add")


def test_gate() -> None:
    for body in ("sigmoid", "{global_avg_pool: {keep_dims: true}}"):
        found = region(f"stem: [relu, {{gate: {{body: [{body}]}}}}]\n", "gate")
        assert found.target.shape == (3, 8, 12)
        assert found.target.non_negative


@pytest.mark.parametrize(
    "body",
    ["global_avg_pool", "{conv: {out: 1, kernel: 1}}", "{max_pool: {kernel: 2}}"],
)
def test_a_gate_that_does_not_fit(body: str) -> None:
    assert problem(f"stem: [{{gate: {{body: [{body}]}}}}]\n").code == "NS403"


def test_concat_puts_the_input_first() -> None:
    text = "stem: [{concat: {body: [{conv: {out: 4, kernel: 1}}]}}]\n"
    found = merge(text)
    assert (found.path, found.op.kind, found.target.channels) == ("cat", "concat", 7)
    assert parts(region(text, "branches")) == [[], ["conv1"]]


@pytest.mark.parametrize(
    ("how", "label", "channels"), [("add", "add", 4), ("mul", "mul", 4), ("concat", "cat", 8)]
)
def test_branches(how: str, label: str, channels: int) -> None:
    text = (
        f"stem: [{{branches: {{merge: {how}, "
        "a: [{conv: {out: 4, kernel: 1}}, relu], b: [{conv: {out: 4, kernel: 1}}, relu]}}]\n"
    )
    found = merge(text)
    assert (found.path, found.op.kind, found.target.channels) == (label, how, channels)
    assert found.target.non_negative
    assert merge(text.replace(f"merge: {how}, ", "")).op.kind == "add"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("branches: {a: [relu]}", "NS404"),
        ("branches: {a: [relu], b: [{conv: {out: 4, kernel: 1}}]}", "NS405"),
        ("branches: {merge: concat, a: [relu], b: [{max_pool: {kernel: 2}}]}", "NS405"),
        ("branches: {merge: mul, a: [relu], b: [global_avg_pool]}", "NS405"),
        ("concat: {body: [{max_pool: {kernel: 2}}]}", "NS405"),
    ],
)
def test_paths_that_do_not_fit(step: str, code: str) -> None:
    assert problem(f"stem: [{{{step}}}]\n").code == code


# Repeat


def test_repeat_counts_and_names_on() -> None:
    text = (
        "stem: [{repeat: {times: channels, body: [{conv: {out: channels + index, kernel: 1}}]}}]\n"
    )
    network = compiled(text)
    assert [layer.target.channels for layer in network.layers] == [3, 4, 6]
    assert paths(text) == ["conv1", "conv2", "conv3"]


def test_the_index_has_a_name_and_an_end() -> None:
    text = (
        "stem:\n"
        "- repeat:\n"
        "    times: 2\n"
        "    index: i\n"
        "    body: [{repeat: {times: 2, index: j, body: [{relu: {}, name: 'r{i}_{j}'}]}}]\n"
        "- conv: {out: 1 + %s, kernel: 1}\n"
    )
    assert paths(text % "0") == ["r0_0", "r0_1", "r1_0", "r1_1", "conv1"]
    assert problem(text % "i").code == "NS202"


def test_no_repetition_is_nothing() -> None:
    assert paths("stem: [{repeat: {times: 0, body: [relu]}}, tanh]\n") == ["tanh"]


@pytest.mark.parametrize("times", ["-1", "1.5", "true", "'[1]'", "1 / 1"])
def test_times_is_a_whole_number(times: str) -> None:
    assert problem(f"stem: [{{repeat: {{times: {times}, body: [relu]}}}}]\n").code == "NS205"


def test_what_an_iteration_names_is_its_own() -> None:
    body = "{relu: {}, as: a}, {tanh: {}, as: c}, {from: [a, b, c]}"
    text = f"stem: [{{sigmoid: {{}}, as: b}}, {{repeat: {{times: 3, body: [{body}]}}}}]\n"
    assert paths(text) == ["sigmoid", "relu1", "tanh1", "relu2", "tanh2", "relu3", "tanh3"]
    assert problem(text.replace("}}]\n", "}}, {from: a}]\n")).code == "NS225"


# Sequence


def test_a_named_sequence_numbers_its_steps() -> None:
    text = (
        "stem:\n"
        "- sequence: [{conv: {out: 4, kernel: 1}}, {relu: {}, name: act}, {conv: {out: 4, kernel: 1}}]\n"
        "  name: block.one\n"
        "- sequence: [relu]\n"
    )
    assert paths(text) == ["block.one.0", "block.one.act", "block.one.2", "relu"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("repeat: {times: 2, body: [relu, tanh]}", ["x.0", "x.1", "x.2", "x.3"]),
        ("when: {test: true, then: [relu, tanh]}", ["x.0", "x.1"]),
        ("slot: {}", ["x.0", "x.1"]),
        ("line: {}", ["x.0", "x.1"]),
        ("act: {}", ["x.0", "x.1"]),
        ("block: {}", ["x.relu", "x.tanh"]),
        ("residual: {body: [relu, tanh]}", ["relu1", "tanh"]),
    ],
)
def test_a_name_on_any_step(step: str, expected: list[str]) -> None:
    """What has no level of its own becomes a container; `relu` behind it sees who took its number."""
    text = (
        "params: {slot: {type: steps, default: [relu, tanh]}}\n"
        "defaults: {act: {sequence: [relu, tanh]}}\n"
        "blocks:\n"
        "  line: {inline: true, body: [relu, tanh]}\n"
        "  block: {body: [relu, tanh]}\n"
        f"stem: [{{{step}, name: 'x'}}, relu]\n"
    )
    last = ["relu2"] if "residual" in step else ["relu"]
    assert paths(text) == expected + last


# Named results


def test_from_takes_one_result_or_merges_several() -> None:
    text = (
        "stem:\n"
        "- {conv: {out: 4, kernel: 1}, as: a}\n"
        "- {conv: {out: 5, kernel: 1}, as: b}\n"
        "- {from: a, relu: {}, as: c}\n"
        "- {from: [a, c, b], merge: concat, conv: {out: 2, kernel: 1}}\n"
    )
    network = compiled(text)
    values = {node.path: node.outputs[0] for node in network.nodes}
    taken = {node.path: [value.id for value in node.inputs] for node in network.nodes}
    assert taken["relu"] == [values["conv1"].id]
    assert taken["join"] == [values[name].id for name in ("conv1", "relu", "conv2")]
    assert values["join"].type.channels == 13


def test_a_shortcut_takes_a_result_of_the_body() -> None:
    text = "stem: [{residual: {body: [{relu: {}, as: a}, tanh], shortcut: [{from: a}]}}]\n"
    relu, tanh, add = compiled(text).nodes
    assert add.inputs == (*tanh.outputs, *relu.outputs)


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("{relu: {}, as: first}, {from: frist}", "NS225"),
        ("{from: a}, {relu: {}, as: a}", "NS225"),
        ("{relu: {}, as: a}, {tanh: {}, as: a}", "NS224"),
        ("{relu: {}, as: a}, {max_pool: {kernel: 2}, as: b}, {from: [a, b]}", "NS405"),
        (
            "{relu: {}, as: a}, {conv: {out: 4, kernel: 1}, as: b}, {from: [a, b], merge: mul}",
            "NS405",
        ),
        ("{relu: {}, as: a}, {from: a, name: x}", "NS221"),
    ],
)
def test_results_that_cannot_be_taken(steps: str, code: str) -> None:
    assert problem(f"stem: [{steps}]\n").code == code


def test_an_unknown_result_is_told_with_the_nearest() -> None:
    text = "stem:\n- {relu: {}, as: first}\n- {tanh: {}, from: frist}\n"
    found = problem(text)
    assert found.help == "did you mean `first`?"
    assert "frist" in marked(text, found)


def test_results_stay_inside_their_block() -> None:
    text = "blocks: {b: {body: [%s]}}\nstem: [{relu: {}, as: a}, {b: {}, as: d}, {from: [%s, d]}]\n"
    assert problem(text % ("{from: a}", "a")).code == "NS225"
    assert problem(text % ("{tanh: {}, as: c}", "c")).code == "NS225"
    assert compiled(text % ("{tanh: {}, as: a}", "a"))
