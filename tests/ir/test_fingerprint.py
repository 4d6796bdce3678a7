"""Fingerprints change with the network, and with nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from netspec import api
from netspec.ir import Node, Program, Value
from netspec.ir.fingerprint import VERSION, attributes, canonical, fingerprint
from netspec.ir.rewrite import rewrite
from netspec.ops import Op, attributes_of
from netspec.ops.geometry import Padding
from netspec.ops.initializers import Constant, Normal, UniformFanIn, VarianceScaling

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


def of(text: str) -> str:
    return fingerprint(api.loads(text).network)


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
    assert of(changed) == of(TEXT)


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
    assert of(changed) != of(TEXT)


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
    network = api.loads(text).network
    (layer,) = (one for one in network.layers if one.op.kind == kind)
    seen = 0
    for name in attributes_of(type(layer.op)):
        present = getattr(layer.op, name)
        for value in changed(present):
            if value == present:
                continue
            other = with_attribute(network, layer, name, value)
            assert fingerprint(other) != fingerprint(network), (name, value)
            seen += 1
    assert seen


def with_attribute(network: Program, layer: Node, name: str, value: object) -> Program:
    """The network with another value of one attribute of one op."""

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        op = replace(node.op, **{name: value}) if node.path == layer.path else node.op
        return replace(node, op=op, inputs=inputs)

    return rewrite(network, change)


def test_it_says_its_version() -> None:
    version, _, digest = of(TEXT).partition(":")
    assert version == str(VERSION)
    assert len(digest) == 64


def test_no_class_of_python_is_part_of_it() -> None:
    network = api.loads(
        TEXT.replace("kernel: 3}", "kernel: 3, padding: same, init: {kaiming_normal: fan_out}}")
    ).network
    text = json.dumps(canonical(network))
    assert not {cls.__name__ for cls in (*Op.__subclasses__(), Padding, VarianceScaling)} & set(
        re.findall(r"\w+", text)
    )
    assert '"conv1", "conv", {' in text


def test_defaults_are_no_part_of_it() -> None:
    network = api.loads(TEXT).network
    found = {node.path: attributes(node.op) for node in network.nodes}
    assert found["bn1"] == {}
    assert found["conv1"] == {"out": 8, "kernel": [3, 3]}


def test_order_and_regions_are_no_part_of_it() -> None:
    """What another order of steps, or a block in the place of steps, does not change."""
    text = """\
netspec: 1
name: net
input: {channels: 3, size: [8]}
stem:
  - {relu: {}, as: a, name: first}
  - {tanh: {}, as: b, name: second, from: start}
  - {from: [a, b], name: sum}
"""
    one = text.replace("  - {relu", "  - {sigmoid: {}, as: start, name: zero}\n  - {relu").replace(
        "as: a, name: first", "as: a, name: first, from: start"
    )
    lines = one.splitlines()
    lines[5], lines[6] = lines[6], lines[5]
    assert of(one) == of("\n".join(lines))
    assert of(one) != of(one.replace("[a, b]", "[b, a]"))
