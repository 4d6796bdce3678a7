"""Steps that repeat are loops in source, in both frameworks, and the network is the same."""

from __future__ import annotations

import ast

import pytest

from netspec import api
from netspec.network import CompiledNetwork
from tests.support.witnesses import check

SPEC = """
netspec: 1
name: net
input: {channels: 3, size: [6, 7]}
blocks:
  layer:
    params: {growth: 2}
    body: [{concat: {body: [norm, act, {conv: {out: growth, kernel: 3}}]}}]
  dense:
    body: [{repeat: {times: 4, body: [layer]}}, norm]
  plain:
    params: {width: int}
    body:
      - repeat: {times: 3, body: [{conv: {out: width, kernel: 3}}, act]}
      - name: row
        sequence:
          - conv: {out: width, kernel: 1}
          - repeat: {times: 6, body: [{conv: {out: width, kernel: 3}}, norm, act]}
stem: [{conv: {out: 4, kernel: 3}}, dense, {plain: {width: 5}}]
head:
  - repeat: {times: 3, body: [{conv: {out: 5, kernel: 1}}, norm]}
  - global_avg_pool
  - repeat: {times: 3, body: [{linear: {out: 6}}, tanh]}
  - linear: {out: 2}
"""

LOOPS = {
    "torch": [
        "for index in range(4): self.add_module(f'layer{index + 1}', Layer(4 + 2 * index))",
        "*(module for _ in range(6) for module in (nn.Conv2d(5, 5, kernel_size=3, padding=1), "
        "nn.BatchNorm2d(5), nn.ReLU()))",
    ],
    "keras": [
        "for index in range(1, 5): x = layer(x, name=f'{name}_layer{index}')",
        "for index in range(1, 4): x = conv(x, 5, 3, name=f'{name}_conv{index}') "
        "x = layers.ReLU(name=f'{name}_relu{index}')(x)",
        "for index in range(1, 4): x = layers.Dense(6, name=f'fc{index}')(x) "
        "x = layers.Activation('tanh', name=f'tanh{index}')(x)",
    ],
}


@pytest.fixture(scope="module")
def compiled() -> CompiledNetwork:
    return api.loads(SPEC)


@pytest.mark.parametrize("backend", LOOPS)
def test_rounds_are_loops(compiled: CompiledNetwork, backend: str) -> None:
    code = " ".join(ast.unparse(ast.parse(compiled.generate(backend))).split())
    for loop in LOOPS[backend]:
        assert loop in code


def test_the_network_is_the_same(compiled: CompiledNetwork) -> None:
    """Names of weights, their order, and numbers, live and generated."""
    check(compiled)
