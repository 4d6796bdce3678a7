"""Which parts of generated source are a `nn.Sequential`."""

from __future__ import annotations

import pytest

import netspec
from tests.support.generated import build_generated
from tests.support.witnesses import check

NESTED = """\
netspec: 1
name: nested
input: {channels: 3, size: [8, 10]}
blocks:
  parts:
    params: {widened: bool}
    let: {behind: 1 if widened else 0}
    body:
      - name: block
        sequence:
          - when: {test: widened, then: [{name: "0", sequence: [{conv: {out: 6, kernel: 1}}, norm]}]}
          - {name: "{behind}", sequence: [{conv: {out: 4, kernel: 3, init: {normal: 0.1}}}, act]}
          - norm: {init: zeros}
stages:
  - {block: parts, repeat: 3, widened: index > 0}
head: [global_avg_pool, {linear: {out: 3}}]
"""


def test_rows_of_rows_are_rows_of_modules() -> None:
    pytest.importorskip("keras")
    compiled = netspec.loads(NESTED)
    source = compiled.generate("torch")
    assert "add_module" not in source
    assert "getattr" not in source
    assert source.count("self.block(") == 2
    check(compiled)


def test_each_layer_of_an_inner_row_starts_as_it_should() -> None:
    pytest.importorskip("torch")
    model = build_generated(netspec.loads(NESTED), "torch")
    convolution = model.layer1[1].block[1][0]
    assert 0.07 < float(convolution.weight.detach().std()) < 0.13
    assert float(model.layer1[1].block[2].weight.detach().abs().max()) == 0.0


def test_what_is_taken_out_of_a_row_parts_it() -> None:
    pytest.importorskip("keras")
    text = NESTED.replace("act]}", "{act: {}, as: kept}]}").replace(
        "- norm: {init: zeros}\n",
        "- {norm: {init: zeros}, as: last}\n      - {from: [last, kept]}\n",
    )
    compiled = netspec.loads(text)
    assert "self.block(" not in compiled.generate("torch")
    check(compiled)
