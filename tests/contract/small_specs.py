"""Small specs that together have what a model can get wrong, most ops in a part of their own."""

RESIDUAL = """
netspec: 1
name: residual
input: {channels: 3, size: [16, 24]}
defaults:
  conv: {bias: false}
blocks:
  gated:
    params: {width: int}
    body:
      - residual:
          body:
            - conv: {out: width, kernel: 3}
            - norm
            - gate:
                body: [{global_avg_pool: {keep_dims: true}}, {conv: {out: width, kernel: 1}}, sigmoid]
      - act
  cut:
    params: {width: int}
    body:
      - residual:
          body: [{conv: {out: width, kernel: 3}}, norm]
      - act
stem:
  - conv: {out: 6, kernel: 5, stride: 2}
  - norm
  - act
  - max_pool: {kernel: 3, stride: 2, padding: 1}
stages:
  - {block: cut, width: 6}
  - {block: bottleneck, width: 3, stride: 2}
  - {block: gated, width: 12}
head:
  - global_avg_pool
  - linear: {out: 12, bias: false}
  - linear: {out: 12}
"""

WIRED = """
netspec: 1
name: wired
input: {channels: 3, size: [12, 18]}
outputs: {one: layer1, two: layer2}
blocks:
  shared:
    params: {width: int}
    body:
      - residual:
          body:
            - norm
            - act:
              as: activated
            - conv: {out: width, kernel: 3}
            - scale
            - leaky_relu
          shortcut: [{from: activated, conv: {out: width, kernel: 1}, name: shortcut}]
  pools:
    body:
      - branches:
          left: [{max_pool: {kernel: 3, stride: 1, padding: symmetric}}]
          right: [{avg_pool: {kernel: 3, stride: 1, padding: symmetric}}]
          merge: concat
      - conv: {out: 6, kernel: 1}
  product:
    body:
      - branches:
          left: [{conv: {out: 6, kernel: 3}}, silu]
          right: [{conv: {out: 6, kernel: 1}}, softmax]
          merge: mul
      - norm
stem:
  - conv: {out: 6, kernel: 3}
  - max_pool: {kernel: 2, ceil: true}
stages:
  - {block: shared, width: 6}
  - {block: pools}
  - {block: product}
head:
  - global_max_pool
  - linear: {out: 5}
"""

OPS = """
netspec: 1
name: ops
input: {channels: 4, size: [10, 13]}
blocks:
  run: {params: {body: steps}, body: [body]}
stem:
  - conv: {out: 8, kernel: 3, groups: 2}
  - prelu
stages:
  - {block: run, body: [{conv: {out: 8, kernel: 3, dilation: 2}}, gelu]}
  - {block: run, body: [{avg_pool: {kernel: 3, stride: 1, padding: 1, count_include_pad: false}}]}
  - {block: run, body: [{conv: {out: 8, kernel: 1}}, leaky_relu, {max_pool: {kernel: 3, stride: 2, padding: 1}}, layer_norm]}
  - {block: run, body: [{conv: {out: 16, kernel: 3, depthwise: true}}, relu6]}
  - {block: run, body: [{conv: {out: 8, kernel: [3, 2], padding: same}}, {group_norm: {groups: 2}}, silu]}
  - {block: run, body: [{pad_channels: {before: 1, after: 3}}, {conv: {out: 8, kernel: 1}}]}
head:
  - flatten: {order: channels_first}
  - linear: {out: 5}
"""

SPECS = {"residual": RESIDUAL, "wired": WIRED, "ops": OPS}
