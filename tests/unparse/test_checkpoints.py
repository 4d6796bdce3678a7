"""What published weights call layers is in a spec that is written, where it still means the same."""

from __future__ import annotations

import pytest

import netspec
from netspec.lang.source import parse
from netspec.unparse.checkpoints import checkpoints_data
from netspec.weights.published import published_names
from tests.support.zoo import SHRUNK
from tests.unparse.checks import findings

SPEC = """\
netspec: 1
name: net
params: {depth: 2}
input: {channels: 4, size: [8, 9]}
stages: [{block: basic, width: 4, repeat: depth}]
checkpoints:
  by_number: {framework: torch, layers: {"{group}.{block}.{layer}": "{total - index}.{layer}"}}
  the_same: {framework: keras, doc: "whose names: these", shortcut_first: true}
  none: {framework: torch, layers: {layer2.0.conv1: conv1}}
"""


@pytest.mark.parametrize("name", ["resnet50", "resnet50v2", "preact110", "article_resnet"])
def test_published_names_are_those_of_the_spec_that_it_was(name: str) -> None:
    compiled = next(each for each in SHRUNK if each.name == name).compiled()
    text = compiled.to_yaml()
    again = netspec.loads(text)
    old, new = (each.compilation.spec.checkpoints for each in (compiled, again))
    assert old.keys() == new.keys()
    for key, checkpoint in old.items():
        names = published_names(compiled.network, checkpoint)
        assert published_names(again.network, new[key]) == names
        assert new[key].doc == checkpoint.doc
        assert new[key].shortcut_first is checkpoint.shortcut_first
    assert not findings(text) - {"NS302"}


def test_what_means_something_else_is_left_out() -> None:
    two = netspec.loads(SPEC)
    of_two = two.compilation.spec.checkpoints
    assert [*checkpoints_data(of_two, two.network, two.network)] == ["by_number", "the_same"]
    three = two.replace(depth=3).network
    assert not checkpoints_data(of_two, two.network, three)


def test_weights_of_an_optimized_network_are_published_by_nobody() -> None:
    assert "checkpoints" in parse(netspec.loads(SPEC).to_yaml(), "a.yaml").data
    assert "checkpoints" not in parse(netspec.loads(SPEC).optimize().to_yaml(), "a.yaml").data
