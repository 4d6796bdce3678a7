"""Every op against PyTorch: outputs and gradients, on sizes that hide no transpose."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from netspec.backends.keras.lowered import is_layer
from netspec.backends.keras.plan import lower
from netspec.backends.keras.rows import ROWS, SIGNATURE_DEFAULTS, complement
from netspec.ops import OPS
from tests.support.agreement import compare, precision
from tests.support.float32 import FLOAT32_BOUND, dtype_of, gradient_bound
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import AVG_POOLS, CONVS, MAX_POOLS, cases

pytestmark = pytest.mark.usefixtures("float64")


def difference_of(steps: str, rank: int, size: tuple[int, ...] | None = None) -> Any:
    """The comparison of one case, and the bounds it must keep."""
    network = network_of(steps, SIZES[rank] if size is None else size)
    normalised = any(layer.op.kind == "batch_norm" for layer in network.layers)
    dtype = dtype_of(network)
    with precision(dtype):
        difference = compare(network, normalised)
    return difference, FLOAT32_BOUND if dtype == "float32" else 1e-11


@pytest.mark.parametrize(("steps", "rank"), cases())
def test_agrees_with_torch(steps: str, rank: int) -> None:
    difference, bound = difference_of(steps, rank)
    assert difference.output < bound
    gradients = gradient_bound(network_of(steps, SIZES[rank]), bound)
    assert difference.input_gradient < gradients
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
    for layer in network_of(steps, SIZES[rank]).layers:
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
            assert name != "name"


def test_rows_leave_nothing_that_matters_to_a_default() -> None:
    """Arguments that no row gives are those that change no number when left at their default."""
    from netspec.backends.keras.live import resolve

    silent = {
        *("name", "kwargs", "activation", "seed", "trainable", "dtype"),
        *("moving_mean_initializer", "moving_variance_initializer", "synchronized", "renorm"),
        *("renorm_clipping", "renorm_momentum", "rms_scaling", "lora_rank", "lora_alpha"),
        *("quantization_config", "negative_slope", "threshold", "max_value"),
        *("gptq_unpacked_column_size", "invert"),
    }
    for steps, rank in cases():
        for layer in network_of(steps, SIZES[rank]).layers:
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


def test_what_maps_of_one_rank_leave_out_those_of_others_do_too() -> None:
    families: dict[str, dict[int, Any]] = {}
    for target, table in SIGNATURE_DEFAULTS.items():
        rank = re.search(r"[123](?=D)", target)
        if rank is not None and "UpSampling" not in target:
            family = target.replace(f"{rank[0]}D", "D")
            families.setdefault(family, {})[int(rank[0])] = table
    assert len(families) >= 6
    for family, tables in families.items():
        assert [*tables] == ([1, 2] if "Depthwise" in family else [1, 2, 3])
        assert all(table == tables[1] for table in tables.values())
