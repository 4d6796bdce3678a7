"""Rows of layers that a spec has as an inline block under a name, which are a class where they come often."""

from __future__ import annotations

import pytest

import netspec
from tests.support.witnesses import check

pytest.importorskip("torch")
pytest.importorskip("keras")

ROWS = """\
netspec: 1
name: rows
input: {channels: 3, size: [12, 10]}
defaults: {conv: {bias: false, init: {kaiming_normal: fan_out}}}
blocks:
  conv_norm_act:
    inline: true
    params: {out: int, kernel: 1, stride: 1}
    body: [{conv: {out: out, kernel: kernel, stride: stride}}, norm, act]
  pair:
    params: {out: int}
    body: [{name: block, sequence: [{name: "0", conv_norm_act: {out: out}}, {name: "1", conv_norm_act: {out: out, kernel: 3}}]}]
stem: [{name: features.0, conv_norm_act: {out: 4, kernel: 3, stride: 2}}, {name: features.1, pair: {out: 6}}]
head: [{name: features.2, conv_norm_act: {out: 8}}, global_avg_pool, {linear: {out: 3}}]
"""


def test_a_row_that_comes_often_is_a_class() -> None:
    compiled = netspec.loads(ROWS)
    source = compiled.generate("torch")
    assert "class ConvNormAct(nn.Sequential):" in source
    assert source.count("nn.BatchNorm2d(") == 1
    assert "ConvNormAct(3, 4, kernel=3, stride=2)" in source
    assert "padding=(kernel - 1) // 2" in source
    assert next(iter(compiled.build("torch").state_dict())) == "features.0.0.weight"
    check(compiled)


def test_each_starts_as_the_spec_says() -> None:
    text = ROWS.replace("stride: stride}}", "stride: stride, init: {normal: 0.1 * out}}}")
    compiled = netspec.loads(text)
    start = 'nn.init.normal_(self[0].get_parameter("weight"), std=0.1 * out)'
    assert start in compiled.generate("torch")
    check(compiled)


OTHERS = [
    ("norm, act]", "{residual: {body: [norm]}}, act]"),  # no row of ops
    ("norm, act]", "{name: norm, norm: {}}, act]"),  # names of its own
]


@pytest.mark.parametrize(("before", "after"), OTHERS)
def test_others_are_none(before: str, after: str) -> None:
    compiled = netspec.loads(ROWS.replace(before, after))
    assert "(nn.Sequential)" not in compiled.generate("torch")
    check(compiled)


def test_a_row_that_comes_twice_is_written_out() -> None:
    text = ROWS.replace("{name: features.2, conv_norm_act: {out: 8}}, ", "")
    text = text.replace(
        '{name: "1", conv_norm_act: {out: out, kernel: 3}}', '{name: "1", relu: {}}'
    )
    assert "(nn.Sequential)" not in netspec.loads(text).generate("torch")
