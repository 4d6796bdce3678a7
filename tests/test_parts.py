"""Networks that part their channels: Res2Net's block, ShuffleNet's unit, and what varies in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.api import CompiledNetwork
from tests.support.saved import elsewhere, load_elsewhere, store
from tests.support.witnesses import check

pytest.importorskip("torch")
pytest.importorskip("keras")

RES2NET = """
netspec: 1
name: small_res2net
input: {channels: 3, size: [8, 10]}
defaults: {conv: {bias: false}}
blocks:
  res2:
    doc: Convolutions of parts, each of which sees the one ahead of it (Gao et al., 2019).
    params: {width: int, stride: 1}
    body:
      - residual:
          body:
            - conv: {out: width, kernel: 1}
            - norm
            - act
            - split: {parts: 4}
              as: [kept, second, third, fourth]
            - {conv: {out: channels, kernel: 3}, from: second, as: seen2}
            - {conv: {out: channels, kernel: 3}, from: [seen2, third], as: seen3}
            - {conv: {out: channels, kernel: 3}, from: [seen3, fourth], as: seen4}
            - {conv: {out: width, kernel: 1}, from: [kept, seen2, seen3, seen4], merge: concat}
            - norm
          shortcut:
            when: {test: in_channels != width, then: {projection: {out: width}}}
      - act
stem:
  - conv: {out: 8, kernel: 3}
stages:
  - {block: res2, repeat: 2, width: 16}
head:
  - global_avg_pool
  - linear: {out: 5}
"""

SHUFFLENET = """
netspec: 1
name: small_shufflenet
params: {share: 4}
input: {channels: 3, size: [8, 10]}
blocks:
  unit:
    doc: Part of the channels is left as it is; the parts change places (after Ma et al., 2018).
    params: {share: 2}
    let: {changed: in_channels // share}
    body:
      - split: {sizes: [in_channels - changed, changed]}
        as: [left, right]
      - from: right
        conv: {out: channels, kernel: 1}
      - conv: {kernel: 3, depthwise: true}
        as: done
      - from: [done, left]
        merge: concat
stem:
  - conv: {out: 8, kernel: 3}
stages:
  - {block: unit, repeat: 2}
  - block: unit
    share: share
    between: {conv: {out: 12, kernel: 3, stride: 2}}
head:
  - global_avg_pool
  - split: {parts: 3}
    as: [a, b, c]
  - {from: [c, a], merge: mul, as: d}
  - {from: [d, b], merge: concat}
  - linear: {out: 5}
"""

OPTIONAL = """
netspec: 1
name: optional
input: {channels: 4, size: [6, 6]}
blocks:
  maybe:
    params: {parted: bool}
    body:
      - when:
          test: parted
          then:
            - {split: {sizes: [in_channels - 1, 1]}, as: [a, b]}
            - {from: [b, a], merge: concat}
          else: [{split: {parts: 2}, as: [c, d]}, {from: [d, c], merge: concat}, relu]
      - conv: {out: channels + 2, kernel: 1}
stages:
  - {block: maybe, repeat: 3, parted: index > 0}
head: [global_avg_pool]
"""

RANKS = """
netspec: 1
name: ranks
input: {channels: 4, size: SIZE}
stem:
  - split: {sizes: [1, 3]}
    as: [a, b]
  - {from: [b, a], merge: concat, conv: {out: 4, kernel: 3}}
  - flatten
  - split: {parts: 2}
    as: [c, d]
  - {from: [d, c], merge: concat, linear: {out: 3}}
"""


@pytest.mark.parametrize("text", [RES2NET, SHUFFLENET, OPTIONAL])
def test_all_witnesses_agree(text: str) -> None:
    check(netspec.loads(text))


@pytest.mark.parametrize("size", ["[6]", "[4, 5]", "[3, 4, 2]"])
def test_maps_of_every_rank_and_vectors(size: str) -> None:
    check(netspec.loads(RANKS.replace("SIZE", size)))


def test_source_reads_like_a_person_s() -> None:
    torch, keras = (netspec.loads(RES2NET).generate(name) for name in ("torch", "keras"))
    assert "        kept, second, third, fourth = y.chunk(4, dim=1)\n" in torch
    assert "    kept, second, third, fourth = expression(\n" in keras
    assert "lambda x: ops.split(x, 4, axis=-1)" in keras


def test_channels_that_vary_are_kept_by_the_module() -> None:
    source = netspec.loads(SHUFFLENET).generate("torch")
    assert "        self.sizes = [in_channels - changed, changed]\n" in source
    assert "        left, right = x.split(self.sizes, dim=1)\n" in source
    assert "        a, b, c = x.chunk(3, dim=1)\n" in source


@pytest.mark.parametrize("backend", ["torch", "keras"])
@pytest.mark.parametrize(
    "stem",
    [
        "{split: {parts: kept}, as: [a, b]}, {from: [b, a], merge: concat}",
        "{split: {sizes: [kept, 6]}, as: [a, b]}, {from: [b, a], merge: concat}",
        "{conv: {out: kept, kernel: 1}}, {split: {parts: 2}, as: [a, b]}, {from: [b, a]}",
    ],
)
def test_parts_that_an_argument_decides_are_refused(stem: str, backend: str) -> None:
    """At other values of the argument PyTorch and Keras would part channels in ways of their own."""
    compiled = netspec.loads(
        "netspec: 1\nname: n\nparams: {kept: 2}\narguments: [kept]\n"
        f"input: {{channels: 8, size: [4, 4]}}\nstem: [{stem}]\n"
    )
    with pytest.raises(netspec.NetspecError, match="NS704"):
        compiled.generate(backend)


def test_saved_models_load_where_netspec_is_not(tmp_path: Path) -> None:
    expected = {}
    for name, text in {"res2net": RES2NET, "shufflenet": SHUFFLENET}.items():
        expected[name] = store(netspec.loads(text).network, tmp_path, name)
    load_elsewhere(tmp_path)
    for name, outputs in expected.items():
        np.testing.assert_allclose(
            elsewhere(tmp_path, name)["output"], outputs["output"], atol=1e-5
        )


def test_deep_networks_part_channels_in_sub_models() -> None:
    deep: CompiledNetwork = netspec.loads(
        RES2NET.replace("repeat: 2", "repeat: 45").replace("width: 16", "width: 8")
    )
    check(deep)
