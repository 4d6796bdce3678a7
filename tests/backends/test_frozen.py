"""Parameters that stay as they start: live and generated, in both frameworks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import netspec
from netspec.errors import NetspecError
from netspec.ir.fingerprint import fingerprint

SPEC = """
netspec: 1
name: small
input: {channels: 3, size: [8, 8]}
stem:
  - {name: a, conv: {out: 6, kernel: 3, frozen: weight}}
  - {name: b, batch_norm: {frozen: bias}}
  - {name: c, batch_norm: {frozen: all}}
  - {name: d, scale: {bias: true, frozen: all}}
  - {name: e, prelu: {}}
head: [global_avg_pool, {linear: {out: 5, frozen: bias}}]
"""
FROZEN = {"a.weight", "b.bias", "c.weight", "c.bias", "d.weight", "d.bias", "fc.bias"}
KEPT = {*FROZEN, "c.running_mean", "c.running_var"}


def made(source: str, name: str) -> Any:
    space: dict[str, Any] = {}
    exec(compile(source, "<generated>", "exec"), space)
    return space[name]()


@pytest.mark.parametrize("is_live", [True, False])
def test_pytorch_trains_all_but_these(is_live: bool) -> None:
    network = netspec.loads(SPEC)
    model = network.build("torch") if is_live else made(network.generate("torch"), "small")
    assert {n for n, p in model.named_parameters() if not p.requires_grad} == FROZEN
    before = {n: t.clone() for n, t in model.state_dict().items()}
    model.train()(torch.randn(4, 3, 8, 8)).square().sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    changed = {n for n, t in model.state_dict().items() if not torch.equal(t, before[n])}
    assert {n for n in before if "num_batches" not in n} - changed == KEPT


@pytest.mark.parametrize("is_live", [True, False])
def test_keras_trains_all_but_these(is_live: bool) -> None:
    keras = pytest.importorskip("keras")
    network = netspec.loads(SPEC)
    model = network.build("keras") if is_live else made(network.generate("keras"), "small")
    names = {"kernel": "weight", "gamma": "weight", "beta": "bias"} | {
        f"moving_{theirs}": f"running_{ours}"
        for theirs, ours in (("mean", "mean"), ("variance", "var"))
    }
    before = {(w.path): w.numpy().copy() for w in model.weights}
    model.compile(keras.optimizers.SGD(0.1), "mse")
    random = np.random.default_rng(0)
    model.fit(random.normal(size=(4, 8, 8, 3)), random.normal(size=(4, 5)), verbose=0)
    kept = set()
    for weight in model.weights:
        layer, _, name = weight.path.rpartition("/")
        if np.array_equal(weight.numpy(), before[weight.path]):
            kept.add(f"{layer.rpartition('/')[2]}.{names.get(name, name)}")
    assert kept == KEPT


def test_a_summary_counts_them_apart() -> None:
    summary = netspec.loads(SPEC).summary()
    assert summary.parameters.frozen == 6 * 3 * 9 + 6 + 4 * 6 + 2 * 6 + 5
    assert summary.parameters.trainable == 6 + 6 + 6 + 6 * 5
    assert summary.parameters.statistics == 2 * 6
    assert ", 209 frozen and 12 statistics" in str(summary)
    assert summary.to_json()["parameters"]["frozen"] == 209


def test_frozen_weights_are_part_of_the_network() -> None:
    text = SPEC.replace("frozen: weight", "frozen: none")
    assert fingerprint(netspec.loads(text).network) != fingerprint(netspec.loads(SPEC).network)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("conv: {out: 4, kernel: 3, bias: false, frozen: bias}", "has no `bias`"),
        ("layer_norm: {affine: false, frozen: all}", "has no parameters"),
        ("batch_norm: {affine: false, frozen: weight}", "has no `weight`"),
        ("prelu: {frozen: bias}", "has no `bias`"),
        ("scale: {frozen: bias}", "has no `bias`"),
    ],
)
def test_what_is_not_there_cannot_stay(step: str, message: str) -> None:
    with pytest.raises(NetspecError, match=message):
        netspec.loads(
            f"netspec: 1\nname: n\ninput: {{channels: 4, size: [8, 8]}}\nstem: [{{{step}}}]\n"
        )


def test_blocks_that_differ_in_it_are_classes_of_their_own() -> None:
    text = """
netspec: 1
name: small
input: {channels: 4, size: [8, 8]}
blocks:
  unit:
    params: {normal: {type: steps, default: []}}
    body: [{conv: {out: 4, kernel: 3}}, normal]
stages:
  - {block: unit, normal: [{batch_norm: {frozen: weight}}]}
  - {block: unit, normal: [{batch_norm: {}}]}
  - {block: unit, normal: [{group_norm: {groups: 2}}]}
"""
    network = netspec.loads(text)
    model = made(network.generate("torch"), "small")
    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"layer1.0.bn1.weight"}
    pytest.importorskip("keras")
    keras_model = made(network.generate("keras"), "small")
    assert [w.path for w in keras_model.non_trainable_weights if "gamma" in w.path] == [
        "layer1_0_bn1/gamma"
    ]
