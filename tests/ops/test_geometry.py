"""Output sizes of windows, held against the real layers of both frameworks."""

from __future__ import annotations

import itertools

import pytest
import torch

from netspec.backends.keras.framework import load_keras
from netspec.lang.expression.symbolic import named
from netspec.ops.geometry import (
    Padding,
    effective_kernel,
    explicit_pads,
    is_zero,
    output_size,
    scalar_or_tuple,
)

LENGTHS = (1, 4, 7, 8, 13)
WINDOWS = list(itertools.product((1, 2, 3, 4, 7), (1, 2, 3), (1, 2)))
"""Kernel, stride and dilation."""
KERAS_WINDOWS = [window for window in WINDOWS if 1 in window[1:]]
"""Keras has no layer with both a stride and a dilation."""
POOLS = list(itertools.product((1, 2, 3, 4), (1, 2, 3)))
"""Kernel and stride."""


def ours(
    length: int, kernel: int, stride: int, dilation: int, padding: Padding, ceil: bool = False
) -> int:
    (found,) = output_size((length,), (kernel,), (stride,), (dilation,), padding, ceil)
    return found


def explicit(before: int, after: int) -> Padding:
    return Padding("explicit", ((before, after),))


def length_of(layer: torch.nn.Module, length: int) -> int | None:
    """The length that a layer on the meta device gives; None where it refuses the input."""
    try:
        return int(layer(torch.empty((1, 1, length), device="meta")).shape[-1])
    except RuntimeError:
        return None


@pytest.mark.parametrize(("kernel", "stride", "dilation"), WINDOWS)
def test_convolutions_are_pytorchs(kernel: int, stride: int, dilation: int) -> None:
    for pad in (0, 1, 2, (kernel - 1) * dilation // 2):
        layer = torch.nn.Conv1d(1, 1, kernel, stride, pad, dilation, device="meta")
        rules = [explicit(pad, pad)]
        rules += [Padding("valid")] if pad == 0 else []
        rules += [Padding("symmetric")] if pad == (kernel - 1) * dilation // 2 else []
        for length, rule in itertools.product(LENGTHS, rules):
            found = ours(length, kernel, stride, dilation, rule)
            assert (found if found >= 1 else None) == length_of(layer, length)


@pytest.mark.parametrize(("kernel", "stride", "dilation"), WINDOWS)
@pytest.mark.parametrize("ceil", [False, True])
def test_max_pooling_is_pytorchs(kernel: int, stride: int, dilation: int, ceil: bool) -> None:
    for pad in range(kernel // 2 + 1):
        layer = torch.nn.MaxPool1d(kernel, stride, pad, dilation, ceil_mode=ceil)
        for length in LENGTHS:
            found = ours(length, kernel, stride, dilation, explicit(pad, pad), ceil)
            assert (found if found >= 1 else None) == length_of(layer, length)


@pytest.mark.parametrize(("kernel", "stride"), POOLS)
@pytest.mark.parametrize("ceil", [False, True])
def test_average_pooling_is_pytorchs(kernel: int, stride: int, ceil: bool) -> None:
    for pad in range(kernel // 2 + 1):
        layer = torch.nn.AvgPool1d(kernel, stride, pad, ceil_mode=ceil)
        for length in LENGTHS:
            found = ours(length, kernel, stride, 1, explicit(pad, pad), ceil)
            assert (found if found >= 1 else None) == length_of(layer, length)


@pytest.mark.parametrize(("kernel", "stride", "dilation"), KERAS_WINDOWS)
def test_convolutions_are_keras(kernel: int, stride: int, dilation: int) -> None:
    layers = load_keras().layers
    for rule, length in itertools.product(("same", "valid"), LENGTHS):
        found = ours(length, kernel, stride, dilation, Padding(rule))  # type: ignore[arg-type]
        if found < 1:
            continue
        layer = layers.Conv1D(1, kernel, stride, padding=rule, dilation_rate=dilation)
        assert layer.compute_output_shape((1, length, 1)) == (1, found, 1)


@pytest.mark.parametrize(("kernel", "stride"), POOLS)
@pytest.mark.parametrize("name", ["MaxPooling1D", "AveragePooling1D"])
def test_poolings_are_keras(kernel: int, stride: int, name: str) -> None:
    make = getattr(load_keras().layers, name)
    for rule, length in itertools.product(("same", "valid"), LENGTHS):
        found = ours(length, kernel, stride, 1, Padding(rule))  # type: ignore[arg-type]
        if found >= 1:
            shape = make(kernel, stride, padding=rule).compute_output_shape((1, length, 1))
            assert shape == (1, found, 1)


def test_uneven_pads_count_on_both_sides() -> None:
    padded = torch.nn.functional.pad(torch.empty((1, 1, 9)), (1, 4))
    expected = torch.nn.Conv1d(1, 1, 4, 3)(padded).shape[-1]
    assert ours(9, 4, 3, 1, explicit(1, 4)) == expected


def test_every_axis_has_its_own_window() -> None:
    layer = torch.nn.Conv3d(1, 1, (1, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2, 1), device="meta")
    expected = layer(torch.empty((1, 1, 6, 9, 14), device="meta")).shape[2:]
    padding = Padding("explicit", ((0, 0), (1, 1), (2, 2)))
    found = output_size((6, 9, 14), (1, 3, 5), (1, 2, 3), (1, 2, 1), padding)
    assert found == tuple(expected)


def test_rules_as_numbers() -> None:
    kernel, dilation = (3, 4, 1), (1, 2, 5)
    assert explicit_pads(Padding("symmetric"), kernel, dilation) == ((1, 1), (3, 3), (0, 0))
    assert explicit_pads(Padding("valid"), kernel, dilation) == ((0, 0),) * 3
    assert explicit_pads(Padding("same"), kernel, dilation) is None
    assert is_zero(((0, 0), (0, 0)))
    assert not is_zero(((0, 0), (0, 1)))
    assert effective_kernel(3, 2) == 5


def test_equal_values_of_all_axes_are_one() -> None:
    varying = named("stride", [1, 2])
    assert scalar_or_tuple((2, 2, 2)) == 2
    assert scalar_or_tuple((2, 1)) == (2, 1)
    assert scalar_or_tuple((varying, varying)) is varying
    assert scalar_or_tuple((varying, 2)) == (varying, 2)
