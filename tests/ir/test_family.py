"""Templates of several networks of one spec: what varies over its variants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import netspec
from netspec.errors import InternalError
from netspec.ir.template import Growth, Series, Templates, family_templates
from netspec.ir.template.check import check_template
from netspec.lang.expression.symbolic import Varying, to_text

SPEC = """\
netspec: 1
name: n
params: {depths: [2, 3], width: 4, wide: 1, classes: 5, tail: {type: steps, default: []}, block: {type: block, default: one}}
arguments: [classes]
variants: VARIANTS
input: {channels: 3, size: [8, 8]}
blocks:
  one:
    params: {width: int, stride: 1, kernel: 3}
    body: [{conv: {out: width, kernel: kernel, stride: stride}}, relu]
  two:
    params: {width: int, stride: 1, kernel: 3}
    body: [{conv: {out: width * 2, kernel: 3, stride: stride}}, relu]
  growing:
    params: {width: int, stride: 1, kernel: 3}
    body: [{conv: {out: in_channels + width, kernel: 3}}]
  doubling:
    params: {width: int, stride: 1, kernel: 3}
    body: [{conv: {out: 2 * in_channels + width, kernel: 3}}]
stages:
  times: len(depths)
  block: block
  repeat: depths[stage]
  width: width * wide * 2 ** stage
  stride: "1 if stage == 0 else 2"
  STAGE: 3
head: [global_avg_pool, tail, {linear: {out: classes}}]
"""


def family(variants: str, stage: str = "kernel: 3") -> Templates:
    """The templates of all variants of a spec."""
    first = netspec.loads(
        SPEC.replace("VARIANTS", variants).replace("STAGE: 3", stage), variant="a"
    )
    return family_templates([first.replace(name).network for name in first.variants])


def of_series(templates: Templates) -> list[Series]:
    """The rows of blocks of the only template of all networks."""
    return [*templates.network.series.values()]


def text(value: Any) -> Any:
    """A number as it prints."""
    return to_text(value) if isinstance(value, Varying) else value


def test_the_spec_s_own_parameters_are_those_of_the_family() -> None:
    templates = family("{a: {depths: [1, 4]}, b: {wide: 2}}")
    first, second = of_series(templates)
    assert [text(each.count) for each in (first, second)] == ["depths[0]", "depths[1]"]
    assert text(first.arguments["width"].rest) == "wide * 4"
    assert [first.arguments["stride"].rest, second.arguments["stride"].first] == [1, 2]
    assert second.arguments["stride"].rest == 1
    assert {*templates.network.parameters} == {"depths", "wide", "classes"}


def test_a_list_is_read_whole_where_one_of_its_numbers_varies() -> None:
    first, _ = of_series(family("{a: {depths: [2, 4]}, b: {}}"))
    assert text(first.count) == "depths[0]"


def test_channels_follow_an_argument_of_the_blocks() -> None:
    first, second = of_series(family("{a: {block: two}, b: {block: two, wide: 3}}"))
    assert first.growth == Growth("width", (2, 2))
    assert text(second.source) == "wide * 8"


def test_channels_that_blocks_add_to_have_a_name() -> None:
    first, second = of_series(family("{a: {block: growing}, b: {block: growing, depths: [2, 2]}}"))
    assert first.growth == Growth("width", (1, 1), is_added=True)
    assert (first.channels, text(second.source)) == ("layer1_channels", "layer1_channels")
    assert text(first.added) == "3 + 4 * depths[0]"


def test_blocks_that_widen_differently_are_a_parameter() -> None:
    templates = family("{a: {block: two}, b: {depths: [3, 3]}}")
    first, second = of_series(templates)
    assert (first.block, first.growth) == ("block", Growth("width", (2, 1)))
    assert (first.channels, text(second.source)) == ("layer1_channels", "layer1_channels")
    names = [each.definition and each.definition.name for each in templates.network.blocks["block"]]
    assert names == ["two", "one"]


@pytest.mark.parametrize(
    ("variants", "reason"),
    [
        ("{a: {}, b: {depths: [2]}}", "another list of steps"),
        ("{a: {tail: [sigmoid]}, b: {tail: [relu]}}", "another list of steps"),
        ("{a: {block: doubling}, b: {block: doubling, depths: [2, 2]}}", "no argument tells"),
    ],
)
def test_networks_that_differ_by_more_are_parted(variants: str, reason: str) -> None:
    templates = family(variants)
    assert len(templates.networks) == 2
    assert reason in str(templates.networks[0].reasons[0])


def test_an_argument_that_follows_the_index_parts_networks() -> None:
    templates = family("{a: {}, b: {depths: [2, 4]}}", stage='kernel: "1 + 2 * index"')
    assert len(templates.networks) == 2
    assert "follows the index" in str(templates.networks[0].reasons[0])


def test_a_short_stage_without_a_pattern_is_written_out() -> None:
    templates = family("{a: {block: doubling}, b: {block: doubling, wide: 2}}")
    assert not templates.network.series
    channels = [text(call.arguments["in_channels"]) for call in templates.network.calls.values()]
    assert channels[:2] == [3, "6 + wide * 4"]


def test_an_argument_of_the_last_block() -> None:
    first, second = of_series(family("{a: {depths: [1, 2]}, b: {}}", stage="last: {kernel: 5}"))
    kernel = first.arguments["kernel"]
    assert (kernel.first, kernel.rest, kernel.last) == (None, 3, 5)
    assert second.arguments["kernel"].of(0, 1) == 5


def test_a_series_that_is_not_the_blocks_is_seen() -> None:
    templates = family("{a: {depths: [1, 4]}, b: {}}")
    (network,) = templates.networks
    region, series = next(iter(network.series.items()))
    known = {
        id(region): (template, shape)
        for template in templates.blocks
        for region, shape in zip(template.instances, template.shapes, strict=True)
    }
    check_template(network, known=known)
    stride = replace(series.arguments["stride"], rest=2)
    wrong = replace(series, arguments={**series.arguments, "stride": stride})
    with pytest.raises(InternalError, match="is given 2 for `stride`"):
        check_template(replace(network, series={**network.series, region: wrong}), known=known)
    wrong = replace(series, count=7)
    with pytest.raises(InternalError, match="does not come"):
        check_template(replace(network, series={**network.series, region: wrong}), known=known)


@pytest.mark.parametrize("name", ["resnet", "resnetv2_keras", "seresnet", "wide_resnet_cifar"])
def test_a_family_of_the_zoo_is_one_template(name: str) -> None:
    network = netspec.load(name)
    templates = family_templates([network.replace(each).network for each in network.variants])
    assert len(templates.networks) == 1
