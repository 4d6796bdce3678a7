"""One spec that has every op, every combinator and every kind of wiring, in each rank."""

from __future__ import annotations

import netspec
from netspec.api import CompiledNetwork

_TEXT = """
netspec: 1
name: everything
params:
  classes: 5
  act_kind: {type: steps, default: [gelu]}
arguments: [classes]
input: {channels: 4, size: SIZE}
defaults:
  conv: {bias: false}
outputs: {early: stem_end, middle: layer1}
blocks:
  mixed:
    params:
      width: int
      stride: 1
      extra: {type: steps, default: []}
    body:
      - residual:
          body:
            - {conv: {out: width, kernel: 3, stride: stride}, as: first}
            - group_norm: {groups: 2}
            - leaky_relu
            - {conv: {out: width, kernel: 3, groups: 2, padding: same}, as: second}
            - {layer_norm: {}, from: [first, second], merge: add}
            - extra
            - drop_path: {rate: 0.1}
          shortcut:
            when:
              test: stride != 1 or in_channels != width
              then: [projection: {out: width, stride: stride}]
      - mish
      - scale
stem:
  - conv: {out: 8, kernel: 4, stride: 1, padding: same}
  - batch_norm
  - prelu
  - act_kind
  - name: pair
    sequence:
      - {silu: {}, as: stem_end}
      - max_pool: {kernel: 3, stride: 2, padding: 1, pad_value: zero}
stages:
  - {block: mixed, repeat: 2, width: 8, extra: [squeeze_excite]}
  - block: mixed
    repeat: 2
    width: 12
    stride: 2
    stride_at: last
    between:
      - avg_pool: {kernel: 3, stride: 1, padding: 1, count_include_pad: false}
head:
  - concat: {body: [{conv: {out: 4, kernel: 1}}, elu, instance_norm]}
  - branches: {a: [hard_swish], b: [{conv: {out: channels, kernel: 3, depthwise: true}}], merge: mul}
  - gate: {body: [{global_max_pool: {keep_dims: true}}, hard_sigmoid]}
  - repeat: {times: 2, body: [{conv: {out: channels, kernel: 1}}, selu]}
  - {tanh: {}, as: t}
  - {sigmoid: {}, as: s}
  - {relu6: {}, from: [t, s], merge: concat}
  - pad_channels: {after: 2}
  - subsample: {stride: 2}
  - relu
  - dropout
  - flatten: {order: channels_last}
  - linear: {out: classes}
  - softmax
"""

SIZES = {1: (19,), 2: (13, 18), 3: (9, 10, 11)}


def everything(rank: int = 2) -> CompiledNetwork:
    """The spec on maps of ``rank`` axes; all ops but ``global_avg_pool``, which its gate also has."""
    return netspec.loads(_TEXT.replace("SIZE", str(list(SIZES[rank]))))
