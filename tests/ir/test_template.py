"""Templates: one body for all instances of a block, which taken at each of them is that instance."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, note, reject

import netspec
from netspec.errors import InternalError, NetspecError
from netspec.ir.formula import NO_FORMULAS
from netspec.ir.program import Node, Program, Region
from netspec.ir.template import Choice, Template, Templates, templates
from netspec.ir.template.check import check_template, flat
from netspec.ir.template.numbers import fit, unify
from netspec.ir.template.shapes import Shapes, Surroundings, frozen
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.symbolic import Varying, named, to_text
from tests.support.random_specs import spec_texts
from tests.test_random_specs import QUICK

HEAD = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 10]}\n"


def made(text: str, **overrides: Any) -> Templates:
    """The templates of a spec."""
    return templates(netspec.loads(HEAD + text, overrides=overrides).network)


def node(template: Template, path: str) -> Node:
    """An op of a template by its relative path."""
    (found,) = (item for item in template.walk() if isinstance(item, Node) and item.path == path)
    return found


def text(value: Any) -> Any:
    """A number as it prints; lists and tuples item by item."""
    if isinstance(value, tuple | list):
        return [text(item) for item in value]
    return to_text(value) if isinstance(value, Varying) else value


# Kept arguments


def at_another_value(spec: str, name: str, value: int) -> tuple[Any, Any] | None:
    """The network's template where a kept argument has another value, and the program that it has to be.

    None where a guard says that something was decided by the argument.
    """
    found = templates(netspec.loads(spec).network)
    if any(template.guards for template in (found.network, *found.blocks)):
        return None
    other: Program = netspec.loads(spec, overrides={name: value}).network
    own = [
        (item.path, frozen(evaluated(item.op, {name: value})))
        for item in found.network.walk()
        if isinstance(item, Node)
    ]
    return own, [(item.path, frozen(item.op)) for item in other.nodes]


def evaluated(value: Any, names: dict[str, Any]) -> Any:
    """A value with the formulas in it computed."""
    if isinstance(value, tuple | list):
        return type(value)(evaluated(item, names) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return type(value)(**{name: evaluated(each, names) for name, each in fields.items()})
    if isinstance(value, Varying):
        assert value.node is not None
        return Expression("", value.node).evaluate(names)
    return value


@QUICK
@given(spec_texts())
def test_a_kept_argument_may_have_another_value(spec: str) -> None:
    note(spec)
    try:
        kept = netspec.loads(spec).network.arguments
        if not kept:
            return
        name, value = next(iter(kept.items()))
        found = at_another_value(spec, name, value + 4)
    except NetspecError:
        reject()
    if found is not None:
        assert found[0] == found[1]


KEPT = HEAD + "params: {classes: 10}\narguments: [classes]\n"


@pytest.mark.parametrize(
    "steps",
    [
        "head: [global_avg_pool, {linear: {out: classes if classes > 5 else 5 * classes}}]",
        "head: [global_avg_pool, {linear: {out: 'max(classes, 7)'}}, {linear: {out: channels // 2}}]",
        "let: {twice: classes * 2}\n"
        "blocks: {top: {params: {n: int}, let: {m: n + 1}, body: [{linear: {out: m}}, deeper]},"
        " deeper: {body: [{linear: {out: in_channels * 2}}]}}\n"
        "head: [global_avg_pool, {top: {n: twice}}, {top: {n: 3}}]",
        "stem: [{conv: {out: classes, kernel: 3}}, {conv: {kernel: 3, depthwise: true}}]",
        "head: [{dropout: {rate: 1 / classes}}]",
        "defaults: {dropout: {rate: 1 / classes}}\n"
        "blocks: {top: {params: {classes: 3}, body: [dropout]}}\nhead: [top, {top: {classes: 4}}]",
    ],
)
def test_formulas_of_a_kept_argument_hold_at_another_value(steps: str) -> None:
    for value in (3, 12):
        found = at_another_value(KEPT + steps, "classes", value)
        assert found is not None
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ("{when: {test: classes > 5, then: [relu]}}", "a `when`"),
        ("{repeat: {times: classes, body: [relu]}}", "a number of repetitions"),
        ("{unit: {n: classes}}", "a `when`"),
    ],
)
def test_what_a_kept_argument_decides_is_guarded(steps: str, what: str) -> None:
    blocks = "blocks: {unit: {params: {n: int}, body: [{when: {test: n > 5, then: [relu]}}]}}\n"
    found = templates(netspec.loads(f"{KEPT}{blocks}head: [{steps}]").network)
    guards = [guard for t in (found.network, *found.blocks) for guard in t.guards]
    assert {guard.what for guard in guards} == {what}
    assert all(guard.span is not None for guard in guards)


def test_an_argument_of_the_network_gets_a_name_that_the_block_does_not_have() -> None:
    spec = (
        "defaults: {dropout: {rate: 1 / classes}}\n"
        "blocks:\n"
        "  top:\n"
        "    params: {classes: 3, s: {type: steps, default: []}}\n"
        "    body: [dropout, {linear: {out: classes}}, s]\n"
        "head:\n"
        "- global_avg_pool\n"
        "- top: {s: [{linear: {out: classes}}]}\n"
        "- top: {classes: 4, s: [{linear: {out: classes}}]}\n"
    )
    found = templates(netspec.loads(KEPT + spec).network)
    (top,) = found.blocks
    assert {name: p.qualified for name, p in top.parameters.items()} == {
        "classes": "top.classes",
        "in_channels": "top.in_channels",
        "classes_2": ".classes",
        "dropout_rate": None,
    }
    passed = [
        {name: text(call.arguments[name]) for name in ("classes", "classes_2")}
        for call in found.network.calls.values()
    ]
    assert passed == [
        {"classes": 3, "classes_2": "classes"},
        {"classes": 4, "classes_2": "classes"},
    ]


# What varies, and what it is made of


UNIT = """\
blocks:
  unit:
    params: {width: int, stride: 1, ratio: 2, slot: {type: steps, default: []}}
    let: {mid: width * ratio}
    body:
      - conv: {out: mid, kernel: 3, stride: stride}
      - slot
      - when: {test: in_channels != mid, then: [relu]}
      - act
"""


def test_numbers_that_differ_have_the_formula_of_the_spec() -> None:
    (template,) = made(
        UNIT + "stages: [{block: unit, width: 2}, {block: unit, width: 6, stride: 2}]"
    ).blocks
    conv = node(template, "conv1")
    assert text(conv.op.out) == "mid"  # type: ignore[attr-defined]
    assert text(conv.op.stride) == ["stride", "stride"]  # type: ignore[attr-defined]
    assert text(conv.target.shape) == ["mid", "7 // stride + 1", "9 // stride + 1"]
    assert {name: text(value) for name, value in template.local.items()} == {"mid": "width * 2"}
    assert list(template.parameters) == ["width", "stride"]
    assert template.source.type.channels == 4


def test_a_part_that_some_instances_lack_is_a_choice() -> None:
    (template,) = made(UNIT + "stages: [{block: unit, width: 2}, {block: unit, width: 6}]").blocks
    (choice,) = (item for item in template.walk() if isinstance(item, Choice))
    assert text(choice.test) == "mid != 4"
    assert choice.test.values == (False, True)
    assert [n.path for n in node_paths(choice.then)] == ["relu1"]
    assert node_paths(choice.other) == []
    (merged,) = choice.merged
    assert merged.then is node(template, "relu1").outputs[0]
    assert merged.other is node(template, "conv1").outputs[0]
    assert node(template, "relu2").inputs == (merged.result,)


def node_paths(region: Region) -> list[Node]:
    return [item for item in region.items if isinstance(item, Node)]


def test_a_slot_that_some_fill_is_a_choice_by_its_name() -> None:
    stages = "stages: [{block: unit, width: 2}, {block: unit, width: 2, slot: [tanh]}]"
    (template,) = made(UNIT + stages).blocks
    (choice,) = (item for item in template.walk() if isinstance(item, Choice))
    assert text(choice.test) == "slot"
    assert template.parameters["slot"].value.values == (False, True)


def test_results_that_both_sides_name_are_merged() -> None:
    (template,) = made(
        """\
blocks:
  unit:
    params: {width: int}
    body:
      - when:
          test: width > 4
          then: [{conv: {out: width, kernel: 3}, as: a}]
          else: [{conv: {out: width, kernel: 1}, as: a}]
      - {from: [a, a], relu: {}, as: b}
      - when: {test: width > 4, then: [sigmoid]}
stages: [{block: unit, width: 4}, {block: unit, width: 8}]
"""
    ).blocks
    first, second = (item for item in template.walk() if isinstance(item, Choice))
    (merged,) = first.merged
    join = next(
        item for item in template.walk() if isinstance(item, Node) and item.op.kind == "add"
    )
    assert join.inputs == (merged.result, merged.result)
    assert text(merged.result.type.channels) == "width"
    assert text(second.test) == "width > 4"


def test_a_number_of_another_scope_is_an_argument() -> None:
    found = made("""\
blocks:
  unit: {params: {slot: {type: steps, default: []}}, body: [slot]}
stages: [{times: 2, block: unit, slot: [{conv: {out: 4 * stage + 4, kernel: 1}}]}]
""")
    (template,) = found.blocks
    assert text(node(template, "conv1").op.out) == "conv1_out"  # type: ignore[attr-defined]
    assert template.parameters["conv1_out"].place == ("conv1", "out")
    passed = [call.arguments["conv1_out"] for call in found.network.calls.values()]
    assert passed == [4, 8]


def test_a_formula_with_names_of_the_block_too_stays_one() -> None:
    found = made("""\
blocks:
  unit:
    params: {slot: {type: steps, default: []}}
    body: [slot]
stages:
- times: 2
  block: unit
  slot: [{conv: {out: stage + 4, kernel: 1}}, {conv: {out: channels * (stage + 1), kernel: 1}}]
""")
    (template,) = found.blocks
    outs = [text(node(template, f"conv{n}").op.out) for n in (1, 2)]  # type: ignore[attr-defined]
    assert outs == ["conv1_out", "conv1_out * (stage + 1)"]


def test_a_number_of_steps_that_some_instances_lack() -> None:
    """One argument for what counts, though its values are known in some shapes alone."""
    found = made("""\
blocks:
  unit: {params: {slot: {type: steps, default: []}}, body: [{conv: {out: 4, kernel: 1}}, slot]}
stages:
- block: unit
  repeat: 3
  slot: [{when: {test: index > 0, then: [{conv: {out: index, kernel: 1}}]}}]
""")
    (template,) = found.blocks
    choice = next(item for item in template.walk() if isinstance(item, Choice))
    assert text(choice.test) == "has_conv"
    assert {n: p.value.values for n, p in template.parameters.items()} == {
        "in_channels": (4, 4, 1),
        "index": (0, 1, 2),
        "has_conv": (False, True, True),
    }


def test_names_of_an_inline_block_stay_names() -> None:
    found = made("""\
blocks:
  narrow:
    inline: true
    params: {ratio: 4, gamma: 1.0}
    let: {mid: "max(in_channels // ratio, 2)"}
    body: [{conv: {out: mid, kernel: 1}}, {scale: {init: {constant: gamma}}}]
  unit:
    params: {w: int, ratio: 4, gamma: 0.5}
    let: {wide: w * 2}
    body:
    - conv: {out: wide, kernel: 1}
    - narrow: {ratio: ratio, gamma: gamma / 2}
    - conv: {out: wide, kernel: 1}
    - narrow: {}
    - conv: {out: wide, kernel: 1}
    - narrow: {}
stages: [{block: unit, w: 8}, {block: unit, w: 16, ratio: 2, gamma: 0.25}]
""")
    (template,) = found.blocks
    assert {name: text(value) for name, value in template.local.items()} == {
        "wide": "w * 2",
        "mid": "max(wide // ratio, 2)",
        "mid_2": "max(wide // 4, 2)",
    }
    outs = [text(node(template, f"conv{n}").op.out) for n in (2, 4, 6)]  # type: ignore[attr-defined]
    assert outs == ["mid", "mid_2", "mid_2"]


def test_arguments_that_an_inline_block_is_given_have_its_names() -> None:
    found = made("""\
blocks:
  scaled: {inline: true, params: {gamma: float}, body: [{scale: {init: {constant: gamma}}}]}
  unit: {params: {s: {type: steps, default: []}}, body: [s]}
stages: [{block: unit, s: [{scaled: {gamma: 0.1}}]}, {block: unit, s: [{scaled: {gamma: 0.2}}]}]
""")
    (template,) = found.blocks
    assert list(template.parameters) == ["gamma"]


def test_names_of_other_scopes_go_through_the_blocks_between() -> None:
    found = made("""\
blocks:
  inner: {params: {s: {type: steps, default: []}}, body: [s]}
  outer:
    params: {w: int}
    body: [{repeat: {times: 2, body: [{inner: {s: [{conv: {out: w + 4 * index, kernel: 1}}]}}]}}]
stages: [{block: outer, w: 4}, {block: outer, w: 8}]
""")
    inner, outer = found.blocks
    assert {name: p.qualified for name, p in inner.parameters.items()} == {
        "in_channels": "inner.in_channels",
        "conv1_out": None,
    }
    passed = [text(call.arguments["conv1_out"]) for call in outer.calls.values()]
    assert passed == ["w", "w + 4"]


def without_formulas(program: Program) -> Program:
    """The same program as if it had been read off a model."""

    def bare(item: Node | Region) -> Node | Region:
        if isinstance(item, Node):
            return dataclasses.replace(item, formulas=NO_FORMULAS)
        return dataclasses.replace(
            item,
            formulas=NO_FORMULAS,
            test=None,
            items=tuple(bare(inner) for inner in item.items),
        )

    main = bare(program.main)
    assert isinstance(main, Region)
    return dataclasses.replace(program, main=main)


def test_without_formulas_numbers_are_fitted_or_are_arguments() -> None:
    program = netspec.loads(
        HEAD + "blocks: {unit: {params: {w: int, k: 3}, body: ["
        "{conv: {out: w, kernel: 1}}, {conv: {out: 2 * w, kernel: k * k - 8}},"
        " {conv: {out: w // 2, kernel: 1}}, {conv: {out: w + 1, kernel: 1}},"
        " {when: {test: w > 4, then: [relu]}}, {conv: {out: 4, kernel: 1}}]}}\n"
        "stages: [{block: unit, w: 4}, {block: unit, w: 8}, {block: unit, w: 12, k: 5}]"
    ).network
    found = templates(without_formulas(program))
    (template,) = found.blocks
    outs = [text(node(template, f"conv{n}").op.out) for n in (1, 2, 3, 4)]  # type: ignore[attr-defined]
    assert outs == ["w", "w * 2", "w // 2", "conv4_out"]
    # Equal numbers are one argument.
    assert text(node(template, "conv2").op.kernel) == ["conv2_kernel", "conv2_kernel"]  # type: ignore[attr-defined]
    (choice,) = (item for item in template.walk() if isinstance(item, Choice))
    assert text(choice.test) == "has_relu"
    passed = [
        (call.arguments["conv4_out"], call.arguments["has_relu"], call.arguments["conv2_kernel"])
        for call in found.network.calls.values()
    ]
    assert passed == [(5, False, 1), (9, True, 1), (13, True, 17)]


def test_fitting() -> None:
    p = named("p", [4, 8])
    assert text(fit({0: 4, 1: 8}, [p])) == "p"
    assert text(fit({0: 12, 1: 24}, [p])) == "p * 3"
    assert text(fit({0: 1, 1: 2}, [p])) == "p // 4"
    assert fit({0: 5, 1: 9}, [p]) is None
    assert fit({0: 0.5, 1: 1.0}, [p]) is None
    assert text(fit({1: 16}, [named("q", [3, 5]), p])) == "p * 2"


# What parts instances


@pytest.mark.parametrize(
    ("block", "calls", "reason"),
    [
        ("{params: {s: {type: steps}}, body: [s]}", "s: [relu]|s: [tanh]", "list of steps"),
        ("{params: {s: {type: steps}}, body: [s]}", "s: [relu]|s: [relu, relu]", "list of steps"),
        (
            "{params: {n: int}, body: [{repeat: {times: n, body: [relu]}}]}",
            "n: 1|n: 2",
            "repetitions",
        ),
        (
            "{params: {m: str}, body: [{conv: {out: 4, kernel: 3, padding: {param: m}}}]}",
            "m: same|m: valid",
            "another `m`",
        ),
        (
            '{params: {k: "list[int]"}, body: [{conv: {out: 4, kernel: "k[0]"}}]}',
            "k: [1]|k: [1, 3]",
            "length of `k`",
        ),
        ('{params: {n: int}, body: [{relu: {}, name: "r{n}"}]}', "n: 1|n: 2", "another name"),
    ],
)
def test_instances_part_at_what_no_number_says(block: str, calls: str, reason: str) -> None:
    stages = ", ".join(f"{{block: unit, {call}}}" for call in calls.split("|"))
    found = made(f"blocks: {{unit: {block}}}\nstages: [{stages}]").blocks
    assert [len(template.instances) for template in found] == [1, 1]
    for template in found:
        (why,) = template.reasons
        assert reason in why.what
        assert why.span is not None


def test_why_instances_part_says_what_there_is_and_where() -> None:
    found = made(f"{POST}stages: [{{block: unit, s: [relu, norm]}}, {{block: unit, s: []}}]")
    assert len(found.blocks) == 1
    found = made(f"{POST}stages: [{{block: unit, s: [relu, norm]}}, {{block: unit, s: [relu]}}]")
    for template in found.blocks:
        (why,) = template.reasons
        assert str(why) == "another list of steps: `relu, batch_norm` or `relu`"
        assert why.span is not None
        assert why.span.line == 4  # the slot, in the block


POST = "blocks: {unit: {params: {s: {type: steps}}, body: [{conv: {out: 4, kernel: 1}}, s]}}\n"


# Ops that are chosen


def chosen(text: str) -> Templates:
    """The templates of a spec, where ops may be arguments."""
    return templates(netspec.loads(HEAD + text).network, choose=True)


@pytest.mark.parametrize(
    ("one", "other", "arguments"),
    [
        ("[relu]", "[silu]", ["activation"]),
        ("[{leaky_relu: {slope: 0.2}}]", "[relu]", ["activation"]),
        ("[{gelu: {approximate: tanh}}]", "[gelu]", ["activation"]),
        ("[relu, conv1x1, relu]", "[silu, conv1x1, silu]", ["activation"]),
        ("[relu, conv1x1, tanh]", "[silu, conv1x1, relu]", ["activation", "activation_2"]),
        ("[{leaky_relu: {slope: 0.2}}]", "[{leaky_relu: {slope: 0.1}}]", ["leaky_relu_slope"]),
        ("[{batch_norm: {}, name: n}]", "[{group_norm: {groups: 2}, name: n}]", ["norm_layer"]),
        ("[{held: {t: [relu]}}]", "[{held: {t: [tanh]}}]", ["activation"]),
        ("[]", "[tanh]", ["s"]),
    ],
)
def test_ops_of_one_category_become_an_argument(one: str, other: str, arguments: list[str]) -> None:
    found = chosen(f"{HELD}stages: [{{block: unit, s: {one}}}, {{block: unit, s: {other}}}]")
    unit = found.blocks[-1]
    assert [name for name in unit.parameters if name != "in_channels"] == arguments
    assert len(unit.instances) == 2
    for call in found.network.calls.values():
        passed = [call.arguments[name] for name in arguments]
        assert not any(isinstance(value, Varying) for value in passed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[relu]", "[norm]"),
        ("[norm]", "[{group_norm: {groups: 2}}]"),  # bn1 and gn1: the keys of weights
        ("[{relu: {}, name: a}]", "[{tanh: {}, name: b}]"),
        ("[dropout]", "[relu]"),
    ],
)
def test_what_is_another_layer_parts_instances_still(one: str, other: str) -> None:
    found = chosen(f"{HELD}stages: [{{block: unit, s: {one}}}, {{block: unit, s: {other}}}]")
    assert [len(template.instances) for template in found.blocks] == [1, 1]


def test_ops_are_no_argument_unless_asked_for() -> None:
    text = f"{HELD}stages: [{{block: unit, s: [relu]}}, {{block: unit, s: [tanh]}}]"
    assert len(made(text).blocks) == 2


HELD = """\
blocks:
  conv1x1: {body: [{conv: {out: 4, kernel: 1}}]}
  held: {params: {t: {type: steps}}, body: [{conv: {out: 4, kernel: 1}}, t]}
  unit: {params: {s: {type: steps}}, body: [{conv: {out: 4, kernel: 1}}, s]}
"""


def test_blocks_inside_one_another_come_level_by_level() -> None:
    found = made("""\
blocks:
  unit: {params: {s: {type: steps, default: []}}, body: [{conv: {out: 4, kernel: 3}}, s]}
stem: [{unit: {s: [{unit: {s: [unit]}}]}}]
""").blocks
    assert [len(template.instances) for template in found] == [1, 1, 1]
    assert [len(template.calls) for template in found] == [0, 1, 1]


def test_a_block_knows_its_template() -> None:
    program = netspec.loads(f"{HEAD}{UNIT}stages: [{{block: unit, repeat: 2, width: 2}}]").network
    found = templates(program)
    (template,) = found.blocks
    first, second = program.main.regions("block")
    assert found.of(first) == (template, 0)
    assert found.of(second) == (template, 1)


# Size, and the verifier


def test_a_thousand_equal_blocks_are_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[int] = []

    def counted(column: Any, *rest: Any) -> Any:
        walked.append(len(column))
        return unify(column, *rest)

    monkeypatch.setattr("netspec.ir.template.ops.unify", counted)
    counts = []
    for repeat in (10, 1000):
        walked.clear()
        (template,) = made(
            f"{UNIT}stages: [{{block: unit, repeat: {repeat}, width: 2}}, {{block: unit, width: 3}}]"
        ).blocks
        assert len(template.instances) == repeat + 1
        # The first block is its own: what enters it may be negative.
        assert len(template.representatives) == 3
        counts.append(len([size for size in walked if size > 1]))
    assert counts[0] == counts[1] > 0


def test_the_verifier_sees_what_is_not_the_instance() -> None:
    (template,) = made(UNIT + "stages: [{block: unit, width: 2}, {block: unit, width: 6}]").blocks
    check_template(template)
    for old, new in (
        ({"bias": True}, {"bias": False}),
        ({"out": "mid"}, {"out": named("width", [2, 6])}),
    ):
        conv = node(template, "conv1")
        assert all(text(getattr(conv.op, name)) == value for name, value in old.items())
        changed = dataclasses.replace(conv, op=dataclasses.replace(conv.op, **new))  # type: ignore[arg-type]
        items = tuple(changed if item is conv else item for item in template.body.items)
        body = dataclasses.replace(template.body, items=items)
        with pytest.raises(InternalError, match=r"layer1\.0: the template of `unit`"):
            check_template(dataclasses.replace(template, body=body))
    wrong = {"mid": Varying(named("width", [2, 6]).node, (4, 12), False)}
    with pytest.raises(InternalError, match="`width` is 2, and 4 is there"):
        check_template(dataclasses.replace(template, local=wrong))
    swapped = dataclasses.replace(template, shapes=(1, 0))
    with pytest.raises(InternalError, match="is not this instance"):
        check_template(swapped)


def test_instances_are_compared_by_edges_too() -> None:
    steps = "stem: [{relu: {}, as: a}, {tanh: {}, as: b}, {from: [a, b], elu: {}}]"
    rows = flat(netspec.loads(HEAD + steps).network.main)
    assert [row[2] for row in rows[:-1]] == [(0,), (1,), (1, 2), (3,)]
    assert rows[-1] == ("results", 4)


# Which value, which formula, which shape


def test_what_flows_is_taken_where_a_choice_did_nothing() -> None:
    (template,) = made("""\
blocks:
  unit:
    params: {w: int}
    body:
      - conv: {out: w, kernel: 1}
      - when: {test: w == 4, then: [relu]}
      - when: {test: w > 4, then: [tanh]}
stages: [{block: unit, w: 4}, {block: unit, w: 8}, {block: unit, w: 12}]
""").blocks
    first, _ = (item for item in template.walk() if isinstance(item, Choice))
    assert node(template, "tanh").inputs == (first.merged[0].result,)


def test_a_block_inside_its_own_kind_does_not_change_what_names_mean() -> None:
    _, outer = made("""\
blocks:
  unit:
    params: {width: int, slot: {type: steps, default: []}}
    body: [slot, {conv: {out: width + 2, kernel: 1}}]
stages:
  - {block: unit, width: 4, slot: [{unit: {width: 8}}]}
  - {block: unit, width: 12, slot: [{unit: {width: 8}}]}
""").blocks
    assert text(node(outer, "conv1").op.out) == "width + 2"  # type: ignore[attr-defined]
    assert node(outer, "unit.conv1").op.out == 10  # type: ignore[attr-defined]


def test_a_formula_that_only_some_instances_have_is_none() -> None:
    (template,) = made("""\
blocks: {unit: {params: {s: {type: steps}}, body: [s]}}
stages:
  - {block: unit, s: [{conv: {out: 4 * stage + 4, kernel: 1}}]}
  - {block: unit, s: [{conv: {out: 8 * stage, kernel: 1}}]}
""").blocks
    assert text(node(template, "conv1").op.out) == "conv1_out"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ("{batch_norm: {eps: E}}", "{batch_norm: {eps: E}}", ["eps", "eps"]),
        ("{batch_norm: {eps: E}}", "{batch_norm: {eps: 2 * E}}", ["bn1_eps", "bn2_eps"]),
        ("{batch_norm: {eps: E}}", "{batch_norm: {eps: 0.5}}", ["bn1_eps", "0.5"]),
    ],
)
def test_what_several_ops_say_alike_is_called_after_the_attribute(
    first: str, second: str, names: list[str]
) -> None:
    steps = f"[{first}, {second}]"
    (template,) = made(
        "blocks: {unit: {params: {s: {type: steps}}, body: [s]}}\n"
        f"stages: [{{block: unit, s: {steps.replace('E', '0.1')}}},"
        f" {{block: unit, s: {steps.replace('E', '0.2')}}}]"
    ).blocks
    assert [str(text(node(template, f"bn{n}").op.eps)) for n in (1, 2)] == names  # type: ignore[attr-defined]


def test_a_layer_of_a_row_needs_no_name_of_its_own() -> None:
    """A convolution that is only a number there; a `rate` would not say of what."""
    (template,) = made(
        "blocks: {unit: {params: {s: {type: steps}}, body: [{name: row, sequence: [s]}]}}\n"
        "stages: [{block: unit, s: [{conv: {out: 4, kernel: 1, groups: 2}}, {dropout: {rate: 0.1}}]},"
        " {block: unit, s: [{conv: {out: 4, kernel: 1, groups: 4}}, {dropout: {rate: 0.2}}]}]"
    ).blocks
    assert text(node(template, "row.0").op.groups) == "groups"  # type: ignore[attr-defined]
    assert text(node(template, "row.1").op.rate) == "row_dropout_rate"  # type: ignore[attr-defined]


def test_a_fraction_that_an_argument_has_already_is_that_argument() -> None:
    (template,) = made(
        "blocks: {unit: {params: {e: float, s: {type: steps}}, body: [{batch_norm: {eps: e}}, s]}}\n"
        "stages: [{block: unit, e: 0.1, s: [{batch_norm: {eps: 0.1}}]},"
        " {block: unit, e: 0.2, s: [{batch_norm: {eps: 0.2}}]}]"
    ).blocks
    assert text(node(template, "bn2").op.eps) == "e"  # type: ignore[attr-defined]


def test_a_kept_number_is_never_fitted() -> None:
    spec = (
        "blocks: {top: {params: {n: int, s: {type: steps}}, body: [{linear: {out: n}}, s]}}\n"
        "head: [global_avg_pool, {top: {n: classes, s: [{linear: {out: 10}}]}},"
        " {top: {n: 3, s: [{linear: {out: 3}}]}}]"
    )
    (template,) = templates(netspec.loads(KEPT + spec).network).blocks
    assert text(node(template, "fc1").op.out) == "n"  # type: ignore[attr-defined]
    assert text(node(template, "fc2").op.out) == "fc2_out"  # type: ignore[attr-defined]


def keys(program: Program, *regions: Region) -> list[Any]:
    shapes = Shapes(Surroundings([program]))
    return [shapes.key(region) for region in regions]


def test_shapes_differ_by_edges_and_by_names_of_other_scopes() -> None:
    steps = "stem: [{{relu: {{}}, as: a}}, {{tanh: {{}}, as: b}}, {{from: [{}], elu: {{}}}}]"
    programs = [netspec.loads(HEAD + steps.format(order)).network for order in ("a, b", "b, a")]
    first, second = (keys(program, program.main)[0] for program in programs)
    assert first != second
    program = netspec.loads(f"""{HEAD}
blocks:
  inner: {{params: {{s: {{type: steps}}}}, body: [s]}}
  outer: {{params: {{w: int}}, body: [{{inner: {{s: [{{conv: {{out: "min(w, 4)", kernel: 1}}}}]}}}}]}}
stages: [{{block: outer, w: 4}}, {{block: outer, w: 8}}, {{block: outer, w: 8}}]
""").network
    inner = [b for b in program.main.regions("block") if b.path.endswith("inner")]
    found = keys(program, *inner)
    assert found[0] != found[1] == found[2]
