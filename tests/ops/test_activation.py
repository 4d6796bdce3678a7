"""Activations keep the type; what is known of the sign is true of the function."""

from __future__ import annotations

import pytest
import torch

from netspec.backends.torch.execute import make_module
from netspec.backends.torch.rows import ROWS
from netspec.ir import Node, Value
from netspec.ops import OPS
from netspec.ops.activation import Activation
from netspec.ops.types import FlatLayout, TensorType
from tests.ops.conftest import MAP, make, shapes

ACTIVATIONS = sorted(kind for kind, op in OPS.items() if issubclass(op, Activation))


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_keeps_the_type(kind: str) -> None:
    op = make(kind)
    assert op.infer(MAP).shape == MAP.shape
    assert op.macs(MAP, MAP) == 0
    assert shapes(op) == ({"weight": (6,)} if kind == "prelu" else {})


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_the_sign_is_that_of_the_function(kind: str) -> None:
    source = TensorType(4, (50,))
    op = make(kind, source)
    target = op.infer(source)
    layer = make_module(ROWS[kind](Node(op, (Value(0, source),), (Value(1, target),), "x")))
    with torch.no_grad():
        lowest = layer(torch.linspace(-8, 8, 200).reshape(1, 4, 50)).min()
    assert target.non_negative == bool(lowest >= 0)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_a_flattened_map_stays_one_where_channels_do_not_matter(kind: str) -> None:
    layout = FlatLayout("channels_first", 2, (5,))
    source = TensorType(10, (), flat=layout)
    expected = None if kind == "prelu" else layout  # softmax takes features in any order
    assert make(kind, source).infer(source).flat is expected
