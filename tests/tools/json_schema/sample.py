"""A spec and a block that use every key of the language, and ways to spoil them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from netspec.lang.source import parse
from netspec.ops import OPS, attributes_of

SPEC = """\
netspec: 1
name: sample
title: Sample
doc: A little of everything.
params:
  block: {type: block, default: own, doc: the block of both stages}
  depths: [2, 1]
  shares: [0.5, 1]
  rate: 0.1
  flag: true
  width: {type: int, default: 8}
  half: {type: int, default: width // 2}
  rule: {type: str, default: same}
  tail: {type: steps, default: [relu]}
  classes: {type: int}
let: {wide: width * 2}
arguments: [classes]
default: small
variants:
  small: {classes: 3}
  other: {classes: 4, block: basic, tail: [], depths: [1, 1]}
  plain: {classes: 5, tail: softmax}
input: {channels: half, size: [9, 12]}
defaults:
  norm: {group_norm: {groups: 2}}
  act: leaky_relu
  conv: {bias: flag, padding: symmetric, init: {kaiming_normal: fan_out}, bias_init: {uniform: fan_in}}
  linear:
    init: {variance_scaling: {scale: 1 / 3, mode: fan_in, distribution: uniform}}
    bias_init: 0.5
  dropout:
blocks:
  own:
    doc: Steps of every kind.
    title: Own
    label: own
    inline: false
    params:
      width: int
      stride: 1
      groups: 1
    let: {twice: width * 2}
    body:
      - residual:
          body:
            - {norm: {init: {constant: 0.5}}, as: first}
            - conv: {out: twice, kernel: [3, "2 + 1"], stride: stride, groups: groups, padding: [1, [1, 1]]}
            - act
            - repeat:
                times: 2
                index: i
                body:
                  - conv: {out: width, kernel: i * 2 + 1, padding: same, dilation: 1}
            - when: {test: width > 4, then: act, else: [sigmoid]}
          shortcut: {projection: {out: width, stride: stride}}
      - gate: {body: [global_avg_pool: {keep_dims: true}, {conv: {depthwise: true, kernel: 1}}, sigmoid]}
stem:
  - conv: {out: width, kernel: 3, padding: {param: rule}, init: {truncated_normal: 0.02}}
  - branches: {merge: concat, left: [{gelu: {approximate: tanh}}], right: [silu]}
  - concat: {body: [conv: {out: 4, kernel: 1, init: zeros}]}
  - {sequence: [norm, act], name: pair, as: early}
  - conv: {out: width, kernel: 1}
    name: 1
stages:
  - block: block
    name: "stage{stage}"
    block_name: "block{index}"
    repeat: depths[0]
    width: {each: [8, 8]}
    stride: 2
    stride_at: last
    between: {max_pool: {kernel: 2}}
    first: {width: width}
    last: {stride: 1}
  - {block: basic, times: 1, repeat: 1, width: wide, attention: [squeeze_excite: {ratio: 0.5}]}
head:
  - {as: late, dropout: {rate: rate}}
  - {from: [late, late], merge: mul}
  - flatten: {order: channels_last}
  - linear: {out: classes}
  - tail
outputs: {middle: early, extra: {from: late, when: training}}
"""

BLOCK = """\
netspec: 1
block: sample
doc: A block.
label: s
params: {width: int, ratio: {type: float, default: 0.5, doc: a share}, tail: {type: steps, default: []}}
let: {mid: ceil(width * ratio)}
body:
  - conv: {out: mid, kernel: 1}
  - norm
  - tail
"""

SAMPLES = {"spec": parse(SPEC).data, "block": parse(BLOCK).data}

WORDS = sorted({*OPS, *(name for op in OPS.values() for name in attributes_of(op))})


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value inside ``value``, as keys and indices."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*above, key)
        if isinstance(item, dict | list):
            yield from places(item, (*above, key))


def at(value: Any, place: tuple[Any, ...]) -> Any:
    """The value at a place."""
    for key in place:
        value = value[key]
    return value


VALUES = st.one_of(
    st.sampled_from([*WORDS, "zzz", "width", "stage", "width * 2", "a b", "", "1x", "ü", "same"]),
    st.integers(-2, 9),
    st.sampled_from([0.5, True, False, None, [], {}, [1, 2], ["norm"], {"each": [1, 2]}]),
    st.sampled_from([{"param": "rule"}, {"conv": {"out": 3, "kernel": 1}}, {"type": "int"}]),
)


@dataclass(frozen=True)
class Spoiled:
    """A changed sample, where it was changed, and how."""

    data: Any
    place: tuple[Any, ...]
    how: str


@st.composite
def spoiled(draw: st.DrawFn, kind: str) -> Spoiled:
    """A sample with one change to it: a key or value is renamed, added, removed or replaced."""
    data = copy.deepcopy(SAMPLES[kind])
    place = draw(st.sampled_from(sorted(places(data), key=str)))
    *above, last = place
    parent = at(data, tuple(above))
    how = draw(st.sampled_from(["renamed", "added", "removed", "replaced"]))
    if how == "removed":
        del parent[last]
        return Spoiled(data, place, "removed")
    if how == "replaced" or not isinstance(parent, dict):
        parent[last] = draw(VALUES)
        return Spoiled(data, place, f"replaced by {parent[last]!r}")
    new = draw(st.one_of(st.sampled_from(WORDS), st.just(f"{last}z"), st.just("zzz")))
    parent[new] = parent.pop(last) if how == "renamed" else draw(VALUES)
    return Spoiled(data, (*above, new), f"{how} beside {last}: {parent[new]!r}")
