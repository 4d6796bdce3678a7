"""Every op against PyTorch: outputs and gradients, on sizes that hide no transpose."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from netspec import ir
from netspec.backends.keras.lowered import is_layer
from netspec.backends.keras.plan import lower
from netspec.backends.keras.rows import ROWS, SIGNATURE_DEFAULTS, complement
from netspec.ops import OPS

from .compare import SIZES, compare, network_of, precision

pytestmark = pytest.mark.usefixtures("float64")

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
    "pad_channels: {before: 1, after: 2}",
    "subsample: {stride: 2}",
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
    "conv: {kernel: [3, 2], stride: [2, 3], depthwise: true, padding: same}",
    "conv: {out: 12, kernel: [3, 3], stride: [2, 1], depthwise: true, dilation: [1, 2]}",
    "max_pool: {kernel: [3, 2], stride: [1, 2], padding: [[1, 0], [0, 1]]}",
    "max_pool: {kernel: [3, 2], stride: [1, 2], padding: [1, 0], pad_value: zero}",
    "avg_pool: {kernel: [3, 2], stride: [1, 2], padding: [[1, 0], [0, 1]]}",
    "avg_pool: {kernel: [2, 1], ceil: true}",
    "avg_pool: {kernel: [3, 4], stride: [3, 2], padding: [0, 2], count_include_pad: false}",
    "subsample: {stride: [1, 3]}",
]


def cases() -> list[Any]:
    """(steps, rank) of every comparison."""
    found: list[tuple[str, int]] = []
    for rank in (1, 2, 3):
        found += [(f"conv: {{{text}}}", rank) for text in CONVS]
        found += [(f"max_pool: {{{text}}}", rank) for text in MAX_POOLS]
        found += [(f"avg_pool: {{{text}}}", rank) for text in AVG_POOLS]
        found += [(text, rank) for text in MAPS if "[[" not in text or rank == 1]
    found += [(text, rank) for rank in (0, 2) for text in ANYWHERE]
    found += [
        (text, rank) for rank in (1, 3) for text in ("prelu", "scale", "group_norm: {groups: 3}")
    ]
    found += [("batch_norm", 1), ("batch_norm", 3), ("linear: {out: 5}", 0)]
    found += [(text, 2) for text in RECTANGULAR]
    return found


def _no_float64(network: ir.Network) -> bool:
    """TensorFlow has no kernels for pooling over three axes in float64 on a CPU."""
    return any(
        call.target in ("layers.MaxPooling3D", "layers.AveragePooling3D", "/")
        for layer in ir.layers(network)
        if layer.source.rank == 3
        for _, call in lower(layer)
    )


def difference_of(steps: str, rank: int, size: tuple[int, ...] | None = None) -> Any:
    """The comparison of one case, and the bounds it must keep."""
    network = network_of(steps, SIZES[rank] if size is None else size)
    single = _no_float64(network)
    normalised = any(layer.op.kind == "batch_norm" for layer in ir.layers(network))
    with precision("float32" if single else "float64"):
        difference = compare(network, normalised)
    return difference, 2e-4 if single else 1e-11


@pytest.mark.parametrize(("steps", "rank"), cases())
def test_agrees_with_torch(steps: str, rank: int) -> None:
    difference, bound = difference_of(steps, rank)
    assert difference.output < bound
    # PyTorch holds the slope 1/6 of its hard sigmoid's gradient in float32.
    assert difference.input_gradient < (1e-6 if steps == "hard_sigmoid" else bound)
    assert difference.weight_gradient < bound
    assert difference.statistics < bound


@pytest.mark.parametrize("size", [(8, 11), (7, 13), (10, 9)])
@pytest.mark.parametrize(
    "steps",
    [f"conv: {{{text}}}" for text in CONVS if "stride" in text]
    + [f"max_pool: {{{text}}}" for text in MAX_POOLS if "ceil" in text or "same" in text]
    + [f"avg_pool: {{{text}}}" for text in AVG_POOLS if "ceil" in text or "false" in text],
)
def test_agrees_at_other_sizes(steps: str, size: tuple[int, ...]) -> None:
    difference, bound = difference_of(steps, 2, size)
    assert difference.output < bound


@pytest.mark.parametrize("size", [(8, 11), (9, 12)])
@pytest.mark.parametrize(
    "steps",
    [
        "conv: {out: 8, kernel: 3, dilation: 2, stride: 2}",
        "conv: {out: 8, kernel: 4, stride: 3, padding: same}",
        "max_pool: {kernel: 3, stride: 2, padding: 1, ceil: true}",
        "avg_pool: {kernel: 4, stride: 2, padding: 2, count_include_pad: false}",
        "avg_pool: {kernel: 2, ceil: true}",
        "group_norm: {groups: 3}",
        "scale",
        "pad_channels: {after: 3}",
        "drop_path",
        "gelu\nglobal_avg_pool\nlinear: {out: 3}",
    ],
)
def test_open_sizes(steps: str, size: tuple[int, ...]) -> None:
    network = network_of(steps, (16, 17))
    assert compare(network, size=size, open_size=True).output < 1e-12


def test_every_op_has_a_row() -> None:
    assert ROWS.keys() == OPS.keys()


@pytest.mark.parametrize(("steps", "rank"), cases())
def test_one_call_has_the_name_of_the_op(steps: str, rank: int) -> None:
    for layer in ir.layers(network_of(steps, SIZES[rank])):
        suffixes = [suffix for suffix, _ in lower(layer)]
        assert suffixes.count("") == 1
        assert len(set(suffixes)) == len(suffixes)


def test_signature_defaults_are_those_of_keras() -> None:
    from netspec.backends.keras.live import resolve

    for target, table in SIGNATURE_DEFAULTS.items():
        parameters = inspect.signature(resolve(target)).parameters
        for name, value in table.items():
            default = parameters[name].default
            if isinstance(default, tuple) and len(set(default)) == 1:
                default = default[0]
            assert default == value, (target, name)
            assert name not in ("epsilon", "momentum", "name")


def test_rows_leave_nothing_that_matters_to_a_default() -> None:
    """Arguments that no row gives are those that change no number when left at their default."""
    from netspec.backends.keras.live import resolve

    silent = {
        *("name", "kwargs", "activation", "data_format", "seed", "trainable", "dtype"),
        *("moving_mean_initializer", "moving_variance_initializer", "synchronized", "renorm"),
        *("renorm_clipping", "renorm_momentum", "rms_scaling", "lora_rank", "lora_alpha"),
        *("quantization_config", "negative_slope", "threshold", "max_value"),
        "gptq_unpacked_column_size",
    }
    for steps, rank in cases():
        for layer in ir.layers(network_of(steps, SIZES[rank])):
            for _, call in lower(layer):
                if not is_layer(call):
                    continue
                parameters = list(inspect.signature(resolve(call.target)).parameters)
                left = {*parameters[len(call.args) :]} - call.kwargs.keys() - silent
                left = {n for n in left if not n.endswith(("_regularizer", "_constraint"))}
                left -= {
                    n for n in left if n.endswith("_initializer") and not _used(n, call.kwargs)
                }
                assert not left, (call.target, left)


def _used(name: str, given: Any) -> bool:
    """Whether the initialiser belongs to a variable that the layer has."""
    switch = {"bias": "use_bias", "gamma": "scale", "beta": "center"}.get(name.split("_")[0])
    return switch is None or given.get(switch, False)


@pytest.mark.parametrize(
    ("share", "rest"), [(0.1, 0.9), (0.01, 0.99), (0.003, 0.997), (1, 0.0), (0, 1.0)]
)
def test_complement_is_decimal(share: float, rest: float) -> None:
    assert complement(share) == rest
