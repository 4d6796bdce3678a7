"""Small specs that together have what the lowerings can get wrong, each op in a part of its own."""

from __future__ import annotations

from functools import cache

import netspec
from netspec.api import CompiledNetwork

RESIDUAL = """
netspec: 1
name: residual
input: {channels: 3, size: [16, 24]}
defaults:
  conv: {bias: false}
stem:
  - conv: {out: 6, kernel: 5, stride: 2}
  - norm
  - act
  - max_pool: {kernel: 3, stride: 2, padding: 1}
stages:
  - {block: basic, repeat: 2, width: 6}
  - {block: bottleneck, repeat: 1, width: 3, stride: 2, attention: [squeeze_excite]}
head:
  - global_avg_pool
  - dropout: {rate: 0.25}
  - linear: {out: 5}
  - softmax
"""

PREACT = """
netspec: 1
name: preact
input: {channels: 3, size: [16, 26]}
outputs: {middle: layer1}
blocks:
  bare:
    doc: No norm ahead of the activation, which reads what the shortcut takes too.
    params: {width: int}
    body:
      - residual: {body: [relu, {conv: {out: width, kernel: 3}}], shortcut: []}
stem:
  - conv: {out: 6, kernel: 3}
  - max_pool: {kernel: 2, ceil: true}
stages:
  - {block: preact_basic, repeat: 2, width: 6}
  - {block: bare, repeat: 1, width: 6}
head:
  - global_max_pool
  - linear: {out: 5}
"""

OPS = """
netspec: 1
name: ops
input: {channels: 4, size: [10, 13]}
blocks:
  run:
    doc: The steps passed in, so that each op has a stage of its own.
    params: {body: steps}
    body: [body]
stem:
  - conv: {out: 8, kernel: 3, groups: 2}
  - prelu
stages:
  - {block: run, repeat: 1, body: [{conv: {out: 8, kernel: 3, dilation: 2}}, gelu]}
  - {block: run, repeat: 1, body: [{avg_pool: {kernel: 3, stride: 1, padding: 1, count_include_pad: false}}]}
  - {block: run, repeat: 1, body: [{conv: {out: 8, kernel: 1}}, leaky_relu, {max_pool: {kernel: 3, stride: 2, padding: 1}}, {layer_norm: {affine: false}}]}
  - {block: run, repeat: 1, body: [{conv: {out: 16, kernel: 3, depthwise: true}}, relu6]}
  - {block: run, repeat: 1, body: [{conv: {out: 8, kernel: [3, 2], padding: same}}, {group_norm: {groups: 2}}, silu]}
  - {block: run, repeat: 1, body: [{pad_channels: {before: 1, after: 3}}, scale]}
  - {block: run, repeat: 1, body: [{subsample: {stride: 2}}]}
head:
  - flatten
  - relu
  - linear: {out: 5}
"""

FLAT = """
netspec: 1
name: flat
input: {channels: 3, size: [4, 6]}
stem:
  - conv: {out: 4, kernel: 3}
head:
  - flatten: {order: channels_first}
  - batch_norm
  - linear: {out: 5}
"""

_TEXTS = {"residual": RESIDUAL, "preact": PREACT, "ops": OPS, "flat": FLAT}


@cache
def spec(name: str) -> CompiledNetwork:
    """A small network by its name."""
    return netspec.loads(_TEXTS[name], file=f"{name}.yaml")
