"""Steps that reach every op and every way that an attribute changes what a backend does."""

from __future__ import annotations

from typing import Any

CONVS = [
    "out: 8, kernel: 3",
    "out: 8, kernel: 3, stride: 2",
    "out: 8, kernel: 4, bias: false",
    "out: 8, kernel: 1, stride: 2, bias: false",
    "out: 8, kernel: 3, padding: 2",
    "out: 8, kernel: 5, stride: 3, padding: valid",
    "out: 8, kernel: 3, dilation: 2",
    "out: 8, kernel: 3, dilation: 2, stride: 2",
    "out: 8, kernel: 2, dilation: 3, stride: 2, padding: 2",
    "out: 8, kernel: 3, padding: same",
    "out: 8, kernel: 4, padding: same",
    "out: 8, kernel: 4, stride: 2, padding: same",
    "out: 8, kernel: 3, stride: 2, padding: same",
    "out: 8, kernel: 1, stride: 3, padding: same",
    "out: 8, kernel: 2, stride: 4, padding: same",
    "out: 8, kernel: 2, dilation: 2, padding: same",
    "out: 8, kernel: 3, dilation: 2, stride: 2, padding: same",
    "out: 8, kernel: 2, dilation: 3, stride: 3, padding: same",
    "out: 4, kernel: 3, groups: 2",
    "out: 9, kernel: 3, stride: 2, groups: 3, bias: false",
    "kernel: 3, depthwise: true",
    "kernel: 3, depthwise: true, stride: 2, bias: false",
    "kernel: 3, depthwise: true, dilation: 2",
    "kernel: 3, depthwise: true, dilation: 2, stride: 2",
    "kernel: 4, depthwise: true, stride: 2, padding: same",
    "kernel: 3, depthwise: true, dilation: 2, stride: 2, padding: same",
    "out: 12, kernel: 3, depthwise: true, stride: 3, padding: same",
    "out: 18, kernel: 2, depthwise: true, padding: 1",
]
TRANSPOSED = [
    "out: 4, kernel: 3",
    "out: 4, kernel: 2, stride: 2",
    "out: 4, kernel: 4, stride: 2, bias: false",
    "out: 4, kernel: 3, stride: 2",
    "out: 4, kernel: 3, stride: 2, output_padding: 1",
    "out: 4, kernel: 3, stride: 2, padding: same",
    "out: 4, kernel: 4, stride: 2, padding: same",
    "out: 4, kernel: 2, stride: 3, padding: same",
    "out: 4, kernel: 1, stride: 2",
    "out: 4, kernel: 2, stride: 3, padding: valid",
    "out: 4, kernel: 2, stride: 3, output_padding: 2",
    "out: 4, kernel: 5, stride: 3, padding: 2, output_padding: 2",
    "out: 4, kernel: 3, stride: 3, padding: 1, output_padding: 2",
    "out: 4, kernel: 1, dilation: 2",
]
TORCH_ALONE = [
    "out: 4, kernel: 3, groups: 2",
    "out: 9, kernel: 3, stride: 2, groups: 3, output_padding: 1, bias: false",
    "out: 4, kernel: 3, dilation: 2",
    "out: 4, kernel: 3, dilation: 2, stride: 2",
    "out: 4, kernel: 3, dilation: 3, stride: 2, output_padding: 1, padding: 1",
    "out: 4, kernel: 2, dilation: 2, stride: 2, groups: 2, padding: same",
]
"""Transposed convolutions that TensorFlow cannot do."""
POOLS_OF_ONE = [
    "kernel: 2",
    "kernel: 3, stride: 2",
    "kernel: 3, stride: 1, padding: symmetric",
    "kernel: 3, stride: 2, padding: symmetric",
    "kernel: 4, stride: 3, padding: 2",
    "kernel: 4, stride: 2, padding: symmetric",
    "kernel: 3, stride: 2, padding: same",
    "kernel: 4, stride: 1, padding: same",
    "kernel: 2, ceil: true",
    "kernel: 1, stride: 3, padding: same",
    "kernel: 2, stride: 4, padding: same",
]
MAX_POOLS = [
    *POOLS_OF_ONE,
    "kernel: 3, stride: 2, padding: 1, pad_value: zero",
    "kernel: 3, stride: 2, padding: 1, ceil: true",
    "kernel: 3, stride: 2, padding: 0, ceil: true",
    "kernel: 5, stride: 3, padding: 2, ceil: true",
]
AVG_POOLS = [
    *POOLS_OF_ONE,
    "kernel: 3, stride: 1, padding: 1, count_include_pad: false",
    "kernel: 3, stride: 2, padding: 1, count_include_pad: false",
    "kernel: 4, stride: 2, padding: 2, count_include_pad: false",
    "kernel: 2, stride: 2, padding: 1, count_include_pad: false",
    "kernel: 2, ceil: true, count_include_pad: false",
]
ACTIVATIONS = [
    "relu",
    "relu6",
    "leaky_relu",
    "leaky_relu: {slope: 0.2}",
    "leaky_relu: {slope: 1.5}",
    "elu",
    "elu: {alpha: 0.7}",
    "selu",
    "gelu",
    "gelu: {approximate: tanh}",
    "silu",
    "mish",
    "hard_sigmoid",
    "hard_swish",
    "sigmoid",
    "tanh",
    "softmax",
    "prelu",
]
ANYWHERE = [
    *ACTIVATIONS,
    "batch_norm",
    "batch_norm: {eps: 0.01, affine: false}",
    "layer_norm",
    "layer_norm: {affine: false, eps: 1e-6}",
    "group_norm: {groups: 3}",
    "group_norm: {groups: 2, affine: false}",
    "scale",
    "scale: {bias: true}",
    "scale: {bias: true, frozen: bias}",
    "batch_norm: {frozen: weight}",
    "group_norm: {groups: 3, frozen: all}",
    "batch_norm: {frozen: all}",
    "batch_norm: {frozen: all, affine: false, eps: 0.1}",
    "prelu: {frozen: weight}",
    "rescale: {factor: 1/127.5, offset: -1}",
    "normalize: {mean: [0.485, 0.1, -2, 3, 0.3, 0.0], std: [0.229, 1, 2.5, 0.225, 17.0, 0.5]}",
    "{split: {parts: 2}, as: [a, b]}\n{from: [b, a], merge: concat}",
    "{split: {sizes: [1, 3, 2]}, as: [a, b, c]}\n{relu: {}, from: [c, a, b], merge: concat}",
    "dropout: {rate: 0.5}",
    "drop_path: {rate: 0.2}",
]
MAPS = [
    "instance_norm",
    "instance_norm: {affine: false, eps: 0.1}",
    "global_avg_pool",
    "global_avg_pool: {keep_dims: true}",
    "global_max_pool",
    "global_max_pool: {keep_dims: true}",
    "flatten",
    "flatten: {order: channels_last}",
    "flatten\nlinear: {out: 4}",
    "flatten\nrelu\ndropout\nlinear: {out: 4}",
    "flatten: {order: channels_last}\nlinear: {out: 4, bias: false}",
    "flatten\nbatch_norm\nlinear: {out: 4}",
    "linear: {out: 5, pointwise: true}",
    "linear: {out: 5, pointwise: true, bias: false, frozen: all}",
    "global_avg_pool: {keep_dims: true}\nchannel_conv: {kernel: 3}",
    "conv: {out: 4, kernel: 3, frozen: weight}",
    "conv_transpose: {out: 4, kernel: 2, stride: 2, frozen: all}",
    "pad_channels: {before: 1, after: 2}",
    "subsample: {stride: 2}",
    "resize: {factor: 2}",
    "relu\nresize: {factor: 3, mode: nearest}",
    "relu\nmax_pool: {kernel: 3, stride: 2, padding: 1}",
    "relu\nmax_pool: {kernel: 4, stride: 2, padding: [[2, 1]], ceil: false}",
]
RECTANGULAR = [
    "conv: {out: 8, kernel: [3, 2], stride: [1, 2]}",
    "conv: {out: 8, kernel: [3, 5], stride: [2, 1], dilation: [1, 2]}",
    "conv: {out: 8, kernel: [1, 3], stride: [2, 1], dilation: [2, 1], padding: same}",
    "conv: {out: 8, kernel: [3, 4], padding: [[0, 2], [1, 0]]}",
    "conv: {out: 8, kernel: [3, 5], padding: [1, 2]}",
    "conv: {kernel: [3, 2], stride: [1, 2], depthwise: true}",
    "conv_transpose: {out: 4, kernel: [3, 2], stride: [1, 3], output_padding: [0, 1]}",
    "conv_transpose: {out: 4, kernel: [2, 5], stride: [3, 2], padding: same}",
    "conv_transpose: {out: 4, kernel: [3, 4], stride: [2, 1], padding: [[0, 2], [3, 0]]}",
    "conv_transpose: {out: 4, kernel: [2, 3], stride: [3, 2], padding: [[1, 0], 0], output_padding: [2, 0]}",
    "conv: {kernel: [3, 2], stride: [2, 3], depthwise: true, padding: same}",
    "conv: {out: 12, kernel: [3, 3], stride: [2, 1], depthwise: true, dilation: [1, 2]}",
    "max_pool: {kernel: [3, 2], stride: [1, 2], padding: [[1, 0], [0, 1]]}",
    "max_pool: {kernel: [3, 2], stride: [1, 2], padding: [1, 0], pad_value: zero}",
    "avg_pool: {kernel: [3, 2], stride: [1, 2], padding: [[1, 0], [0, 1]]}",
    "avg_pool: {kernel: [2, 1], ceil: true}",
    "avg_pool: {kernel: [3, 4], stride: [3, 2], padding: [0, 2], count_include_pad: false}",
    "subsample: {stride: [1, 3]}",
    "resize: {factor: [1, 3]}",
    "{tanh: {}, as: a}\n{max_pool: {kernel: [3, 2]}}\n{resize: {like: a}, as: b}\n{from: [b, a]}",
    "{tanh: {}, as: a}\n{max_pool: {kernel: 2}}\n{resize: {like: a, mode: bilinear}, as: b}\n{from: [b, a]}",
    "resize: {factor: 2, mode: bilinear}",
    "resize: {factor: [3, 1], mode: bilinear}",
]


def cases() -> list[Any]:
    """(steps, rank) of every comparison."""
    found: list[tuple[str, int]] = []
    for rank in (1, 2, 3):
        found += [(f"conv: {{{text}}}", rank) for text in CONVS]
        found += [(f"conv_transpose: {{{text}}}", rank) for text in TRANSPOSED]
        found += [(f"max_pool: {{{text}}}", rank) for text in MAX_POOLS]
        found += [(f"avg_pool: {{{text}}}", rank) for text in AVG_POOLS]
        found += [(text, rank) for text in MAPS if "[[" not in text or rank == 1]
    found += [(text, rank) for rank in (0, 2) for text in ANYWHERE]
    shaped = (
        "prelu",
        "scale",
        "scale: {bias: true}",
        "group_norm: {groups: 3}",
        "drop_path: {rate: 0.2}",
    )
    found += [(text, rank) for rank in (1, 3) for text in shaped]
    found += [(text, rank) for rank in (1, 3) for text in ANYWHERE if "split" in text]
    found += [("batch_norm", 1), ("batch_norm", 3), ("linear: {out: 5}", 0)]
    found += [
        (f"channel_conv: {{kernel: {text}}}", 0)
        for text in ("5", "3, bias: false", "1, frozen: bias")
    ]
    found += [(text, 2) for text in RECTANGULAR]
    found += [
        ("conv: {out: 8, kernel: 3, padding: [[0, 2]]}", 1),
        ("conv: {out: 8, kernel: [3, 2, 4], padding: [[0, 2], [1, 0], [1, 1]]}", 3),
    ]
    return found
