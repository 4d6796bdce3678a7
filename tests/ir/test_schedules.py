"""What templates of networks say of numbers that follow the blocks, and that the verifier holds it against these."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

import netspec
from netspec.errors import InternalError
from netspec.ir.template import Template, Templates, family_templates
from netspec.ir.template.check import check_template
from netspec.lang.expression.symbolic import Varying, to_text

SPEC = """\
netspec: 1
name: n
params: {depths: [2, 1, 3], factor: 1, rate: 0.2}
default: small
variants: {small: {}, large: {factor: 2, rate: 0.5}}
input: {channels: 4, size: [16, 16]}
stages:
  times: len(depths)
  block: inverted_unit
  repeat: depths[stage] * factor
  width: 4 * (stage + 1)
  stride: 2
  expanded: channels * 3
  drop_path: rate * running_index / total
head: [global_avg_pool, {linear: {out: 5}}]
"""


def network_of(text: str = SPEC) -> tuple[Template, Templates]:
    """The template of all variants, as source is made of it."""
    first = netspec.loads(text)
    programs = [first.replace(name).network for name in first.variants]
    found = family_templates(programs, accept_family=lambda template: None)
    return found.network, found


def check(network: Template, templates: Templates) -> None:
    """Hold a network's template against its programs."""
    known = {
        id(region): (template, shape)
        for template in templates.blocks
        for region, shape in zip(template.instances, template.shapes, strict=True)
    }
    check_template(network, known=known)


def test_a_schedule_is_one_formula_for_all_stages() -> None:
    network, _ = network_of()
    (schedule,) = network.schedules.values()
    assert to_text(schedule.formula) == "rate * index / total"
    assert [to_text(count) for count in schedule.counts] == ["2 * factor", "factor", "3 * factor"]
    assert (schedule.name, schedule.start, schedule.totals) == ("drop_paths", 0, [6, 12])
    assert {"rate", "factor"} <= {*network.parameters}


def test_numbers_that_are_not_the_schedule_s_are_seen() -> None:
    network, templates = network_of()
    (schedule,) = network.schedules.values()
    check(network, templates)
    for wrong, message in (
        (replace(schedule, given=[[*schedule.given[0][:-1], 0.3], *schedule.given[1:]]), "others"),
        (replace(schedule, start=1), "others"),
        (replace(schedule, totals=[7, 12]), "there are not 7 blocks"),
    ):
        with pytest.raises(InternalError, match=message):
            check(replace(network, schedules={schedule.name: wrong}), templates)


def test_what_enters_a_block_gives_an_argument() -> None:
    network, templates = network_of()
    region, series = [*network.series.items()][-1]
    expanded = series.arguments["expanded"]
    assert expanded.entering is not None
    assert to_text(expanded.entering) == "in_channels * 3"
    assert (expanded.first, expanded.rest) == (24, 36)
    node = ast.BinOp(ast.Name("in_channels"), ast.Mult(), ast.Constant(5))
    wrong = replace(expanded, entering=Varying(node, (None, None), False))
    changed = replace(series, arguments={**series.arguments, "expanded": wrong})
    with pytest.raises(InternalError, match="for `expanded`"):
        check(replace(network, series={**network.series, region: changed}), templates)


DIFFERENT = {
    "another formula in a stage": (
        "drop_path: rate * running_index / total",
        "drop_path: rate * (running_index + stage) / total",
    ),
    "the index in the stage": ("running_index", "index"),
    "one stage": ("times: len(depths)", "times: 1"),
}


@pytest.mark.parametrize(("before", "after"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_follows_more_is_no_schedule(before: str, after: str) -> None:
    assert before in SPEC
    first = netspec.loads(SPEC.replace(before, after))
    programs = [first.replace(name).network for name in first.variants]
    found = family_templates(programs, accept_family=lambda template: None)
    assert all(not network.schedules for network in found.networks)
