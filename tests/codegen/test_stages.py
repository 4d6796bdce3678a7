"""Blocks in a row that are made alike are one run, and its numbers are formulas where they change."""

from __future__ import annotations

import re
from functools import partial

import pytest

from netspec import api
from netspec.backends.base import get_backend
from netspec.codegen.classes import Classes
from netspec.codegen.identifiers import Namespace
from netspec.codegen.stages import Run, StageCalls, schedule
from netspec.ir.template import templates
from netspec.lang.expression.formula import print_node
from netspec.lang.expression.symbolic import to_text
from tests.support.generated import build_generated

UNIT = """\
netspec: 1
name: net
input: {channels: 3, size: [8, 9]}
blocks:
  unit:
    params: {width: int, rate: 0.0}
    body:
      - conv: {out: width, kernel: 3}
      - when: {test: rate > 0, then: [{drop_path: {rate: rate}}]}
stages:
"""


def found(text: str) -> list[Run]:
    program = api.loads(UNIT + text).network
    made = templates(program)
    classes = Classes(made, lambda definition, difference: definition.name, Namespace())
    for each in classes.all:
        each.use(set(each.template.parameters))
    stage = program.stages[0]
    names = tuple(block.path.removeprefix(f"{stage.path}.") for block in stage.blocks)
    of_path = {region.path: call for region, call in made.network.calls.items()}
    calls = tuple(classes.invocation(of_path[block.path]) for block in stage.blocks)
    formulas = partial(schedule, stage, program, made.network)
    return StageCalls(stage.blocks, names, calls, formulas).runs()


def _arguments(run: Run) -> str:
    return " ".join(str(to_text(value)) for value in run.call.values.values())


def test_equal_calls_with_names_that_count_up_are_one_run() -> None:
    first, rest = found('  - {block: unit, repeat: 5, width: 6, block_name: "block{index + 1}"}')
    assert (first.names, first.is_loop) == (("block1",), False)
    assert (rest.pattern, rest.start) == ("block{index}", 2)
    assert print_node(rest.range) == "range(2, 6)"
    assert print_node(rest.counted_name) == 'f"block{index}"'
    assert rest.is_loop
    assert not rest.is_scheduled


def test_numbers_in_a_slot_follow_the_index_too() -> None:
    source = api.loads(SLOT).generate("torch")
    assert "(Unit(4, 0.2 * index / 5, index) for index in range(1, 6))" in source
    source = api.loads(SLOT).generate("keras")
    assert 'x = unit(x, 0.2 * index / 5, index, name=f"layer1_{index}")' in source


SLOT = """\
netspec: 1
name: net
params: {rate: 0.2}
input: {channels: 3, size: [8, 9]}
blocks:
  unit:
    params: {post: {type: steps, default: []}}
    body: [{conv: {out: 4, kernel: 3}}, post]
stages:
- block: unit
  repeat: 6
  post:
  - {scale: {init: {constant: running_index}}}
  - {drop_path: {rate: rate * running_index / (total - 1)}}
"""


def calls_in(text: str) -> list[str]:
    """What the blocks of the first stage are in source, without layout."""
    source = api.loads(UNIT + text).generate("torch")
    (stage,) = re.findall(r"self\.layer1 = nn\.Sequential\((.*?)\n        \)\n", source, re.DOTALL)
    return [" ".join(call.split()) for call in stage.split(",\n            ")]


def test_channels_that_grow_evenly_are_a_formula_of_the_index() -> None:
    dense = "{concat: {body: [{conv: {out: growth, kernel: 3}}]}}"
    block = f"  dense: {{params: {{growth: int}}, body: [{dense}]}}\n"
    text = UNIT.replace("stages:\n", block + "stages:\n")
    source = api.loads(text + "  - {block: dense, repeat: 6, growth: 4}").generate("torch")
    assert "*(Dense(3 + 4 * index) for index in range(6))" in " ".join(source.split())


def test_channels_that_the_block_before_was_given_are_its_formula() -> None:
    first, rest = calls_in("  - {block: unit, repeat: 9, width: round(4 + 7 * (index + 1) / 8)}")
    assert first == "Unit(3, 5)"
    assert "Unit(round(4 + 7 * index / 8), round(4 + 7 * (index + 1) / 8))" in rest
    assert "for index in range(1, 9)" in rest


def test_names_that_do_not_count_up_end_a_run() -> None:
    gaps = found('  - {block: unit, repeat: 4, width: 3, block_name: "{index * 2}"}')
    assert [len(run.names) for run in gaps] == [1, 1, 1, 1]
    leading = found('  - {block: unit, repeat: 3, width: 3, block_name: "a0{index}"}')
    assert not any(run.is_loop for run in leading)


def test_a_stage_without_blocks_has_no_runs() -> None:
    assert found("  - {block: unit, repeat: 0, width: 3}") == []


def test_numbers_that_follow_the_index_are_a_run_of_formulas() -> None:
    (run,) = found("  - {block: unit, repeat: 4, width: 3, rate: 0.1 * index}")
    assert run.is_scheduled
    assert "0.1 * index" in _arguments(run)


def test_formulas_count_as_the_names_do() -> None:
    (run,) = found(
        '  - {block: unit, repeat: 4, width: 3, rate: 0.1 * index, block_name: "u{index + 1}"}'
    )
    assert print_node(run.range) == "range(1, 5)"
    assert "0.1 * (index - 1)" in _arguments(run)


def test_what_the_first_block_has_of_its_own_stays_out_of_the_loop() -> None:
    first, rest = found(
        "  - {block: unit, repeat: 5, width: 3, rate: 0.1 * index, first: {rate: 0.5}}"
    )
    assert (len(first.names), len(rest.names)) == (1, 4)


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_source_does_not_grow_with_the_depth_of_a_schedule(backend: str) -> None:
    def source(depth: int) -> str:
        text = f"  - {{block: unit, repeat: {depth}, width: 3, rate: 0.5 * running_index / total}}"
        return api.loads(UNIT + text).generate(backend)

    # A line that becomes too long is broken over three.
    assert len(source(60).splitlines()) - len(source(6).splitlines()) <= 2


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_a_schedule_gives_each_block_its_own_number(backend: str) -> None:
    compiled = api.loads(
        UNIT + "  - {block: unit, repeat: 3, width: 3}\n"
        '  - {block: unit, repeat: 4, width: 3, rate: 0.5 * running_index / total, name: "a.b", '
        'block_name: "u{index + 1}"}'
    )
    model = build_generated(compiled, backend)
    layers = model.modules() if backend == "torch" else model.layers
    rates = [getattr(layer, "p", getattr(layer, "rate", None)) for layer in layers]
    assert [rate for rate in rates if rate is not None] == [
        0.5 * index / 7 for index in range(3, 7)
    ]
    assert get_backend(backend).owns(model)


def test_channels_that_grow_evenly_count_as_the_names_do() -> None:
    dense = "{concat: {body: [{conv: {out: growth, kernel: 3}}]}}"
    block = f"  dense: {{params: {{growth: int}}, body: [{dense}]}}\nstem: [{{conv: {{out: 9, kernel: 1}}}}]\n"
    text = UNIT.replace("stages:\n", block + "stages:\n")
    stage = '  - {block: dense, repeat: 6, growth: 4, block_name: "d{index + 1}"}'
    source = " ".join(api.loads(text + stage).generate("torch").split())
    assert (
        'for index in range(1, 7): self.layer1.add_module(f"d{index}", Dense(5 + 4 * index))'
        in source
    )


def test_a_list_of_blocks_that_are_all_alike_is_a_comprehension() -> None:
    spec = """
netspec: 1
name: net
input: {channels: 8, size: [8, 9]}
blocks:
  cell:
    inputs: [current, previous]
    results: [out, current]
    body:
      - {conv: {out: 8, kernel: 3}, as: a}
      - {from: previous, conv: {out: 8, kernel: 1}, as: b}
      - {from: [a, b], as: out}
stem: [{relu: {}, as: one}]
stages: [{block: cell, repeat: 5, from: [one, one]}]
"""
    source = api.loads(spec).generate("torch")
    assert "self.layer1 = nn.ModuleList([Cell() for _ in range(5)])" in source
