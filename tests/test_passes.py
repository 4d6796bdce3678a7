"""Rewrites of the IR: what is untouched is shared, and which flatten a linear layer absorbs."""

from __future__ import annotations

import dataclasses

import pytest

from netspec import tree
from netspec.ops.activation import Relu, Tanh
from netspec.ops.convolution import Linear
from netspec.ops.structure import Flatten
from netspec.passes import absorb_flatten, map_layers
from tests.support.networks import tree_of


def test_the_identity_shares_everything() -> None:
    network = tree_of("relu\nresidual: {body: [tanh]}", (8,))
    assert map_layers(network, lambda layer: layer) is network


def test_a_change_reaches_every_kind_of_node_and_shares_the_rest() -> None:
    steps = (
        "residual: {body: [relu]}\n"
        "gate: {body: [relu]}\n"
        "branches: {a: [relu], b: [relu, tanh]}\n"
        "{sequence: [relu], name: s}\n"
        "{relu: {}, as: r}\n"
        "from: r\n"
        "batch_norm"
    )
    network = tree_of(steps, (8,))

    def to_tanh(layer: tree.Layer) -> tree.Layer:
        return dataclasses.replace(layer, op=Tanh()) if isinstance(layer.op, Relu) else layer

    changed = map_layers(network, to_tanh)
    assert sum(isinstance(layer.op, Relu) for layer in tree.layers(network)) == 6
    assert not any(isinstance(layer.op, Relu) for layer in tree.layers(changed))
    assert list(tree.layers(changed))[-1] is list(tree.layers(network))[-1]
    assert [type(node) for node in tree.walk(changed)] == [
        type(node) for node in tree.walk(network)
    ]


def flattens(steps: str) -> tuple[list[bool], list[bool]]:
    """Which of the flattens are absorbed, and which linear layers absorb an order."""
    layers = list(tree.layers(tree_of(steps, (3, 4))))
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
        ("flatten\n{relu: {}, as: a}\nlinear: {out: 4}", ([False], [False])),
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
    network = tree_of("flatten\nlinear: {out: 4}\nlinear: {out: 2}", (3, 4))
    again = absorb_flatten(network)
    assert [layer.op for layer in tree.layers(again)][1:] == [
        layer.op for layer in tree.layers(network)
    ][1:]
