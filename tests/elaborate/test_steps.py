"""Calls: blocks, slots and inline blocks; what each sees; and what would never end."""

from __future__ import annotations

import pytest

from tests.elaborate.conftest import compiled, marked, paths, problem, widths


def test_a_block_sees_its_parameters_and_where_it_stands() -> None:
    text = (
        "blocks:\n"
        "  b:\n"
        "    params: {w: 5}\n"
        "    let: {twice: w * 2, both: twice + in_channels}\n"
        "    body:\n"
        "    - conv: {out: both, kernel: 1, stride: 2}\n"
        "    - conv: {out: 'channels + in_channels + in_size[0] + size[0]', kernel: 1}\n"
        "stem: [b]\n"
    )
    assert list(widths(text).values()) == [13, 13 + 3 + 8 + 4]


@pytest.mark.parametrize("name", ["w", "half", "stage", "index", "count"])
def test_a_block_captures_nothing(name: str) -> None:
    text = (
        "params: {w: 5}\nlet: {half: w // 2}\n"
        f"blocks: {{b: {{body: [{{conv: {{out: {name}, kernel: 1}}}}]}}}}\n"
        "stages: [{block: b}]\n"
    )
    found = problem(text)
    assert found.code == "NS202"
    assert f"unknown name `{name}`" in found.message


def test_stem_and_head_see_the_spec_and_their_place() -> None:
    text = (
        "params: {w: 5}\nlet: {half: w // 2}\n"
        "stem: [{conv: {out: w + half + channels, kernel: 1}}]\n"
        "head: [global_avg_pool, {linear: {out: channels + half}}]\n"
    )
    assert list(widths(text).values()) == [10, 10, 12]
    assert problem("stem: [{conv: {out: in_channels, kernel: 1}}]\n").code == "NS202"


def test_a_derived_value_sees_those_above_it() -> None:
    block = "blocks: {b: {let: {a: 2, c: a + 1}, body: [{conv: {out: c, kernel: 1}}]}}\nstem: [b]\n"
    assert list(widths(block).values()) == [3]
    assert problem(block.replace("a: 2, c: a + 1", "c: a + 1, a: 2")).code == "NS202"


SLOT = (
    "params: {w: 5}\n"
    "blocks:\n"
    "  inner:\n"
    "    params: {w: 7, s: {type: steps, default: [{conv: {out: w, kernel: 1}}]}}\n"
    "    body: [{conv: {out: 11, kernel: 1}}, s]\n"
    "  outer:\n"
    "    params: {w: 6}\n"
    "    body: [{inner: {s: [{conv: {out: w, kernel: 1}}]}}]\n"
)


@pytest.mark.parametrize(
    ("stem", "out"),
    [
        ("{inner: {s: [{conv: {out: w, kernel: 1}}]}}", 5),
        ("outer", 6),
        ("inner", 7),
        ("{inner: {w: 8}}", 8),
        ("{inner: {s: [{conv: {out: w + channels, kernel: 1}}]}}", 16),
    ],
)
def test_a_slot_belongs_to_whoever_wrote_it(stem: str, out: int) -> None:
    """All of its names are theirs, but for `channels` and `size`, which are read where it stands."""
    assert list(widths(SLOT + f"stem: [{stem}]\n").values())[-1] == out


def test_a_slot_is_passed_on_by_name() -> None:
    text = (
        "blocks:\n"
        "  inner: {params: {s: steps}, body: [s]}\n"
        "  outer: {params: {w: 6, t: steps}, body: [{inner: {s: t}}, {inner: {s: [t, relu]}}]}\n"
        "params: {w: 5}\n"
        "stem: [{outer: {t: [{conv: {out: w, kernel: 1}}]}}]\n"
    )
    assert widths(text) == {
        "outer.inner1.conv1": 5,
        "outer.inner2.conv1": 5,
        "outer.inner2.relu": 5,
    }


def test_a_slot_may_be_one_step_or_none() -> None:
    text = "blocks: {b: {params: {s: {type: steps, default: []}}, body: [s, tanh]}}\n"
    assert paths(text + "stem: [b]\n") == ["b.tanh"]
    assert paths(text + "stem: [{b: {s: relu}}]\n") == ["b.relu", "b.tanh"]
    assert paths(text + "stem: [{b: {s: {conv: {out: 3, kernel: 1}}}}]\n") == ["b.conv1", "b.tanh"]
    assert problem(text + "stem: [{b: {s: [{conv: {out: 3, kernal: 1}}]}}]\n").code == "NS101"


def test_a_slot_takes_no_arguments() -> None:
    text = "blocks: {b: {params: {s: steps}, body: [{s: {w: 1}}]}}\nstem: [{b: {s: [relu]}}]\n"
    assert problem(text).code == "NS206"


def test_results_inside_a_slot_are_its_own() -> None:
    text = (
        "blocks: {b: {params: {s: steps}, body: [{relu: {}, as: a}, s]}}\n"
        "stem: [{b: {s: [{tanh: {}, as: a}, {from: a}]}}]\n"
    )
    assert paths(text) == ["b.relu", "b.tanh"]
    assert problem(text.replace("as: a}, {from", "as: x}, {from")).code == "NS225"


def test_blocks_are_passed_as_arguments() -> None:
    text = (
        "blocks:\n"
        "  left: {params: {w: int}, body: [{conv: {out: w, kernel: 1}}]}\n"
        "  right: {params: {w: int}, body: [{conv: {out: w + 1, kernel: 1}}]}\n"
        "  b: {params: {kind: {type: block, default: left}}, body: [{kind: {w: 4}}]}\n"
        "  c: {params: {kind: block}, body: [{b: {kind: kind}}]}\n"
        "stem: [b, {b: {kind: right}}, {c: {kind: right}}]\n"
    )
    assert list(widths(text).values()) == [4, 5, 5]


def test_a_block_takes_only_its_parameters() -> None:
    text = "blocks: {b: {params: {width: 4}, body: [relu]}}\nstem: [{b: {widht: 3}}]\n"
    found = problem(text)
    assert (found.code, found.help) == ("NS206", "did you mean `width`?")


def test_an_inline_block_adds_no_level() -> None:
    text = (
        "blocks: {b: {inline: true, params: {w: 4}, body: [{conv: {out: w, kernel: 1}}, relu]}}\n"
        "stem: [{conv: {out: 3, kernel: 1}}, b]\n"
    )
    assert paths(text) == ["conv1", "conv2", "relu"]
    network = compiled(text)
    assert not list(network.main.regions("block"))


def test_a_block_may_stand_inside_another_use_of_itself() -> None:
    text = (
        "blocks: {w: {params: {s: steps}, body: [{residual: {body: [s]}}]}}\n"
        "stem: [{w: {s: [{w: {s: [relu]}}]}}]\n"
    )
    assert paths(text) == ["w.w.relu"]


@pytest.mark.parametrize(
    "text",
    [
        "blocks: {b: {body: [b]}}\nstem: [b]",
        "blocks: {b: {inline: true, body: [b]}}\nstem: [b]",
        "blocks: {b: {inline: true, body: [b, b]}}\nstem: [b]",
        "blocks: {b: {body: [c]}, c: {body: [{residual: {body: [b]}}]}}\nstem: [b]",
        "blocks: {b: {params: {k: {type: block, default: b}}, body: [k]}}\nstem: [b]",
        "blocks: {w: {params: {s: steps}, body: [s]}, b: {body: [{w: {s: [b]}}]}}\nstem: [b]",
        "blocks: {b: {params: {s: {type: steps, default: [s]}}, body: [s]}}\nstem: [b]",
        "params: {s: {type: steps, default: [relu, s]}}\nstem: [s]",
        "params: {p: {type: steps, default: [{w: {s: [p]}}]}}\n"
        "blocks: {w: {params: {s: steps}, body: [s]}}\nstem: [p]",
        "defaults: {act: act}\nstem: [act]",
        "defaults: {act: norm, norm: act}\nstem: [norm]",
        "defaults: {act: {sequence: [relu, act]}}\nstem: [act]",
        "blocks: {b: {body: [act]}}\ndefaults: {act: b}\nstem: [act]",
    ],
)
def test_what_would_never_end(text: str) -> None:
    assert problem(text).code == "NS226"


def test_a_cycle_is_told_with_its_route() -> None:
    found = problem("blocks: {b: {body: [c]}, c: {body: [b]}}\nstem: [b]\n")
    assert "b → c → b" in found.message
    assert [what for what, _ in found.trace] == ["block `c`, called", "block `b`, called"]


def test_an_error_inside_a_block_is_told_with_its_calls() -> None:
    text = "blocks:\n  b: {body: [{conv: {out: 0, kernel: 1}}]}\n  c: {body: [b]}\nstem:\n- c\n"
    found = problem(text)
    assert marked(text, found) == "0"
    assert [(what, span.line - 3) for what, span in found.trace] == [
        ("block `b`, called", 3),
        ("block `c`, called", 5),
    ]


def chain(length: int, body: str, first: str) -> str:
    lines = [f"  a0: {{{first}}}"] + [
        f"  a{i}: {{{body % (i - 1, i - 1)}}}" for i in range(1, length)
    ]
    return "blocks:\n" + "\n".join(lines) + f"\nstem: [a{length - 1}]\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (chain(300, "body: [a%d]%.0s", "body: [relu]"), "NS507"),
        (chain(300, "inline: true, body: [a%d]%.0s", "body: [relu]"), "NS507"),
        (chain(40, "inline: true, body: [a%d, a%d]", "inline: true, body: []"), "NS502"),
        (chain(40, "body: [{a%d: {}, name: p}, {a%d: {}, name: q}]", "body: []"), "NS502"),
        ("stem: [{repeat: {times: 9999, body: [{repeat: {times: 9999, body: []}}]}}]\n", "NS502"),
        ("stem: [{repeat: {times: 9999, body: [{repeat: {times: 99, body: [relu]}}]}}]\n", "NS502"),
        ("stem: [{repeat: {times: 10 ** 9, body: [relu]}}]\n", "NS503"),
        ("stages: [{block: basic, width: 3, repeat: 10 ** 9}]\n", "NS503"),
    ],
)
def test_work_is_bounded(text: str, code: str) -> None:
    assert problem(text).code == code
