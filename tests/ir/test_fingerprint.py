"""Fingerprints change with the network, and with nothing else."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest

from netspec import api
from netspec.ir import Node, Program, Value
from netspec.ir.fingerprint import VERSION, attributes, canonical, fingerprint, plain
from netspec.ir.rewrite import rewrite
from netspec.ops import Op, attributes_of
from netspec.ops.base import Axes, Reals, Result, Sizes
from netspec.ops.convolution import Linear
from netspec.ops.geometry import Padding
from netspec.ops.initializers import Constant, Normal, VarianceScaling
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import cases

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


@cache
def places() -> dict[type[Op], tuple[Program, Node]]:
    """A network with each class of ops that has attributes, and where it stands."""
    wanted = {op for op in classes(Op) if attributes_of(op)}
    found: dict[type[Op], tuple[Program, Node]] = {}
    for steps, rank in cases():
        if rank == 2:
            network = network_of(steps, SIZES[rank])
            for node in network.nodes:
                found.setdefault(type(node.op), (network, node))
    vector = network_of("linear: {out: 5}", ())
    found[Linear] = (vector, next(n for n in vector.nodes if isinstance(n.op, Linear)))
    return {op: found[op] for op in wanted}


def classes(op: type[Op]) -> Iterator[type[Op]]:
    """The classes of netspec's ops that have a name in the language."""
    for one in op.__subclasses__():
        if one.__module__.startswith("netspec.") and "kind" in vars(one):
            yield one
        yield from classes(one)


def others(kind: Any, present: object) -> list[object]:
    """Other values than ``present`` for an attribute of a type; every type must have some."""
    found: list[object] = []
    for one in _alternatives(kind):
        if get_origin(one) is Literal:
            found += get_args(one)
        elif get_origin(one) is tuple or one in (Axes, Sizes, Reals):
            length = len(present) if isinstance(present, tuple) else 2
            found += [(7, *[5] * (length - 1)), (5,) * length]
        elif isinstance(one, type) and issubclass(one, Padding):
            found += [Padding("same"), Padding("explicit", ((1, 0), (0, 2)))]
            found += [Padding("valid"), Padding("explicit", ((0, 1), (0, 2)))]
        elif one in (bool, int, float, str, Result, NoneType):
            found += VALUES[one]
        elif dataclasses.is_dataclass(one):
            found += [Normal(0.3), Normal(0.4), Constant(0.3)]
    return [value for value in found if plain(value) != plain(present)]


VALUES: dict[object, list[object]] = {
    bool: [True, False],
    int: [5, 7],
    float: [0.125, 0.25],
    str: ["one", "two"],
    Result: ["one", "two"],
    NoneType: [None],
}


def _alternatives(kind: Any) -> Iterator[Any]:
    if get_origin(kind) in (Union, UnionType):
        for one in get_args(kind):
            yield from _alternatives(one)
    else:
        yield kind


ATTRIBUTES = [
    pytest.param(op, name, id=f"{op.kind}-{name}")
    for op in sorted(set(classes(Op)), key=lambda op: (op.kind, op.__name__))
    for name in attributes_of(op)
]


@pytest.mark.parametrize(("op", "name"), ATTRIBUTES)
def test_every_attribute_of_every_op_is_part_of_it(op: type[Op], name: str) -> None:
    """No attribute, momentum say, may change without the meaning; and no two values are one."""
    network, node = places()[op]
    present = getattr(node.op, name)
    values = others(attributes_of(op)[name].type, present)
    assert values, f"no other value is known for {attributes_of(op)[name].type}"
    prints = [fingerprint(with_attribute(network, node, name, value)) for value in values]
    distinct = {json.dumps(plain(value)) for value in values}
    assert fingerprint(network) not in prints
    assert len(set(prints)) == len(distinct)


def test_one_of_several_ops_of_a_kind_is_enough() -> None:
    """A change anywhere, and whose it is."""
    network = network_of("relu\nleaky_relu: {slope: 0.2}\nleaky_relu: {slope: 0.2}", (4, 5))
    _, first, second = network.nodes
    prints = {fingerprint(with_attribute(network, one, "slope", 0.3)) for one in (first, second)}
    assert len({fingerprint(network), *prints}) == 3


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


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_json_lacks_has_none(value: float) -> None:
    """What reads it elsewhere would have to know how Python spells it."""
    network = network_of("leaky_relu", (4, 5))
    with pytest.raises(ValueError, match="JSON"):
        fingerprint(with_attribute(network, network.nodes[0], "slope", value))


RECORDED = """\
netspec: 1
name: net
input: {left: {channels: 3, size: [8, 9]}, right: {channels: 2, size: [8, 9]}}
stem:
  - {conv: {out: 4, kernel: 3, padding: [[0, 2], 1], init: {normal: 0.5}}, from: left, as: a}
  - {conv: {out: 4, kernel: 3, bias: false}, from: right, as: b}
  - {from: [b, a], name: sum}
  - {split: {sizes: [1, 3]}, as: [c, d]}
head:
  - {from: [d, c], merge: concat, name: cat}
outputs: {logits: output, early: {from: a, when: training}}
"""


def test_what_is_written_down_stays_so() -> None:
    """Certificates and generated files hold fingerprints: another form of one needs another ``VERSION``."""
    padding = ["explicit", [[0, 2], [1, 1]]]
    first = {"out": 4, "kernel": [3, 3], "padding": padding, "init": ["normal", {"std": 0.5}]}
    assert canonical(api.loads(RECORDED).network) == [
        "net",
        None,
        [["left", [3, 8, 9]], ["right", [2, 8, 9]]],
        [
            ["cat", "concat", {}, ["1 split", "0 split"]],
            ["conv1", "conv", first, ["input 0"]],
            ["conv2", "conv", {"out": 4, "kernel": [3, 3], "bias": False}, ["input 1"]],
            ["split", "split", {"sizes": [1, 3]}, ["0 sum"]],
            ["sum", "add", {}, ["0 conv2", "0 conv1"]],
        ],
        [["early", "0 conv1", "training"], ["logits", "0 cat"]],
    ]
    assert of(RECORDED) == "2:864e22327ed16b87ee4a2339901a4897c46831dbf8be09d486c4cfe18e76946e"
    assert of(TEXT) == "2:4a30aa9fd5e7299e2144f8cf169f4eb46ce2148df72aef14adabec56f29755a9"
