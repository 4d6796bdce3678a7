"""The hash of the meaning changes with the network, and with nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from netspec import api, tree
from netspec.geometry import Padding
from netspec.initializers import Constant, Normal, UniformFanIn, VarianceScaling
from netspec.meaning import meaning_hash
from netspec.ops import attributes_of
from netspec.passes import map_layers

TEXT = """\
netspec: 1
name: net
params: {width: 8}
input: {channels: 3, size: [8, 8]}
stem:
  - conv: {out: width, kernel: 3}
  - norm
  - act
  - residual: {body: [{conv: {out: width, kernel: 1}}]}
head: [global_avg_pool, {linear: {out: 2}}]
"""


def meaning(text: str) -> str:
    return meaning_hash(api.loads(text).compilation.expanded)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width", "w"),
        ("out: width", "out: 4 * 2"),
        ("- norm", "- batch_norm: {eps: 1e-5}"),
        ("- act", "- relu"),
        ("kernel: 3", "kernel: [3, 3], stride: 1"),
        ("netspec: 1", "# a comment\nnetspec: 1"),
        (
            "{body: [{conv: {out: width, kernel: 1}}]}",
            "\n      body:\n      - conv: {out: width, kernel: 1}",
        ),
    ],
)
def test_other_words_for_the_same_network(old: str, new: str) -> None:
    changed = TEXT.replace(old, new)
    assert changed != TEXT
    assert meaning(changed) == meaning(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width: 8", "width: 9"),
        ("kernel: 3", "kernel: 3, padding: valid"),
        ("- norm", "- batch_norm: {eps: 1e-3}"),
        ("- act", "- relu6"),
        ("  - act\n", ""),
        ("size: [8, 8]", "size: [8, 9]"),
        ("name: net", "name: other"),
        ("residual: {body", "gate: {body"),
        ("kernel: 1}", "kernel: 1, init: zeros}"),
        ("- norm", "- norm:\n    name: first"),
    ],
)
def test_another_network(old: str, new: str) -> None:
    changed = TEXT.replace(old, new)
    assert changed != TEXT
    assert meaning(changed) != meaning(TEXT)


OPS = {
    "conv": "conv: {out: 8, kernel: 3}",
    "linear": "linear: {out: 6}",
    "batch_norm": "batch_norm: {}",
    "layer_norm": "layer_norm: {}",
    "group_norm": "group_norm: {groups: 4}",
    "instance_norm": "instance_norm: {}",
    "max_pool": "max_pool: {kernel: 2}",
    "avg_pool": "avg_pool: {kernel: 2}",
    "dropout": "dropout: {rate: 0.1}",
    "drop_path": "drop_path: {rate: 0.1}",
    "leaky_relu": "leaky_relu: {slope: 0.1}",
    "prelu": "prelu: {}",
    "scale": "scale: {}",
}
VALUES = {bool: (True, False), int: (2, 4), float: (0.25, 0.5)}


def changed(value: object) -> list[object]:
    """Other values that an attribute with this value may have."""
    if isinstance(value, Padding):
        return [Padding("same")]
    if isinstance(value, tuple):
        return [tuple(2 for _ in value), tuple(4 for _ in value)]
    if isinstance(value, Constant | Normal | UniformFanIn | VarianceScaling):
        return [Normal(0.3), Constant(0.7)]
    return list(VALUES.get(type(value), ()))


@pytest.mark.parametrize("kind", OPS)
def test_every_attribute_of_every_op_is_part_of_it(kind: str) -> None:
    """No attribute, momentum say, may change without the meaning."""
    before = "[global_avg_pool, " if kind == "linear" else "["
    text = f"netspec: 1\nname: n\ninput: {{channels: 8, size: [8, 8]}}\nstem: {before}{{{OPS[kind]}}}]\n"
    network = api.loads(text).compilation.expanded
    (layer,) = (one for one in tree.layers(network) if one.op.kind == kind)
    seen = 0
    for name in attributes_of(type(layer.op)):
        present = getattr(layer.op, name)
        for value in changed(present):
            if value == present:
                continue
            other = map_layers(
                network,
                lambda one, name=name, value=value: (
                    dataclasses.replace(one, op=dataclasses.replace(one.op, **{name: value}))
                    if one.op.kind == kind
                    else one
                ),
            )
            assert meaning_hash(other) != meaning_hash(network), (name, value)
            seen += 1
    assert seen
