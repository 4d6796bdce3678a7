"""Dropout goes, and what evaluation does not need."""

from __future__ import annotations

import netspec
from netspec.api import CompiledNetwork
from tests.support.optimizing import checked, kinds, told

HEAD = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 10]}\n"


def load(text: str) -> CompiledNetwork:
    return netspec.loads(HEAD + text)


def test_dropout_goes_with_the_regions_around_it() -> None:
    found = checked(
        load("""
blocks: {b: {params: {rate: float}, body: [{when: {test: rate > 0, then: [{dropout: {rate: rate}}]}}, drop_path]}}
stem:
- {b: {rate: 0.1}}
- {conv: {out: 4, kernel: 3}, as: c}
- {residual: {body: [relu, {drop_path: {rate: 0.1}}]}}
- {b: {rate: 0.0}}
""").network
    )
    assert kinds(found.program) == ["conv", "relu", "add"]
    assert len(told(found, is_done=True)) == 4


def test_two_outputs_may_become_one_value() -> None:
    found = checked(
        load("""
stem: [{conv: {out: 4, kernel: 3}, as: c}, {dropout: {}, as: d}, relu]
outputs: {c: c, d: d, r: output}
""").network
    )
    assert found.program.outputs["c"] is found.program.outputs["d"]


AUX = """
stem: [{conv: {out: 8, kernel: 3}}, batch_norm, {relu: {}, as: early}]
head:
- {conv: {out: 8, kernel: 3}}
- {global_avg_pool: {}, as: pooled}
- {from: early, global_avg_pool: {}}
- {linear: {out: 5}, as: aux}
- {from: pooled, linear: {out: 5}}
outputs: {main: output, aux: {from: aux, when: training}}
"""


def test_what_is_for_training_alone_goes() -> None:
    found = checked(load(AUX).network)
    assert kinds(found.program) == ["conv", "relu", "conv", "global_avg_pool", "linear"]
    assert [*found.program.outputs] == ["main"]
    assert not found.program.training_only
    assert "aux: an output of training alone" in told(found, is_done=True)


def test_of_a_split_the_rest_stays() -> None:
    found = checked(
        load("""
stem: [{conv: {out: 8, kernel: 3}}, {split: {parts: 2}, as: [a, b]}]
head:
- {from: b, global_avg_pool: {}}
- {linear: {out: 5}, as: aux}
- {from: a, conv: {out: 4, kernel: 3}}
outputs: {main: output, aux: {from: aux, when: training}}
""").network
    )
    assert kinds(found.program) == ["conv", "split", "conv"]


def test_what_gives_a_size_to_others_keeps_its_output() -> None:
    """Keras has no layer for what nothing reads the values of."""
    found = checked(
        load("""
stem: [{conv: {out: 8, kernel: 3}, as: c}, {max_pool: {kernel: 2}, as: small}]
head:
- {from: c, conv: {out: 3, kernel: 3}, as: big}
- {global_avg_pool: {}}
- {linear: {out: 5}, as: aux}
- {from: small, resize: {like: big}}
- {conv: {out: 4, kernel: 3}}
outputs: {main: output, aux: {from: aux, when: training}}
""").network
    )
    assert found.program is found.original
    assert told(found, is_done=False) == ["aux: it holds what another map takes its size from"]
