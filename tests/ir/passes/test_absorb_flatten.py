"""Which flatten a linear layer absorbs, and what becomes of its weight."""

from __future__ import annotations

import pytest

from netspec.ir.passes.absorb_flatten import AbsorbFlatten
from netspec.ops.convolution import Linear
from netspec.ops.structure import Flatten
from tests.support.networks import network_of
from tests.support.optimizing import checked, told


def flattens(steps: str) -> tuple[list[bool], list[bool]]:
    """Which of the flattens are absorbed, and which linear layers absorb an order."""
    layers = network_of(steps, (3, 4)).layers
    absorbed = [layer.op.absorbed for layer in layers if isinstance(layer.op, Flatten)]
    absorbing = [layer.source.flat is not None for layer in layers if isinstance(layer.op, Linear)]
    return absorbed, absorbing


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("flatten\nlinear: {out: 4}", ([True], [True])),
        ("flatten\nrelu\ndropout\nlinear: {out: 4}", ([True], [True])),
        ("flatten\nsequence: [relu, {linear: {out: 4}}]", ([True], [True])),
        ("flatten\n{sequence: [relu, {linear: {out: 4}}], name: head}", ([True], [True])),
        ("flatten\nlinear: {out: 4}\nlinear: {out: 2}", ([True], [True, False])),
        ("flatten", ([False], [])),
        ("flatten\nbatch_norm\nlinear: {out: 4}", ([False], [False])),
        ("flatten\nscale\nlinear: {out: 4}", ([False], [False])),
        ("flatten\nprelu\nlinear: {out: 4}", ([False], [False])),
        ("flatten\nresidual: {body: [relu]}\nlinear: {out: 4}", ([False], [False])),
        ("flatten\n{relu: {}, as: a}\nlinear: {out: 4}", ([True], [True])),
        ("{flatten: {}, as: a}\n{from: a, linear: {out: 4}}", ([True], [True])),
        (
            "flatten\n{as: a, relu: {}}\n{as: b, linear: {out: 72}}\nfrom: [a, b]",
            ([False], [False]),
        ),
        ("global_avg_pool\nlinear: {out: 4}", ([], [False])),
        (
            "residual: {body: [flatten, {linear: {out: 4}}], shortcut: [flatten, {linear: {out: 4}}]}",
            ([True, True], [True, True]),
        ),
    ],
)
def test_where_a_linear_layer_takes_the_order(
    steps: str, expected: tuple[list[bool], list[bool]]
) -> None:
    assert flattens(steps) == expected


def test_absorbing_twice_changes_nothing() -> None:
    network = network_of("flatten\nlinear: {out: 4}\nlinear: {out: 2}", (3, 4))
    flatten, *others = AbsorbFlatten().run(network).program.layers
    assert isinstance(flatten.op, Flatten)
    assert flatten.op.absorbed
    assert [layer.op for layer in others] == [layer.op for layer in network.layers[1:]]


def test_a_weight_follows_the_order_that_another_pass_has_made_absorbable() -> None:
    network = network_of("flatten: {order: channels_last}\nscale\nlinear: {out: 4}", (3, 4))
    assert not [node for node in network.nodes if node.source.flat]
    found = checked(network)
    flatten, linear = found.program.layers
    assert isinstance(flatten.op, Flatten)
    assert flatten.op.absorbed
    assert linear.source.flat is not None
    assert "flatten: its order is taken into `fc`" in told(found, is_done=True)
