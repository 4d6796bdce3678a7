"""Which parts of generated source are a `nn.Sequential`."""

from __future__ import annotations

import pytest

import netspec
from tests.support.generated import build_generated
from tests.support.witnesses import check

NESTED = """\
netspec: 1
name: nested
input: {channels: 3, size: [8, 10]}
blocks:
  parts:
    params: {widened: bool}
    let: {behind: 1 if widened else 0}
    body:
      - name: block
        sequence:
          - when: {test: widened, then: [{name: "0", sequence: [{conv: {out: 6, kernel: 1}}, norm]}]}
          - {name: "{behind}", sequence: [{conv: {out: 4, kernel: 3, init: {normal: 0.1}}}, act]}
          - norm: {init: zeros}
stages:
  - {block: parts, repeat: 3, widened: index > 0}
head: [global_avg_pool, {linear: {out: 3}}]
"""


def test_rows_of_rows_are_rows_of_modules() -> None:
    pytest.importorskip("keras")
    compiled = netspec.loads(NESTED)
    source = compiled.generate("torch")
    assert "add_module" not in source
    assert "getattr" not in source
    assert source.count("self.block(") == 2
    check(compiled)


def test_each_layer_of_an_inner_row_starts_as_it_should() -> None:
    pytest.importorskip("torch")
    model = build_generated(netspec.loads(NESTED), "torch")
    convolution = model.layer1[1].block[1][0]
    assert 0.07 < float(convolution.weight.detach().std()) < 0.13
    assert float(model.layer1[1].block[2].weight.detach().abs().max()) == 0.0


HEAD = "netspec: 1\nname: small\ninput: {channels: 3, size: [8, 10]}\n"
GATHERED = (
    HEAD
    + """\
blocks:
  b: {params: {out: int}, body: [{conv: {out: out, kernel: 3}}, relu]}
stem: [{name: features.stem, conv: {out: 4, kernel: 3}}, {name: features.act, relu: {}}]
stages:
  - {block: b, name: features.first, repeat: 3, out: 4, block_name: "part{index + 1}"}
  - {block: b, name: features.deep.second, out: 6}
head: [{name: features.norm, norm: {}}, global_avg_pool, {linear: {out: 3}}]
"""
)
"""A container whose members come from everywhere, one of them in a container of its own."""

NUMBERED = (
    HEAD
    + """\
stem: [{name: net.0, conv: {out: 4, kernel: 3}}, {name: net.1, relu: {}, as: early}, {name: net.2, conv: {out: 5, kernel: 3}}]
head: [{name: net.3, relu: {}}, {name: net.4, norm: {}, as: late}, {name: net.5, tanh: {}}, global_avg_pool, {linear: {out: 3}}]
outputs: {early: early, late: late}
"""
)
"""One of which values are taken out."""


def test_what_stands_in_stem_stages_and_head_is_one_row() -> None:
    pytest.importorskip("keras")
    compiled = netspec.loads(GATHERED)
    source = compiled.generate("torch")
    assert "nn.Module()" not in source
    assert "add_module" not in source
    assert source.count("self.features") == 2
    assert "OrderedDict(\n                stem=nn.Conv2d(" in source
    assert '(f"part{index}", B(4)) for index in range(1, 4)' in source
    check(compiled)


def test_values_are_taken_out_between_members() -> None:
    """One by one: no slice, which neither TorchScript nor `torch.fx` takes."""
    pytest.importorskip("keras")
    compiled = netspec.loads(NUMBERED)
    source = compiled.generate("torch")
    assert "self.net[:" not in source
    assert all(f"self.net[{place}](" in source for place in range(6))
    check(compiled)


BESIDE = [
    ("{name: features.act, relu: {}}", "{name: between, relu: {}}"),
    ("{name: features.act, relu: {}}", "residual: {body: [{name: features.act, relu: {}}]}"),
]


@pytest.mark.parametrize(("before", "after"), BESIDE)
def test_what_runs_in_between_leaves_names_alone(before: str, after: str) -> None:
    pytest.importorskip("keras")
    compiled = netspec.loads(GATHERED.replace(before, after))
    source = compiled.generate("torch")
    assert "self.features = nn.Module()" in source
    check(compiled)


CHOSEN = (
    HEAD
    + """\
blocks:
  b:
    params: {deep: bool}
    body:
      - {name: c.one, conv: {out: 4, kernel: 3}}
      - {when: {test: deep, then: [{name: c.two, relu: {}}]}}
stem: [{b: {deep: true}}, {b: {deep: false}}]
head: [global_avg_pool, {linear: {out: 3}}]
"""
)


def test_what_some_instances_lack_is_no_member() -> None:
    pytest.importorskip("keras")
    compiled = netspec.loads(CHOSEN)
    assert "self.c = nn.Module()" in compiled.generate("torch")
    check(compiled)


@pytest.mark.parametrize(
    "text", [GATHERED, NUMBERED, CHOSEN, *(GATHERED.replace(*b) for b in BESIDE)]
)
def test_live_models_hold_the_same(text: str) -> None:
    pytest.importorskip("torch")
    compiled = netspec.loads(text)
    live, made = compiled.build("torch"), build_generated(compiled, "torch")
    found = [
        [
            (name, type(m).__name__)
            for name, m in model.named_modules()
            if name.count(".") < 2
            and "ules" not in name
            and type(m).__module__.startswith("torch.")
        ]
        for model in (live, made)
    ]
    assert found[0] == found[1]
    assert [*live.state_dict()] == [*made.state_dict()]


def test_what_is_taken_out_of_a_row_parts_it() -> None:
    pytest.importorskip("keras")
    text = NESTED.replace("act]}", "{act: {}, as: kept}]}").replace(
        "- norm: {init: zeros}\n",
        "- {norm: {init: zeros}, as: last}\n      - {from: [last, kept]}\n",
    )
    compiled = netspec.loads(text)
    assert "self.block(" not in compiled.generate("torch")
    check(compiled)
