"""Names from PyTorch and Keras lead to those of the language."""

from __future__ import annotations

import re

import pytest

import netspec
from netspec.backends.keras import KerasBackend
from netspec.lang.schema.elsewhere import (
    _KEYS,
    _OPS,
    _SAID_OTHERWISE,
    attribute_help,
    mapping_help,
    step_help,
)
from netspec.lang.schema.models import COMBINATORS
from netspec.ops import OPS, attributes_of
from tests.support.pages import ROOT

KNOWN = {*OPS, *COMBINATORS, "norm", "act", "basic", "bottleneck"}
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
# What leads to no op: layers of many, and padding and cutting, which an op has as an attribute.
GENERIC = {"Activation", "Sequential", "EinsumDense", "Permute", "ZeroPadding2D", "Cropping2D"}
GENERIC |= {"Reshape", "Conv1D"}  # what `channel_conv` is made of in Keras


def layers_of_the_frameworks() -> dict[str, set[str]]:
    """By the name of a layer in a framework, the ops that it stands for, as the reference has it."""
    found: dict[str, set[str]] = {}
    for section in re.split(r"^#### ", LANGUAGE, flags=re.MULTILINE)[1:]:
        op = re.match(r"`(\w+)`", section)
        line = re.search(r"^Called .*$", section, re.MULTILINE)
        for name in re.findall(r"`(?:nn|layers)\.(\w+)`", line[0]) if line and op else ():
            found.setdefault(name, set()).add(op[1] if op else "")
    return {name: ops for name, ops in found.items() if name not in GENERIC}


@pytest.mark.parametrize("name", layers_of_the_frameworks())
def test_every_layer_that_a_backend_uses_is_known_by_its_name(name: str) -> None:
    said = step_help(name, KNOWN)
    assert said is not None
    suggested = re.fullmatch(r"did you mean `(\w+)`\?", said)
    assert suggested is not None, said
    assert suggested[1] in layers_of_the_frameworks()[name]


def test_there_are_such_layers() -> None:
    assert len(layers_of_the_frameworks()) > 25
    assert KerasBackend().rows.keys() == OPS.keys()


def test_tables_lead_to_words_of_the_language() -> None:
    assert set(_OPS.values()) <= KNOWN
    attributes = {name for op in OPS.values() for name in attributes_of(op)}
    assert set(_KEYS.values()) <= attributes
    assert not attributes & _KEYS.keys()
    assert not {name.replace("_", "") for name in OPS} & _OPS.keys()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("Conv2d", "did you mean `conv`?"),
        ("conv3D", "did you mean `conv`?"),
        ("avgpool", "did you mean `avg_pool`?"),
        ("gap", "did you mean `global_avg_pool`?"),
        ("bottlenek", "did you mean `bottleneck`?"),
        ("conv(64, 3)", "attributes come as a mapping: `conv: {…}`"),
        ("zzzz", None),
    ],
)
def test_words_in_the_place_of_a_step(word: str, said: str | None) -> None:
    assert step_help(word, KNOWN) == said


@pytest.mark.parametrize("word", _SAID_OTHERWISE)
def test_what_no_word_stands_for_is_said_otherwise_or_left_out(word: str) -> None:
    assert step_help(word, KNOWN) == _SAID_OTHERWISE[word]
    assert word not in {name.replace("_", "") for name in KNOWN} | _OPS.keys()
    assert set(re.findall(r"`(\w+)`", _SAID_OTHERWISE[word])) <= {*KNOWN, "as", "padding", "factor"}


INSTEAD = """\
netspec: 1
name: n
input: {channels: 4, size: [8, 8]}
stem:
  - {split: {parts: 2}, as: [value, gates]}
  - {from: gates, sigmoid: {}, as: factor}
  - {from: [value, factor], merge: mul}
  - {split: {sizes: [1, 1]}, as: [one, other]}
  - {from: [one, other], merge: concat}
  - conv: {kernel: 3, depthwise: true, padding: [1, [0, 2]]}
  - conv: {out: 8, kernel: 1}
  - branches: {changed: [tanh], kept: []}
"""


def test_what_is_said_to_write_instead_is_a_network() -> None:
    assert netspec.loads(INSTEAD).outputs == {"output": (8, 8, 8)}


def test_a_word_that_cannot_stand_here_is_not_suggested() -> None:
    assert step_help("dense", {"basic"}) == "expected `basic`"


@pytest.mark.parametrize(
    ("key", "op", "said"),
    [
        ("out_channels", "conv", "did you mean `out`?"),
        ("units", "linear", "did you mean `out`?"),
        ("kernel_size", "max_pool", "did you mean `kernel`?"),
        ("p", "dropout", "did you mean `rate`?"),
        ("in_channels", "conv", "leave it out: it follows from what enters"),
        ("kernal", "conv", "did you mean `kernel`?"),
        ("inplace", "relu", "`relu` takes no attributes"),
        ("filters", "dropout", "expected `rate`"),
    ],
)
def test_keys_of_an_op(key: str, op: str, said: str) -> None:
    assert attribute_help(key, op) == said


@pytest.mark.parametrize(
    ("word", "value", "said"),
    [
        ("conv", 64, "as in `conv: {out: 64, kernel: …}`"),
        ("dropout", 0.5, "as in `dropout: {rate: 0.5}`"),
        ("linear", [10], "as in `linear: {out: …}`"),
        ("relu", "yes", "`relu` takes no attributes: write `relu` alone"),
        ("gate", [], "as in `gate: {body: …}`"),
        ("input", 3, None),
    ],
)
def test_what_is_no_mapping(word: str, value: object, said: str | None) -> None:
    assert mapping_help(word, value) == said
