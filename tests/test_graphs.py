"""Networks that are no chain: later steps take results of stages."""

from __future__ import annotations

import pytest

import netspec
from netspec.errors import NetspecError
from tests.support.witnesses import check

U_NET = """\
netspec: 1
name: unet
input: {channels: 3, size: [16, 24]}
defaults: {conv: {bias: false}}
blocks:
  double:
    params: {width: int}
    body: [{conv: {out: width, kernel: 3}}, norm, act, {conv: {out: width, kernel: 3}}, norm, act]
stages:
  - {block: double, width: 4}
  - {block: double, width: 6, between: [{max_pool: {kernel: 2}}]}
  - {block: double, width: 8, between: [{max_pool: {kernel: 2}}]}
head:
  - {resize: {factor: 2, mode: bilinear}, as: up}
  - {from: [up, layer2], merge: concat}
  - double: {width: 6}
  - {resize: {factor: 2}, as: up_again}
  - {from: [up_again, layer1], merge: concat}
  - double: {width: 4}
  - {name: logits, conv: {out: 5, kernel: 1}}
"""

PYRAMID = """\
netspec: 1
name: pyramid
input: {channels: 3, size: [16, 24]}
stages:
  - {block: basic, width: 4}
  - {block: basic, width: 6, stride: 2}
  - {block: basic, width: 8, stride: 2}
head:
  - {name: inner3, conv: {out: 4, kernel: 1}, as: p3}
  - {resize: {factor: 2}, as: from3}
  - {from: layer2, name: inner2, conv: {out: 4, kernel: 1}, as: lateral2}
  - {from: [lateral2, from3], as: p2}
  - {resize: {factor: 2}, as: from2}
  - {from: layer1, name: inner1, conv: {out: 4, kernel: 1}, as: lateral1}
  - {from: [lateral1, from2], as: p1}
  - {name: layer_block, conv: {out: 4, kernel: 3}}
outputs: {small: p3, middle: p2}
"""

BETWEEN = """\
netspec: 1
name: dense_stages
input: {channels: 3, size: [9, 12]}
stem: [{conv: {out: 4, kernel: 3}, as: kept}]
stages:
  - {block: basic, width: 4}
  - {block: basic, width: 4}
  - {block: basic, width: 4, between: [{tanh: {}, as: kept}, {from: [kept, layer1], merge: add}]}
head: [{from: [kept, layer2, layer3], merge: mul}, global_avg_pool, {linear: {out: 3}}]
"""


@pytest.mark.parametrize("text", [U_NET, PYRAMID, BETWEEN], ids=["u-net", "pyramid", "between"])
def test_all_models_agree(text: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    check(netspec.loads(text))


def test_what_is_taken() -> None:
    program = netspec.loads(BETWEEN).network
    layers = {id: node.path for id, node in program.producers.items()}
    taken = {n.path: [layers[v.id] for v in n.inputs] for n in program.nodes if "join" in n.path}
    ends = [layers[stage.result.id] for stage in program.stages]
    assert taken == {"join1": ["tanh", ends[0]], "join2": ["conv1", *ends[1:]]}


def test_source_names_the_stage() -> None:
    source = netspec.loads(U_NET).generate("torch")
    assert "layer1 = self.layer1(x)" in source
    assert "x = torch.cat([up_again, layer1], dim=1)" in source


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("from: [up, layer2]", "from: [up, layer4]", "NS225"),
        ("as: up}", "as: layer1}", "NS224"),
        ("stages:", "stem: [{relu: {}, as: layer2}]\nstages:", "NS224"),
        ("between: [{max_pool: {kernel: 2}}]", "between: [{from: layer3}]", "NS225"),
        (
            "[{conv: {out: width, kernel: 3}}, norm,",
            "[{conv: {out: width, kernel: 3}, from: layer1}, norm,",
            "NS225",
        ),
        ("factor: 2, mode: bilinear", "factor: 0", "NS408"),
        ("factor: 2, mode: bilinear", "factor: 3", "NS405"),
    ],
)
def test_what_is_refused(old: str, new: str, code: str) -> None:
    changed = U_NET.replace(old, new, 1)
    assert changed != U_NET
    with pytest.raises(NetspecError) as caught:
        netspec.loads(changed)
    assert code in {d.code for d in caught.value.diagnostics}, str(caught.value)


def test_values_between_two_positions_need_two_axes() -> None:
    text = "netspec: 1\nname: x\ninput: {channels: 3, size: [4]}\nstem: [{resize: {factor: 2, mode: bilinear}}]\n"
    with pytest.raises(NetspecError, match="for maps of two axes, and this one has 1 axis"):
        netspec.loads(text)
