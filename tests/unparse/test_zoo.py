"""Every network of the zoo, as a spec of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.lang import library
from netspec.lang.source import parse
from tests.support.random_rewrites import REWRITES
from tests.support.zoo import SHRUNK, zoo_cases, zoo_compiled
from tests.unparse.checks import findings, read_off, settled, written

DEEP = {"resnet1202", "preact1001", "resnet152_keras", "resnet152v2"}
"""Networks that take seconds, and are like others of their files."""

ENTRIES = {
    "convnext": 4,
    "densenet": 4,
    "efficientnet": 2,
    "mobilenet_v3": 0,
    "regnet": 4,
    "tsc_resnet": 2,
}
"""Entries for the stages of files whose stages are not one: each has steps of its own ahead of it, names that count
with it, or a container in which a step that is left out gives its index to the next, which makes two blocks. Where
blocks of a stage differ by more than numbers, they are steps of the head."""


def most_lines(compiled: CompiledNetwork, file: str) -> int:
    """The lines of a zoo file without its variants but one, and of the built-in blocks that it uses."""
    text = library.zoo_text(file)
    variants = parse(text, file).data.get("variants") or {}
    called = compiled.network.main.regions("block", "inline")
    names = {region.definition.name for region in called if region.definition}
    blocks = [library.block_text(name) for name in names & library.built_in_blocks()]
    others = max(len(variants) - 1, 0)
    return sum(len(each.splitlines()) for each in (text, *blocks)) - others


@pytest.mark.parametrize("name", zoo_cases(slow=DEEP))
def test_a_network_of_the_zoo_is_a_spec_of_its_own(name: str) -> None:
    compiled = zoo_compiled(name)
    file, _ = library.zoo_variants()[name]
    text = written(settled(compiled.network))
    assert findings(text) <= findings(library.zoo_text(file))
    stages = parse(text, "spec.yaml").data.get("stages", [])
    if file in ENTRIES:
        assert len(stages) == ENTRIES[file]
        return
    assert len(text.splitlines()) <= most_lines(compiled, file)
    assert stages["times"] == len(compiled.network.stages)  # they differ by formulas


@pytest.mark.parametrize("name", ["resnet50", "resnet50v2", "seresnet50", "preact110"])
def test_an_optimized_network_is_a_spec_of_its_own(name: str) -> None:
    compiled = zoo_compiled(name)
    text = written(compiled.optimize().network)
    assert len(netspec.loads(text).layers) < len(compiled.layers)


@pytest.mark.parametrize("name", ["resnet50", "resnet50v2", "seresnet50"])
@pytest.mark.parametrize("rewrite", REWRITES)
def test_one_instance_of_the_zoo_may_differ(name: str, rewrite: str) -> None:
    shrunk = next(each for each in SHRUNK if each.name == name)
    program = settled(shrunk.compiled().network)
    changed = REWRITES[rewrite](program, lambda of: of[len(of) // 2])
    if changed is not None:  # more channels do not fit each shortcut
        assert written(changed) != written(program)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet50v2", "preact164", "seresnet50"])
def test_a_network_is_written_without_what_its_spec_knows(name: str) -> None:
    text = written(read_off(zoo_compiled(name).network))
    assert parse(text, "spec.yaml").data["stages"]["times"] >= 3
    assert len(text.splitlines()) <= 90


def test_numbers_without_formulas_are_those_of_others_where_they_can_be() -> None:
    data = parse(written(read_off(zoo_compiled("resnet50").network)), "spec.yaml").data
    assert data["stages"] == {
        "times": 4,
        "block": "bottleneck_read",
        "repeat": "[3, 4, 6, 3][stage]",
        "conv1_out": "64 * 2 ** stage",
        "conv2_stride": 1,
        "has_conv": False,
        "first": {"conv2_stride": "1 if stage == 0 else 2", "has_conv": True},
    }
    (block,) = data["blocks"].values()
    assert block["params"] == {"conv1_out": "int", "conv2_stride": "int", "has_conv": "bool"}


@pytest.mark.parametrize("variant", ["small", "mobile"])
def test_cells_that_take_what_two_cells_gave(variant: str) -> None:
    file = Path(__file__).parents[1] / "contract" / "cells" / "nasnet.yaml"
    program = settled(netspec.load(file, variant).network)
    written(program)
    written(read_off(program))
