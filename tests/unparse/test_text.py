"""What a program is written as: names, wires, blocks, stages and parameters as a person would have them."""

from __future__ import annotations

import dataclasses

import pytest

import netspec
from netspec.errors import InternalError, NetspecError
from netspec.ir import Node, Program, Region, Value
from netspec.ir.fingerprint import fingerprint
from netspec.ops.merge import Mul
from netspec.ops.pooling import GlobalAvgPool
from netspec.ops.types import TensorType
from netspec.unparse import spec_text
from netspec.unparse.naming import Namer
from tests.unparse.checks import settled, written

HEAD = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 8]}\n"


def program(text: str) -> Program:
    return netspec.loads(HEAD + text).network


def body(text: str) -> str:
    """What is written of a spec, behind what all of these have."""
    found = written(settled(program(text)))
    assert found.startswith(HEAD)
    return found.removeprefix(HEAD)


ITSELF = {
    "combinators": """\
stem:
  - as: early
    conv: {out: 8, kernel: 3}
  - branches:
      merge: concat
      wide: [{conv: {out: 6, kernel: 5}}]
      flat: [{max_pool: {kernel: 3, stride: 1, padding: symmetric}}, {conv: {out: 6, kernel: 1}}]
  - concat:
      body:
        - conv: {out: 4, kernel: 3}
  - as: gated
    gate:
      body:
        - global_avg_pool: {keep_dims: true}
        - sigmoid
  - as: late
    from: early
    conv: {out: 16, kernel: [3, 5], stride: 2, padding: [1, [0, 4]]}
  - {from: [late, late], merge: mul}
outputs:
  early: early
  late: late
  gated: gated
""",
    "indices that nothing has": """\
stem:
  - name: c
    sequence:
      - conv: {out: 4, kernel: 3}
      - when: {test: false}
      - tanh
""",
    "blocks of several inputs and results": """\
blocks:
  cell:
    inputs: [current, previous]
    results: [out, current]
    params:
      width: int
    body:
      - as: fitted
        from: previous
        conv: {out: width, kernel: 1}
      - as: wide
        from: current
        conv: {out: width, kernel: 3}
      - {as: out, from: [wide, fitted], merge: concat}
  twice:
    inputs: [entering]
    body:
      - as: sigmoid
        sigmoid:
      - {from: [sigmoid, entering], merge: mul}
stem:
  - as: early
    conv: {out: 8, kernel: 3}
  - as: [first, cell]
    from: [early, early]
    cell: {width: 4}
stages:
  - {block: cell, from: [first, early], repeat: 2, width: 8}
  - {block: cell, width: 4}
  - {block: twice}
""",
    "parts, and the size of another": """\
stem:
  - as: whole
    tanh:
  - as: [part1, part2]
    split: {sizes: [1, 3]}
  - {from: [part2, part1], merge: concat}
  - max_pool: {kernel: 2}
  - as: back
    resize: {mode: bilinear, like: whole}
  - {from: [whole, back]}
""",
    "what only training needs": """\
stages:
  - {block: plain, w: 4}
  - {name: two, block: plain, w: 8}
blocks:
  plain:
    params:
      w: int
    body:
      - conv: {out: w, kernel: 3}
head:
  - as: aux
    from: layer1
    global_avg_pool:
  - from: two
    global_avg_pool:
outputs:
  logits: output
  aux: {from: aux, when: training}
""",
    "a choice, of which more is used than what flows": """\
blocks:
  b:
    params:
      w: int
    body:
      - as: first
        conv: {out: 4, kernel: 3}
      - as: when
        when:
          test: w > 4
          then:
            - as: inner
              sigmoid:
            - tanh
          else:
            - as: inner
              selu:
      - {from: [first, inner, when]}
      - conv: {out: w, kernel: 1}
stem:
  - b: {w: 4}
  - b: {w: 6}
""",
}
"""Specs that are written as they are, but for the order of sections."""


@pytest.mark.parametrize("text", ITSELF.values(), ids=ITSELF)
def test_a_spec_as_short_as_it_gets_stays_what_it_is(text: str) -> None:
    assert sorted(body(text).splitlines()) == sorted(text.splitlines())


WRITTEN = {
    "a repeat, as long as its rounds are alike": (
        """
stem:
  - repeat: {times: 3, body: [{conv: {out: 4, kernel: 3}}, act]}
  - repeat: {times: 2, index: i, body: [{conv: {out: 8 + 4 * i, kernel: 3}}]}
  - repeat: {times: 2, body: [{conv: {out: 4, kernel: 3}, name: "x{index}"}]}
""",
        """\
stem:
  - repeat:
      times: 3
      body:
        - conv: {out: 4, kernel: 3}
        - act
  - repeat:
      times: 2
      body:
        - conv: {out: 8 + 4 * index, kernel: 3}
  - name: x0
    conv: {out: 4, kernel: 3}
  - name: x1
    conv: {out: 4, kernel: 3}
""",
    ),
    "blocks in a row that are alike, or whose numbers grow": (
        """
blocks: {b: {params: {w: int, rate: 0.0}, body: [{conv: {out: w, kernel: 3}}, {dropout: {rate: rate}}]}}
stem: [{b: {w: 4}}, {b: {w: 8}}, {b: {w: 16}}, {b: {w: 16, rate: 0.1}}, {b: {w: 16, rate: 0.2}}]
head: [{b: {w: 4}}, {b: {w: 4}}, {b: {w: 4}}, {b: {w: 7}}, {b: {w: 5}}]
""",
        """\
blocks:
  b:
    params:
      w: int
      rate: 0.0
    body:
      - conv: {out: w, kernel: 3}
      - dropout: {rate: rate}
stem:
  - repeat:
      times: 3
      body:
        - b: {w: 4 * 2 ** index}
  - b: {w: 16, rate: 0.1}
  - b: {w: 16, rate: 0.2}
head:
  - repeat:
      times: 3
      body:
        - b: {w: 4}
  - b: {w: 7}
  - b: {w: 5}
""",
    ),
    "names that count what is not there": (
        """
stem:
  - conv: {out: 4, kernel: 3}
  - when: {test: false, then: [{conv: {out: 4, kernel: 1}}]}
  - conv: {out: 4, kernel: 3}
""",
        """\
stem:
  - conv: {out: 4, kernel: 3}
  - name: conv3
    conv: {out: 4, kernel: 3}
""",
    ),
    "slots and blocks that are passed, in their place": (
        """
blocks:
  b:
    label: part
    params: {w: int, slot: {type: steps, default: []}, other: {type: block, default: projection}}
    let: {half: w // 2}
    body: [{conv: {out: half, kernel: 3}}, slot, {other: {out: w}}]
stem:
  - b: {w: 4, slot: [{conv: {out: channels, kernel: 1}}]}
  - b: {w: 8, slot: [{conv: {out: channels, kernel: 1}}]}
""",
        """\
blocks:
  b:
    label: part
    params:
      w: int
    let:
      half: w // 2
    body:
      - conv: {out: half, kernel: 3}
      - conv: {out: half, kernel: 1}
      - name: downsample
        sequence:
          - conv: {out: w, kernel: 1}
          - norm
stem:
  - b: {w: 4}
  - b: {w: 8}
""",
    ),
    "a slot that some leave empty": (
        """
blocks:
  b: {params: {slot: {type: steps, default: []}}, body: [{conv: {out: 4, kernel: 3}}, slot]}
stages: [{block: b, slot: [sigmoid]}, {block: b}]
""",
        """\
blocks:
  b:
    params:
      slot: false
    body:
      - conv: {out: 4, kernel: 3}
      - when:
          test: slot
          then: [sigmoid]
stages:
  - {block: b, slot: true}
  - {block: b}
""",
    ),
    "numbers that follow the block, the stage, or neither": (
        """
blocks:
  b: {params: {w: int, rate: 0.0}, body: [{conv: {out: w, kernel: 3}}, {dropout: {rate: rate}}]}
stages:
  - {block: b, repeat: 3, w: {each: [8, 12, 9]}}
  - {block: b, repeat: 4, w: 8 * 2 ** index, rate: 0.1 * running_index / (total - 1)}
  - {block: b, repeat: 3, w: 4, name: s, block_name: "u{index + 1}", last: {w: 5}}
""",
        """\
blocks:
  b:
    params:
      w: int
      rate: 0.0
    body:
      - conv: {out: w, kernel: 3}
      - dropout: {rate: rate}
stages:
  - {block: b, repeat: 3, w: {each: [8, 12, 9]}}
  - {block: b, repeat: 4, w: 8 * 2 ** index, rate: 0.1 * running_index / 9}
  - name: s
    block: b
    block_name: u{index + 1}
    repeat: 3
    w: 4
    last: {w: 5}
""",
    ),
    "stages that differ by formulas": (
        """
blocks:
  b:
    params: {w: int, stride: 1}
    body: [{conv: {kernel: 3, depthwise: true, stride: stride}}, {conv: {out: w, kernel: 1}}]
stages: {times: 4, block: b, repeat: "[1, 2, 4, 1][stage]", w: 4 * 2 ** stage, stride: "1 if stage == 0 else 2"}
""",
        """\
blocks:
  b:
    params:
      w: int
      stride: 1
    body:
      - conv: {kernel: 3, stride: stride, depthwise: true}
      - conv: {out: w, kernel: 1}
stages:
  times: 4
  block: b
  repeat: "[1, 2, 4, 1][stage]"
  w: 4 * 2 ** stage
  stride: 1 if stage == 0 else 2
""",
    ),
    "what most steps say, once": (
        """
stem:
  - conv: {out: 4, kernel: 3, bias: false, init: {kaiming_normal: fan_out}}
  - conv: {out: 4, kernel: 3, bias: false, init: {kaiming_normal: fan_out}, padding: same}
  - conv: {out: 4, kernel: 3, bias: true}
  - conv: {out: 4, kernel: 3, bias: false, init: {kaiming_normal: fan_out}}
  - conv: {out: 4, kernel: 3, bias: false, init: {kaiming_normal: fan_out}}
""",
        """\
defaults:
  conv: {bias: false, init: {kaiming_normal: fan_out}}
stem:
  - conv: {out: 4, kernel: 3}
  - conv: {out: 4, kernel: 3, padding: same}
  - conv: {out: 4, kernel: 3, bias: true, init: glorot_uniform}
  - conv: {out: 4, kernel: 3}
  - conv: {out: 4, kernel: 3}
""",
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_what_is_written(text: str, expected: str) -> None:
    assert body(text) == expected


def test_several_inputs_keep_their_names() -> None:
    text = """\
netspec: 1
name: n
input:
  colour: {channels: 3, size: [8, 8]}
  depth: {channels: 1, size: [8, 8]}
stem:
  - as: bright
    conv: {out: 4, kernel: 3}
  - as: deep
    from: depth
    conv: {out: 4, kernel: 3}
  - {from: [bright, deep, colour], merge: concat}
"""
    assert written(netspec.loads(text).network) == text


# Parameters


def test_a_parameter_that_is_kept_stands_in_formulas() -> None:
    spec = (
        HEAD
        + """
params: {classes: {type: int, default: 10, doc: how many}, other: 3, depths: [1, 2]}
let: {half: classes // 2}
stem: [global_avg_pool, {linear: {out: half + other}}, {linear: {out: classes}}]
"""
    )
    compiled = netspec.loads(spec)
    text = compiled.to_yaml(["classes"])
    assert "  classes: {type: int, default: 10, doc: how many}\narguments: [classes]\n" in text
    assert "linear: {out: classes // 2 + 3}" in text
    for classes in (10, 7):  # it is the same family, as far as it was kept
        one, other = (netspec.loads(each, overrides={"classes": classes}) for each in (spec, text))
        assert fingerprint(one.network) == fingerprint(other.network)
    for name, message in (("clases", "did you mean `classes`"), ("depths", "is no number")):
        with pytest.raises(netspec.UsageError, match=message):
            compiled.to_yaml([name])


def test_a_parameter_that_decides_cannot_be_kept() -> None:
    compiled = netspec.load("wrn_16_8")
    with pytest.raises(NetspecError, match="`drop_rate` cannot be kept: a `when` depends on it"):
        compiled.to_yaml(["drop_rate"])


def test_resolve_is_one_call() -> None:
    text = netspec.resolve("resnet", "resnet18", {"classes": 10}, keep=["classes"])
    assert text == netspec.load("resnet18", overrides={"classes": 10}).to_yaml(["classes"])
    assert "default: resnet18\nvariants:\n  resnet18: {}\n" in text


def test_what_people_have_silenced_stays_silent() -> None:
    text = HEAD + "stem: [{conv: {out: 4, kernel: 3}}, norm]  # netspec: ignore[NS301]\n"
    assert "conv: {out: 4, kernel: 3}  # netspec: ignore[NS301]" in netspec.loads(text).to_yaml()
    assert "ignore" not in netspec.loads(text.partition("  #")[0]).to_yaml()


# Programs that no spec gives


def test_a_block_that_others_look_into_is_opened() -> None:
    found = program(
        """
blocks: {b: {body: [{conv: {out: 4, kernel: 3}}, relu]}}
stem: [b, sigmoid]
"""
    )
    inner = found.by_path["b.conv1"].outputs[0]
    text = written(dataclasses.replace(found, outputs={**found.outputs, "inner": inner}))
    assert "  - name: b.conv1\n    as: conv1\n" in text
    assert "blocks:" not in text


def test_what_no_spec_can_say_is_told() -> None:
    found = program("stem: [{conv: {out: 4, kernel: 3}}]")
    value = found.main.result
    pooled = Value(100, TensorType(4, (1, 1)))
    product = Value(101, value.type)
    nodes = (
        Node(GlobalAvgPool(keep_dims=True), (value,), (pooled,), "pool"),
        Node(Mul(), (value, value, pooled), (product,), "mul"),
    )
    head = Region("sequence", nodes, (value,), (product,))
    main = dataclasses.replace(found.main, items=(found.main.items[0], head), outputs=(product,))
    changed = dataclasses.replace(found, main=main, outputs={"output": product})
    with pytest.raises(NetspecError, match="NS707") as caught:
        spec_text(changed)
    assert "one value a channel, which no spec can say" in str(caught.value)


def test_a_spec_of_another_network_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Namer, "settle", lambda self: None)
    with pytest.raises(InternalError, match="is another"):
        spec_text(program("stem: [{conv: {out: 4, kernel: 3}, name: other}]"))
