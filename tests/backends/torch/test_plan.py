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


def choosing(*steps: str) -> str:
    """A spec of a block of these steps, whose parameter `deep` is true, false and true again."""
    body = "\n".join(f"      - {step}" for step in steps)
    return f"""{HEAD}\
blocks:
  b:
    params: {{deep: bool}}
    body:
{body}
stem: [{{b: {{deep: true}}}}, {{b: {{deep: false}}}}, {{b: {{deep: true}}}}]
head: [global_avg_pool, {{linear: {{out: 3}}}}]
"""


ONE = "{name: c.one, conv: {out: 4, kernel: 3, init: {normal: 0.3}}}"
TWO = "{name: c.two, conv: {out: 4, kernel: 3, init: {normal: 0.2}}}"
LAST = "{name: c.last, sequence: [{conv: {out: 4, kernel: 1, init: {normal: 0.1}}}, norm]}"


def if_deep(*steps: str) -> str:
    return f"{{when: {{test: deep, then: [{', '.join(steps)}]}}}}"


OPTIONAL = {
    "one in the middle": choosing(ONE, if_deep(TWO, "{name: c.act, relu: {}}"), LAST),
    "one that all lack": choosing(
        ONE, "{when: {test: in_channels > 9, then: [{name: c.act, relu: {}}]}}", LAST
    ),
    "one at either end": choosing(
        if_deep("{name: c.early, relu: {}}"), ONE, if_deep("{name: c.late, relu: {}}")
    ),
    "one of two": choosing(
        ONE,
        "{when: {test: deep, then: [{name: c.two, relu: {}}], else: [{name: c.three, tanh: {}}]}}",
    ),
    "a row of its own": choosing(
        ONE, if_deep("{name: c.two.a, relu: {}}", "{name: c.two.b, norm: {}}"), LAST
    ),
    "a member of an inner row": choosing(
        ONE, "{name: c.inner.a, relu: {}}", if_deep("{name: c.inner.b, norm: {}}"), LAST
    ),
    "in a body beside the main line": choosing(
        "{conv: {out: 4, kernel: 1}}", f"residual: {{body: [{ONE}, {if_deep(TWO)}]}}"
    ),
    "alone in its row": choosing(ONE.replace("c.", ""), if_deep("{name: c.two, relu: {}}")),
    "the whole row, on either side": choosing(
        f"{{when: {{test: deep, then: [{ONE}], else: [{ONE}, {TWO}]}}}}"
    ),
}
"""Members of a row that some blocks lack."""

UNEVEN = {
    "another runs in between in some": choosing(ONE, if_deep("relu"), LAST),
    "a value is taken out": choosing(
        f"{ONE[:-1]}, as: early}}", if_deep(TWO), f"{LAST[:-1]}, as: late}}", "from: [early, late]"
    ),
}
"""Containers that are no rows, be it in some blocks alone."""


@pytest.mark.parametrize("text", OPTIONAL.values(), ids=OPTIONAL)
def test_what_some_blocks_lack_is_a_member_all_the_same(text: str) -> None:
    pytest.importorskip("keras")
    compiled = netspec.loads(text)
    source = compiled.generate("torch")
    assert "nn.Module()" not in source
    assert source.count("self.c(") == 1
    check(compiled)


@pytest.mark.parametrize("text", UNEVEN.values(), ids=UNEVEN)
def test_what_is_no_row_in_some_blocks_is_none_in_any(text: str) -> None:
    pytest.importorskip("keras")
    compiled = netspec.loads(text)
    assert "self.c = nn.Module()" in compiled.generate("torch")
    check(compiled)


def test_members_start_as_they_should_around_one_that_some_blocks_lack() -> None:
    pytest.importorskip("torch").manual_seed(0)
    model = build_generated(netspec.loads(OPTIONAL["one in the middle"]), "torch")
    for block in (model.b1, model.b2, model.b3):
        own = {"one": 0.3, "two": 0.2, "last": 0.1}
        found = {name: module for name, module in block.c.named_children() if name in own}
        assert [*found] == (["one", "last"] if block is model.b2 else ["one", "two", "last"])
        for name, module in found.items():
            (weight, *_) = module.parameters()
            assert 0.7 < float(weight.detach().std()) / own[name] < 1.3


@pytest.mark.parametrize(
    "text",
    [
        GATHERED,
        NUMBERED,
        *OPTIONAL.values(),
        *UNEVEN.values(),
        *(GATHERED.replace(*b) for b in BESIDE),
    ],
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
