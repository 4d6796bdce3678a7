"""`residual: {when: …}`: the body once in source and in the spec that is printed back; equal in all models."""

from __future__ import annotations

import pytest

import netspec
from netspec.ir.fingerprint import fingerprint
from tests.support.witnesses import check

pytest.importorskip("torch")
pytest.importorskip("keras")

TEXT = """\
netspec: 1
name: inverted_residuals
input: {channels: 3, size: [8, 8]}
defaults: {conv: {bias: false}}
blocks:
  inverted:
    params: {width: int, stride: 1}
    body:
      - residual:
          when: stride == 1 and in_channels == width
          body:
            - conv: {out: in_channels * 2, kernel: 1}
            - norm
            - relu6
            - conv: {out: channels, kernel: 3, stride: stride, depthwise: true}
            - norm
            - relu6
            - conv: {out: width, kernel: 1}
            - norm
stages:
  - {block: inverted, width: 4}
  - {block: inverted, width: 6, stride: 2, repeat: 2}
"""


def test_all_models_are_equal() -> None:
    check(netspec.loads(TEXT))


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_source_has_the_body_once(backend: str) -> None:
    source = netspec.loads(TEXT).generate(backend)
    assert source.count("bn3") == (2 if backend == "torch" else 1)  # made, and called
    assert "stride == 1 and in_channels == width" in source


def test_what_is_printed_back_is_the_same_network() -> None:
    network = netspec.loads(TEXT)
    printed = network.to_yaml()
    assert printed.count("kernel: 3") == 1
    assert fingerprint(netspec.loads(printed).network) == fingerprint(network.network)
