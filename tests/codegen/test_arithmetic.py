"""Numbers in generated source are said as a person would say them: lines of small specs, before and after."""

from __future__ import annotations

import pytest

from netspec import api

HEAD = "netspec: 1\nname: net\n"
IMAGE = "input: {channels: 3, size: [32, 32]}\n"
TAIL = "head: [global_avg_pool, {linear: {out: 10}}]\n"

DROP_PATHS = """
params: {depths: [2, 4, 6, 3], rate: 0.2}
stem: [{conv: {out: 16, kernel: 3}}]
stages:
  times: len(depths)
  block: preact_basic
  repeat: depths[stage]
  width: 16
  drop_rate: rate * running_index / (total - 1)
"""
DROP_PATH = DROP_PATHS.replace("[2, 4, 6, 3]", "[6]")
PER_STEP = """
params: {rate: 0.2}
blocks:
  unit:
    params: {rate: 0.0}
    body: [{conv: {out: channels, kernel: 3}}, {drop_path: {rate: rate}}]
stages:
  - {block: unit, repeat: 4, rate: rate / 23 * (index + 1)}
"""
DILATED = """
blocks:
  dilated:
    params: {dilation: int}
    body: [{conv: {out: 16, kernel: 3, dilation: dilation}}]
stem: [{conv: {out: 16, kernel: 3}}, {dilated: {dilation: 1}}, {dilated: {dilation: 4}}]
"""
PAIR = """
blocks:
  pair:
    params: {inner: int}
    body:
      - branches:
          left: [{conv: {out: inner, kernel: 1}}]
          right: [{conv: {out: inner, kernel: 3}}]
          merge: concat
      - conv: {out: 8, kernel: 1}
stem: [{pair: {inner: 8}}, {pair: {inner: 24}}]
"""
RUNNING = """
params: {depths: [3, 15, 6]}
stem: [{conv: {out: 16, kernel: 3}}]
stages:
  times: len(depths)
  block: preact_basic
  repeat: depths[stage]
  width: 16 * (running_index + 1)
"""
LOOKED_UP = """
params: {widths: [16, 16, 24, 24, 40]}
stem: [{conv: {out: 16, kernel: 3}}]
stages:
  - {block: preact_basic, repeat: 5, width: "widths[index]"}
"""
SLOW = """
input: {channels: 3, size: [8, 32, 32]}
blocks:
  slow:
    params: {width: int, time: int}
    body: [{conv: {out: width, kernel: [time, 1, 1]}}, norm]
stem: [{slow: {width: 8, time: 1}}, {slow: {width: 16, time: 3}}]
"""
FLAT = """
input: {channels: 3, size: [28, 28]}
defaults:
  linear:
    init: {variance_scaling: {scale: 1 / 3, mode: fan_in, distribution: uniform}}
    bias_init: {uniform: fan_in}
stem: [{conv: {out: 512, kernel: 1, stride: 2}}, flatten]
head: [{linear: {out: 64}}, {linear: {out: 10}}]
"""
KEPT = "params: {classes: 10}\narguments: [classes]" + FLAT.replace("{out: 10}", "{out: classes}")
DEVIATIONS = """
defaults: {conv: {init: {variance_scaling: {scale: 1, mode: fan_out, distribution: normal}}}}
stem: [{conv: {out: 48, kernel: 3}}, {conv: {out: 96, kernel: 3, groups: 48}}]
"""
DIVISIBLE = """
blocks:
  squeezed:
    let: {inner: "make_divisible(in_channels * 0.25, 4, 0.0)"}
    body: [{conv: {out: inner, kernel: 1}}, {conv: {out: in_channels * 2, kernel: 1}}]
stem: [{conv: {out: 16, kernel: 1}}, squeezed, squeezed]
"""
ODD_DIVISIBLE = DIVISIBLE.replace("4, 0.0", "8, 0.9").replace("squeezed]", "squeezed, squeezed]")
MIRRORED = """
blocks:
  unit:
    params: {width: int}
    body:
      - when: {test: in_channels == width, then: [norm]}
      - conv: {out: width, kernel: 3}
stem: [{conv: {out: 16, kernel: 3}}, {unit: {width: 16}}, {conv: {out: 16, kernel: 1}}, {unit: {width: 24}}]
"""

SAID = [
    (DROP_PATH, "torch", "drop_rate=0.2 * index / 5", "0.04"),
    (DROP_PATHS, "torch", "0.2 * index / (total - 1) for index in range(total)", "0.01428"),
    (DROP_PATHS, "keras", "0.2 * index / 14 for index in range(15)", "0.01428"),
    (PER_STEP, "torch", "Unit(rate=0.2 / 23 * (index + 1))", "0.0086"),
    (DILATED, "torch", "padding=dilation", "//"),
    (PAIR, "torch", "nn.Conv2d(2 * inner, 8", "inner + inner"),
    (RUNNING, "torch", "16 * (index + 19)", "+ 18 + 1"),
    (RUNNING, "keras", "16 * (index + 19)", "+ 18 + 1"),
    (LOOKED_UP, "torch", "PreactBasic(24, 40)", "]["),
    (LOOKED_UP, "keras", "preact_basic(x, 40", "]["),
    (SLOW, "keras", 'layers.Conv3D( width, (time, 1, 1), padding="same"', "if "),
    (SLOW, "torch", "padding=((time - 1) // 2, 0, 0)", "if time"),
    (FLAT, "torch", "nn.Linear(512 * 14 * 14, 64)", "100352"),
    (FLAT, "keras", "bound = x.shape[-1] ** -0.5", "100352"),
    (KEPT, "keras", "RandomUniform(-bound, bound)", "0.125"),
    (DEVIATIONS, "torch", "std=(1 / 864) ** 0.5", "0.034"),
    (DEVIATIONS, "keras", "stddev=(1 / 864) ** 0.5", "0.034"),
    (DIVISIBLE, "torch", "inner = in_channels // 4", "make_divisible"),
    (DIVISIBLE, "keras", "inner = in_channels // 4", "make_divisible"),
    (
        ODD_DIVISIBLE,
        "torch",
        "inner = make_divisible(in_channels * 0.25, 8, 0.9)",
        "in_channels // 4",
    ),
    (MIRRORED, "torch", "if width == 16:", "16 == width"),
]


@pytest.mark.parametrize(("text", "backend", "said", "unsaid"), SAID)
def test_a_number_is_said_as_a_person_would(
    text: str, backend: str, said: str, unsaid: str
) -> None:
    image = "" if "input:" in text else IMAGE
    tail = "" if "head:" in text else TAIL
    source = api.loads(HEAD + image + text + tail).generate(backend)
    code = " ".join(source.split("Fingerprint: ")[1].split())
    assert said in code
    assert unsaid not in code
