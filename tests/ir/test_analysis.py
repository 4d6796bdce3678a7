"""Numbers of a network from the IR alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import get_args

import torch

from netspec.api import loads
from netspec.backends.torch import live
from netspec.ir.analysis import (
    ParameterCount,
    count_parameters,
    output_shapes,
    summarise,
    weight_shapes,
)
from netspec.ir.parameters import parameters_of
from netspec.ops import Op
from netspec.ops.initializers import ONES
from netspec.ops.types import Parameter, Role, TensorType
from tests.support.zoo import zoo_network

SPEC = """\
netspec: 1
name: n
blocks:
  b:
    params: {w: int}
    body:
      - residual: {body: [{conv: {out: w, kernel: 3}}, norm], shortcut: [{conv: {out: w, kernel: 1}}]}
      - {relu: {}, as: early}
input: {channels: 3, size: [8, 6]}
stem:
  - {conv: {out: 4, kernel: 3}, as: early}
stages:
  - {block: b, w: 5}
  - {block: b, w: 6, repeat: 2, between: [{max_pool: {kernel: 2}}, {conv: {out: 5, kernel: 1}}]}
head:
  - global_avg_pool
  - {linear: {out: 10}, as: hidden}
outputs: {a: early, b: layer1, c: layer2, d: hidden}
"""


def test_a_small_network_by_hand() -> None:
    summary = summarise(loads(SPEC).network)
    assert summary.input_shape == (3, 8, 6)
    assert summary.output_shape == (10,)
    rows = [(s.name, s.output_shape, s.parameters, s.macs) for s in summary.stages]
    first = 5 * 4 * 9 + 5 + 4 * 5 + 5 * 4 + 5
    second = (6 * 5 * 9 + 6 + 4 * 6 + 6 * 5 + 6) + (6 * 6 * 9 + 6 + 4 * 6 + 6 * 6 + 6)
    between = 5 * 5 + 5
    assert rows == [
        ("stem", (4, 8, 6), 4 * 3 * 9 + 4, 4 * 3 * 9 * 48),
        ("layer1", (5, 8, 6), first, (5 * 4 * 9 + 5 * 4) * 48),
        ("layer2", (6, 4, 3), between + second, (5 * 5 + 6 * 5 * 10 + 6 * 6 * 10) * 12),
        ("head", (10,), 70, 60),
    ]
    assert summary.macs == sum(row[3] for row in rows)
    assert summary.parameters.total == sum(row[2] for row in rows)
    assert summary.parameters.statistics == 2 * (5 + 6 + 6)
    assert summary.layers == 1 + 4 + 2 + 8 + 2


def test_counts_add_up() -> None:
    total = ParameterCount(3, 1) + ParameterCount(4, 2)
    assert (total.trainable, total.statistics, total.total) == (7, 3, 10)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table(Op):
    __doc__ = """A parameter of each role; one of the first, 2 of the second, 3 of the third."""

    kind = label = "table"

    def infer(self, source: TensorType) -> TensorType:
        return source

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        roles = enumerate(get_args(Role), start=1)
        return tuple(Parameter(role, (count,), ONES, role) for count, role in roles)


def test_values_are_counted_by_their_role() -> None:
    program = loads(SPEC).network
    first = program.layers[0]
    held = [replace(first, op=Table(), path="a"), replace(first, op=Table(), path="b")]
    assert count_parameters(held) == ParameterCount(trainable=2, statistics=6, frozen=4)
    names = [name for name, _, parameter in parameters_of(held) if not parameter.trainable]
    assert names[:4] == ["a.frozen", "a.statistic", "b.frozen", "b.statistic"]


def test_weights_are_those_of_pytorchs_state() -> None:
    network = loads(SPEC).network
    with torch.device("meta"):
        state = live.build(network).state_dict()
    theirs = {k: tuple(v.shape) for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert weight_shapes(network) == theirs
    assert list(weight_shapes(network)) == list(theirs)


def test_outputs_have_shapes_and_blocks_keep_their_names() -> None:
    assert output_shapes(loads(SPEC).network) == {
        "a": (4, 8, 6),
        "b": (5, 8, 6),
        "c": (6, 4, 3),
        "d": (10,),
    }


def test_the_summary_is_plain_data() -> None:
    found = summarise(zoo_network("resnet50")).to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["macs"] == 4_089_184_256
    assert found["parameters"] == {
        "total": 25_610_152,
        "trainable": 25_557_032,
        "statistics": 53_120,
        "frozen": 0,
    }


def test_parameters_of_a_part() -> None:
    network = zoo_network("resnet50")
    parts = [count_parameters(stage.layers) for stage in network.stages]
    rest = count_parameters([*network.stem.layers, *network.head.layers])
    total = rest
    for part in parts:
        total = total + part
    assert total == count_parameters(network.layers)
