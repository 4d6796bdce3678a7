"""Programs in NumPy give PyTorch's numbers, op by op."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.backends.base import get_backend
from netspec.ir.interpret import interpret, run
from netspec.ops import OPS
from netspec.ops.merge import MERGES
from tests.support.agreement import precision
from tests.support.networks import SIZES, input_of, network_of, random_weights
from tests.support.op_cases import cases

pytest.importorskip("torch")

BOUND = 1e-12
COMBINATORS = [
    "residual: {body: [{conv: {out: 6, kernel: 3}}, relu]}",
    "residual: {body: [{conv: {out: 8, kernel: 1}}], shortcut: [{pad_channels: {after: 2}}]}",
    "gate: {body: [{global_avg_pool: {keep_dims: true}}, {conv: {out: 6, kernel: 1}}, sigmoid]}",
    "gate: {body: [{conv: {out: 6, kernel: 3}}, sigmoid]}",
    "concat: {body: [{conv: {out: 4, kernel: 3}}]}",
    "branches: {a: [relu], b: [tanh], c: [], merge: mul}",
    "branches: {a: [relu], b: [{conv: {out: 2, kernel: 1}}], merge: concat}",
    "{relu: {}, as: a}\n{tanh: {}, as: b}\n{silu: {}, from: [a, b, a]}",
]


@pytest.mark.parametrize(("steps", "rank"), cases())
def test_an_op_is_what_it_is_in_torch(steps: str, rank: int) -> None:
    compare(steps, SIZES[rank])


@pytest.mark.parametrize("steps", COMBINATORS)
def test_a_combinator_is_what_it_is_in_torch(steps: str) -> None:
    compare(steps, (7, 10))


def compare(steps: str, size: tuple[int, ...]) -> None:
    network = network_of(steps, size)
    weights, x = random_weights(network), input_of(network)
    with precision("float64"):
        backend = get_backend("torch")
        model = backend.build(network)
        backend.write_weights(model, network, weights)
        expected = backend.run(model, x)["output"]
    found = interpret(network, x, weights)["output"]
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= BOUND * max(1.0, np.abs(expected).max())


def test_every_op_has_a_function() -> None:
    missing = [
        op.kind
        for op in (*OPS.values(), *MERGES.values())
        if run.dispatch(op) is run.dispatch(object)
    ]
    assert missing == []
