"""Numbers that follow how many blocks stand ahead: one formula for all stages, and a number for each block."""

from __future__ import annotations

from typing import Any

import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.codegen.identifiers import safe_identifier
from netspec.family import members_of
from tests.support.families import check_family
from tests.support.generated import import_source
from tests.support.witnesses import check

torch = pytest.importorskip("torch")
pytest.importorskip("keras")

SPEC = """\
netspec: 1
name: dropping
params:
  depths: [2, 1, 3]
  factor: {type: float, default: 1.0}
  rate: {type: float, default: 0.2}
  classes: 5
arguments: [classes]
input: {channels: 8, size: [16, 20]}
blocks:
  unit:
    params: {width: int, stride: 1, rate: float}
    body:
      - residual:
          when: stride == 1 and in_channels == width
          body: [{conv: {out: width, kernel: 3, stride: stride}}, norm, {drop_path: {rate: rate}}]
stages:
  times: len(depths)
  block: unit
  repeat: ceil(depths[stage] * factor)
  width: 8 * (stage + 1)
  stride: "1 if stage == 0 else 2"
  rate: rate * running_index / total
head: [global_avg_pool, {linear: {out: classes}}]
"""
FAMILY = SPEC + "default: small\nvariants: {small: {}, large: {factor: 1.5, rate: 0.3}}\n"
BACKENDS = ("torch", "keras")


def rates(model: Any) -> list[float]:
    """The rates by which a model drops paths, in order."""
    if isinstance(model, torch.nn.Module):
        return [
            module.p for module in model.modules() if type(module).__name__.startswith("DropPath")
        ]
    layers = model._flatten_layers(include_self=False)
    return [layer.rate for layer in layers if type(layer).__name__ == "Dropout"]


def check_rates(compiled: CompiledNetwork, backend: str, made: Any) -> None:
    """What was made drops as the live model does, and not everywhere alike."""
    live = rates(compiled.build(backend))
    assert rates(made) == live
    assert len({*live}) > 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_blocks_of_all_stages_take_the_next_number(backend: str) -> None:
    compiled = netspec.loads(SPEC)
    source = compiled.generate(backend)
    assert "rates = (0.2 * index / 6 for index in range(6))" in source
    assert source.count("0.2") == 1
    check_rates(compiled, backend, import_source(source).dropping())
    assert any(
        "how many blocks stand ahead" in str(each) for each in netspec.explain(compiled, backend)
    )


def test_the_networks_are_the_specs() -> None:
    check(netspec.loads(SPEC))
    check_family(netspec.loads(FAMILY))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_family_is_one_network_that_counts_its_blocks(backend: str) -> None:
    compiled = netspec.loads(FAMILY)
    source = netspec.generate_family(compiled, backend)
    assert "total = sum(math.ceil(depth * factor) for depth in [2, 1, 3])" in source
    assert "rates = (rate * index / total for index in range(total))" in source
    module = import_source(source)
    for member in members_of(compiled):
        check_rates(member, backend, getattr(module, safe_identifier(member.name))())


def test_what_takes_no_depths_sums_none() -> None:
    compiled = netspec.loads(SPEC.replace("ceil(depths[stage] * factor)", "depths[stage]"))
    check_rates(compiled, "keras", import_source(compiled.generate("keras")).dropping())


def test_a_list_of_depths_is_summed() -> None:
    compiled = netspec.loads(SPEC.replace("ceil(depths[stage] * factor)", "depths[stage]"))
    source = compiled.generate("torch")
    assert "total = sum(depths)" in source
    other = netspec.loads(
        SPEC.replace("ceil(depths[stage] * factor)", "depths[stage]").replace(
            "[2, 1, 3]", "[1, 2, 2]"
        )
    )
    check_rates(other, "torch", import_source(source).Dropping([1, 2, 2]))


STILL = """\
stages:
  - {block: still, repeat: 2, width: 8}
  - times: len(depths)
    block: unit
    repeat: depths[stage - 1]
    width: 8 * stage
    stride: "1 if stage == 1 else 2"
    rate: rate * running_index / total
head:"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_blocks_without_a_use_for_a_number_take_none(backend: str) -> None:
    ahead, _, rest = SPEC.partition("stages:")
    still = "  still: {params: {width: int}, body: [{conv: {out: width, kernel: 3}}, norm]}\n"
    compiled = netspec.loads(f"{ahead}{still}{STILL}{rest.partition('head:')[2]}")
    source = compiled.generate(backend)
    assert "rates = (0.2 * index / 8 for index in range(2, 8))" in source
    check_rates(compiled, backend, import_source(source).dropping())


USELESS = """\
stages:
  - times: 2
    block: useless
    repeat: 2
    width: 8
    rate: rate * running_index / total
  - times: len(depths)
    block: unit
    repeat: depths[stage - 2]
    width: 8 * stage
    stride: "1 if stage == 2 else 2"
    rate: rate * running_index / total
head:"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_number_that_a_framework_has_no_use_for_is_taken(backend: str) -> None:
    ahead, _, rest = SPEC.partition("stages:")
    block = (
        "  useless: {params: {width: int, rate: float}, body: "
        "[{conv: {out: width, kernel: 3, bias: false, bias_init: {normal: rate + 1}}}]}\n"
    )
    compiled = netspec.loads(f"{ahead}{block}{USELESS}{rest.partition('head:')[2]}")
    source = compiled.generate(backend)
    assert "rates = (0.2 * index / 10 for index in range(10))" in source
    check_rates(compiled, backend, import_source(source).dropping())


ZOO = ("efficientnet_b0", "tf_efficientnetv2_b0", "efficientnet_v2_s")


@pytest.mark.parametrize("name", ZOO)
def test_networks_of_the_zoo_drop_as_live_models_do(name: str) -> None:
    compiled = netspec.load(name)
    with torch.device("meta"):
        made = getattr(import_source(compiled.generate("torch")), name)()
        check_rates(compiled, "torch", made)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_argument_that_is_kept_is_a_part_of_the_formula(backend: str) -> None:
    compiled = netspec.loads(SPEC.replace("arguments: [classes]", "arguments: [rate]"))
    source = compiled.generate(backend)
    assert "rates = (rate * index / 6 for index in range(6))" in source
    other = netspec.loads(SPEC.replace("default: 0.2", "default: 0.4"))
    check_rates(other, backend, import_source(source).dropping(rate=0.4))


DEEP = SPEC.replace("[2, 1, 3]", "[200, 1, 3]")


def test_models_in_models_take_the_next_number_too() -> None:
    source = netspec.loads(DEEP).generate("keras")
    assert "rate=next(rates)" in source
    check_rates(netspec.loads(DEEP), "keras", import_source(source).dropping())


OTHERS = {
    "one stage, whose loop says it": [("times: len(depths)", "times: 1")],
    "stages that stand in several places": [
        (
            "times: len(depths)",
            "times: len(depths)\n  name: \"{'a' if stage == 1 else 'b'}.layer{stage}\"",
        )
    ],
    "a formula of the stage": [("* running_index", "* (running_index + stage)")],
    "whole numbers": [
        ("rate: float}", "rate: int}"),
        (
            "{drop_path: {rate: rate}}",
            "{drop_path: {rate: 0.1}}, {conv: {out: width, kernel: rate}}",
        ),
        ("rate * running_index / total", "2 * running_index + 1"),
    ],
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_what_is_no_schedule_is_written_out(changes: list[tuple[str, str]]) -> None:
    text = SPEC
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    compiled = netspec.loads(text)
    source = compiled.generate("torch")
    assert "next(" not in source
    assert rates(import_source(source).dropping()) == rates(compiled.build("torch"))
