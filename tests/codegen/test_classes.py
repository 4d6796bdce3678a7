"""Which classes the blocks of a network become, what they are called, and what they take."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import netspec
from netspec import api
from netspec.backends.base import get_backend
from netspec.codegen.classes import local_names
from netspec.codegen.flow import BRANCH
from netspec.codegen.identifiers import Namespace
from tests.support.generated import build_generated, import_source
from tests.support.witnesses import check

HEAD = "netspec: 1\nname: net\ninput: {channels: 4, size: [8, 10]}\n"

UNIT = """\
blocks:
  unit:
    title: MyUnit
    params: {width: int, stride: 1, wide: false, act2: {type: steps, default: [relu]}}
    body:
      - conv: {out: "width * 2 if wide else width", kernel: 3, stride: stride}
      - act2
"""


def class_names(text: str) -> list[str]:
    return re.findall(r"^class (\w+)\(nn\.Module\)", api.loads(text).generate("torch"), re.M)


def test_one_class_serves_other_numbers() -> None:
    stages = "stages:\n  - {block: unit, width: 4}\n  - {block: unit, width: 6, wide: true}\n"
    assert class_names(HEAD + UNIT + stages) == ["MyUnit", "Net"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[{drop_path: {rate: 0.1}}]", "[{drop_path: {rate: 0.2}}]"),
        ("[]", "[{drop_path: {rate: 0.2}}]"),
        ("[{scaled: {gamma: 0.0}}]", "[{scaled: {gamma: 0.3}}]"),
        ("[{scaled: {gamma: 1.0, then: [{dropout: {rate: 0.1}}]}}]", "[{scaled: {gamma: 0.0}}]"),
        ("[{held: {s: [{dropout: {rate: 0.1}}]}}]", "[{held: {s: [{dropout: {rate: 0.3}}]}}]"),
        ("[{conv: {out: 4, kernel: 3}}]", "[{conv: {out: 6, kernel: 5}}]"),
    ],
)
def test_one_class_serves_other_numbers_in_a_slot(one: str, other: str) -> None:
    stages = f"stages: [{{block: unit, post: {one}}}, {{block: unit, post: {other}}}]\n"
    compiled = api.loads(HEAD + SLOTTED + stages)
    for backend in ("torch", "keras"):
        source = compiled.generate(backend)
        assert len(re.findall(r"^class Unit|^def unit", source, re.M)) == 1
    check(compiled)


SLOTTED = """\
blocks:
  scaled:
    inline: true
    params: {gamma: 0.5, then: {type: steps, default: []}}
    body: [{scale: {init: {constant: gamma}}}, then]
  held: {params: {s: {type: steps, default: []}}, body: [{conv: {out: 4, kernel: 1}}, s]}
  unit:
    params: {post: {type: steps, default: []}}
    body: [{residual: {body: [{conv: {out: 4, kernel: 1}}, norm]}}, post]
"""


def test_one_class_serves_scales_that_start_at_zero_and_at_one() -> None:
    stages = "stages: [{block: bottleneck, width: 2, repeat: 2, last_gamma: {each: [0.0, 1.0]}}]\n"
    assert class_names(HEAD + stages) == ["Bottleneck", "Net"]


def test_a_second_class_is_named_for_what_differs() -> None:
    stages = "stages:\n  - {block: unit, width: 4}\n  - {block: unit, width: 6, act2: [silu]}\n"
    assert class_names(HEAD + UNIT + stages) == ["MyUnit", "MyUnitSilu", "Net"]


def test_names_are_unique_and_leave_the_function_its_own() -> None:
    text = HEAD.replace("name: net", "name: unit") + UNIT.replace("title: MyUnit", "title: Unit")
    source = api.loads(text + "stages: [{block: unit, width: 4}]\n").generate("keras")
    assert re.findall(r"^def (\w+)", source, re.M) == ["unit2", "unit"]


def test_arguments_come_with_the_defaults_of_the_block() -> None:
    stages = "stages:\n  - {block: unit, width: 4}\n  - {block: unit, width: 6, stride: 2}\n"
    module = import_source(api.loads(HEAD + UNIT + stages).generate("torch"))
    parameters = inspect.signature(module.MyUnit).parameters
    assert list(parameters) == ["in_channels", "width", "stride"] or list(parameters) == [
        "width",
        "stride",
    ]
    assert parameters["stride"].default == 1


KEPT = """\
netspec: 1
name: net
params: {classes: 7, rate: 0.25, width: 8}
arguments: [classes, rate, width]
input: {channels: 3, size: [12, 15]}
defaults: {dropout: {rate: rate}}
blocks:
  top:
    params: {n: int}
    body: [global_avg_pool, dropout, {linear: {out: n}}]
  unit:
    params: {w: int}
    body:
      - residual:
          body: [{conv: {out: w, kernel: 3}}, dropout, norm]
          shortcut: [{projection: {out: w}}]
      - act
stem: [{conv: {out: width, kernel: 3}}]
stages: [{block: unit, repeat: 3, w: width * 2 ** stage, times: 2}]
head: [{top: {n: classes}}]
"""


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_arguments_that_are_kept_reach_every_block(backend: str) -> None:
    values: dict[str, Any] = {"classes": 3, "rate": 0.5, "width": 4}
    other = api.loads(KEPT, overrides=values)
    model = build_generated(api.loads(KEPT), backend, **values)
    netspec.transfer_weights(other.build(backend), model, other)
    layers = model.modules() if backend == "torch" else model.layers
    rates = {getattr(layer, "p", getattr(layer, "rate", None)) for layer in layers}
    assert rates - {None} == {0.5}
    assert get_backend(backend).owns(model)


def test_a_name_that_python_needs_is_changed() -> None:
    text = HEAD + (
        "blocks:\n  unit:\n    params: {input: int, sum: false}\n    let: {filter: input * 2}\n"
        "    body:\n      - conv: {out: filter, kernel: 1}\n        name: class\n"
        "      - when: {test: sum, then: [relu]}\n"
        "stages:\n  - {block: unit, input: 4}\n  - {block: unit, input: 5, sum: true}\n"
    )
    compiled = api.loads(text)
    for backend in ("torch", "keras"):
        source = compiled.generate(backend)
        assert "input_" in source
        assert "sum_=False" in source or "sum_: bool = False" in source
        netspec.transfer_weights(
            compiled.build(backend), build_generated(compiled, backend), compiled
        )


def test_a_block_of_one_kind_inside_blocks_of_another() -> None:
    text = HEAD + (
        "blocks:\n"
        "  inner:\n    params: {n: int, f: {type: steps, default: [relu]}}\n"
        "    body: [{conv: {out: n, kernel: 1}}, f]\n"
        "  outer:\n    params: {n: int, f: {type: steps, default: [relu]}}\n"
        "    body: [{inner: {n: n, f: f}}, {inner: {n: n * 2}}]\n"
        "stages:\n  - {block: outer, n: 3}\n  - {block: outer, n: 4, f: [tanh]}\n"
    )
    assert class_names(text) == ["Inner", "InnerTanh", "Outer", "OuterTanh", "Net"]
    compiled = api.loads(text)
    netspec.transfer_weights(compiled.build("torch"), build_generated(compiled, "torch"), compiled)


def test_what_branches_are_called_nothing_else_is() -> None:
    """A function of that name could not be called where a variable has it."""
    network = api.loads(HEAD + "stem: [relu]\n").network
    names = local_names(network)
    assert {BRANCH, f"{BRANCH}2", f"{BRANCH}3"} <= names
    found = Namespace()
    assert {found.add(BRANCH) for _ in range(3)} <= names
