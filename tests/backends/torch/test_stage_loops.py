"""Stages between which channels grow, as one loop over how many blocks each has."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec
from tests.support.generated import import_source
from tests.support.witnesses import check

torch = pytest.importorskip("torch")
pytest.importorskip("keras")

DENSE = """\
netspec: 1
name: dense
params: {depths: [2, 1, 3], growth: {type: int, default: 4}}
input: {channels: 3, size: [16, 20]}
blocks:
  layer:
    params: {growth: int}
    body: [{concat: {body: [norm, relu, {conv: {out: growth, kernel: 3}}]}}]
  down: {body: [{conv: {out: channels // 2, kernel: 1}}, {avg_pool: {kernel: 2}}]}
stem: [{name: features.conv0, conv: {out: 6, kernel: 3}}]
stages:
  times: len(depths)
  name: features.part{stage + 1}
  block: layer
  block_name: layer{index + 1}
  repeat: depths[stage]
  growth: growth
  between: {when: {test: stage > 0, then: [{name: "features.down{stage}", down: {}}]}}
head: [{name: features.norm, norm: {}}, global_avg_pool, {linear: {out: 5}}]
"""
FAMILY = DENSE + "default: small\nvariants: {small: {}, deep: {depths: [1, 2, 2], growth: 6}}\n"


def test_the_network_is_the_specs() -> None:
    compiled = netspec.loads(DENSE)
    source = compiled.generate("torch")
    assert "for number, depth in enumerate(depths, start=1):" in source
    assert "channels //= 2" in source
    assert "channels += 4 * depth" in source
    assert "OrderedDict(conv0=" in source
    check(compiled)


@pytest.mark.parametrize("depths", [[1, 2, 3], [4, 1, 1]])
def test_with_other_numbers_of_blocks_it_is_the_network_of_these(depths: list[int]) -> None:
    other = netspec.loads(DENSE.replace("[2, 1, 3]", str(depths))).build("torch")
    made = import_source(netspec.loads(DENSE).generate("torch")).Dense(depths)
    found = [[(name, value.shape) for name, value in m.state_dict().items()] for m in (made, other)]
    assert found[0] == found[1]


def test_a_family_is_one_class(tmp_path: Path) -> None:
    path = tmp_path / "dense.yaml"
    path.write_text(FAMILY, encoding="utf-8")
    source = netspec.generate_family(netspec.load(path), "torch")
    assert source.count("class Dense") == 1
    assert "channels += growth * depth" in source
    module = import_source(source)
    for name in ("small", "deep"):
        made, live = getattr(module, name)(), netspec.load(path, variant=name).build("torch")
        made.eval().load_state_dict(live.state_dict())
        x = torch.randn(2, 3, 16, 20)
        torch.testing.assert_close(made(x), live.eval()(x))


DIFFERENT = [
    ("depths[stage]", "2 * depths[stage]"),  # the list says something else
    ("depths: [2, 1, 3]", "depths: [2, 1]"),  # too few
    ("between: {when: {test: stage > 0", "between: {when: {test: stage == 2"),
]


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_what_follows_no_pattern_is_written_out(before: str, after: str) -> None:
    compiled = netspec.loads(DENSE.replace(before, after))
    assert "enumerate" not in compiled.generate("torch")
    check(compiled)


NAMED = """\
netspec: 1
name: named
params: {depth: 2}
input: {channels: 3, size: [8, 8]}
blocks: {b: {params: {width: int}, body: [{conv: {out: width, kernel: 3}}]}}
stages:
  - {block: b, name: features.part, repeat: depth, width: 4, between: [{relu: {}, name: features.part.act}]}
head: [global_avg_pool, {linear: {out: 5}}]
default: small
variants: {small: {}, deep: {depth: 3}}
"""


def test_a_stage_among_whose_blocks_another_layer_has_a_name_is_made_by_no_helper(
    tmp_path: Path,
) -> None:
    path = tmp_path / "named.yaml"
    path.write_text(NAMED, encoding="utf-8")
    module = import_source(netspec.generate_family(netspec.load(path), "torch"))
    for name in ("small", "deep"):
        live = netspec.load(path, variant=name).build("torch")
        assert [*getattr(module, name)().state_dict()] == [*live.state_dict()]
