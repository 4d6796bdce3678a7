"""Blocks of several inputs and results: calls, stages that hand several tensors on, and all that is made of them."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import netspec
from netspec.backends.keras.plan import FLAT_LIMIT
from netspec.errors import InternalError, NetspecError
from netspec.ir import Node, Program, Region, Value
from netspec.ir.check import check_program
from netspec.ir.containers import Container, containers
from netspec.ir.fingerprint import fingerprint
from netspec.ir.rewrite import rewrite
from netspec.ir.template import templates
from netspec.tools.formatting import format_text
from netspec.verification.run import Options, Origin, verify
from tests.support.generated import import_source
from tests.support.witnesses import check

HEAD = "netspec: 1\nname: cells\ninput: {channels: 4, size: [9, 12]}\n"

CELL = """\
blocks:
  cell:
    inputs: [current, previous]
    results: [out, current]
    params: {width: int, inside: {type: steps, default: []}}
    body:
      - {from: previous, conv: {out: width, kernel: 1}, as: fitted}
      - {from: current, conv: {out: width, kernel: 3}}
      - inside
      - act:
        as: a
      - {from: [a, fitted], as: out}
  swapped:
    inputs: [a, b]
    results: [b, a]
    body: []
"""

CHAIN = """\
stem:
  - {conv: {out: 8, kernel: 3}, as: early}
  - {from: [early, early], cell: {width: 4}, as: [one, two]}
stages:
  - {block: cell, repeat: 3, width: 8, from: [one, two]}
  - {block: cell, repeat: 2, width: 4}
head: [global_avg_pool, {linear: {out: 5}}]
"""

CASES = {
    "a chain of cells from stage to stage": CELL + CHAIN,
    "what is handed on changes places, and nothing is computed": CELL
    + """\
stem:
  - {conv: {out: 8, kernel: 3}, as: p}
  - {conv: {out: 4, kernel: 3}, as: q}
  - {from: [p, q], swapped: {}, as: [s, t]}
  - {from: [s, t], cell: {width: 8}, name: first.one, as: [u, v]}
stages:
  - {block: swapped, repeat: 3, from: [u, v]}
  - {block: cell, width: 4}
  - {block: swapped, name: last, repeat: 2}
""",
    "sides of a `when` call with what the other has in the other order": CELL
    + """\
  chosen:
    inputs: [current, previous]
    results: [r, s]
    params: {inner: {type: block, default: cell}, deep: bool, width: int}
    body:
      - when:
          test: deep
          then: [{from: [current, previous], inner: {width: width}, name: c, as: [r, s]}]
          else: [{from: [previous, current], inner: {width: width, inside: [tanh]}, name: c, as: [r, s]}]
stem:
  - {conv: {out: 4, kernel: 3}, as: p}
  - {conv: {out: 8, kernel: 3}, as: q}
  - {from: [p, q], chosen: {deep: true, width: 4}, as: [u, v]}
  - {from: [u, v], chosen: {deep: false, width: 8}, as: [w, x]}
  - {from: [w, x], chosen: {deep: true, width: 8}, as: [y, z]}
""",
    "inline, under a name, and in a repeat": CELL
    + """\
  open:
    inline: true
    inputs: [a, b]
    results: [sum, both]
    body:
      - {from: [a, b], conv: {out: 4, kernel: 3}, as: sum}
      - {from: [a, b], merge: concat, as: both}
stem:
  - {conv: {out: 4, kernel: 3}, as: p}
  - {from: [p, p], open: {}, name: part, as: [s, t]}
  - {from: [s, p], open: {}, as: [u, v]}
  - {from: [u, t, v], merge: concat}
  - repeat: {times: 2, body: [{tanh: {}, as: n}, {from: [n, n], cell: {width: 4}, as: [o, m]}]}
""",
    "another block first, another width last, and results of stages": CELL
    + """\
  other:
    inputs: [now, before]
    results: [sum, now]
    params: {width: int}
    body: [{from: [before, now], merge: concat}, {conv: {out: width, kernel: 1}, as: sum}]
stem:
  - {conv: {out: 8, kernel: 3}, as: early}
stages:
  - {block: basic, width: 8}
  - {block: cell, repeat: 4, width: 8, from: [layer1, early], first: {block: other}, last: {width: 4}}
  - {block: basic, width: 4, between: [{tanh: {}, as: middle}]}
  - {block: cell, width: 4, from: [other, layer2], between: [{sigmoid: {}, as: other}]}
  - {block: basic, width: 8, from: layer1, name: side}
head:
  - {from: [layer4, side], merge: concat}
outputs: {early: early, second: layer2}
""",
    "three tensors that change places from block to block": """\
blocks:
  turn:
    inputs: [a, b, c]
    results: [new, a, b]
    body: [{from: [a, c], conv: {out: 4, kernel: 3}}, relu, {as: x, tanh: {}}, {from: [x, b], as: new}]
stem:
  - {conv: {out: 4, kernel: 3}, as: p}
  - {conv: {out: 4, kernel: 1}, as: q}
stages:
  - {block: turn, repeat: 2, from: [q, p, p]}
  - {block: turn, repeat: 4}
head: [{from: [layer2, p]}]
""",
    "sizes and channels that differ from call to call": """\
blocks:
  fit:
    inputs: [now, before]
    params: {width: int}
    body:
      - from: before
        when:
          test: size[0] > in_size[0]
          then: [{max_pool: {kernel: 3, stride: 2, padding: 1}}]
      - when: {test: channels != width, then: [{conv: {out: width, kernel: 1}}]}
  cell:
    inputs: [now, before]
    results: [out, now]
    params: {width: int, stride: 1}
    body:
      - {from: [now, before], fit: {width: width}, as: fitted}
      - {from: now, conv: {out: width, kernel: 1}, as: own}
      - {from: [own, fitted], conv: {out: width * 2, kernel: 3, stride: stride}, as: out}
stem: [{conv: {out: 8, kernel: 3}, as: p}]
stages:
  - {block: cell, repeat: 3, width: 8, stride: 2, from: [p, p]}
  - {block: cell, repeat: 2, width: 4, stride: 2}
""",
}


def program(text: str) -> Program:
    return netspec.loads(HEAD + text).network


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_witnesses_agree(text: str) -> None:
    check(netspec.loads(HEAD + text))


def test_results_go_to_the_inputs_of_the_next_block() -> None:
    network = program(CELL + CHAIN)
    (first, second), cell = network.stages, network.stem.items[-1]
    assert isinstance(cell, Region)
    early = network.by_path["conv1"].outputs[0]
    assert cell.inputs == (early, early)
    assert cell.outputs == (network.by_path["cell.join"].outputs[0], early)
    blocks = [*first.blocks, *second.blocks]
    assert blocks[0].inputs == cell.outputs
    for before, after in pairwise(blocks):
        assert after.inputs == before.outputs
        assert after.outputs[1] is after.inputs[0]
    assert second.outputs == blocks[-1].outputs
    assert network.head.inputs == second.outputs[:1]
    assert fingerprint(network) == fingerprint(netspec.loads(HEAD + CELL + CHAIN).network)


def test_calls_with_equal_values_are_not_those_with_other_ones() -> None:
    """A block is made of an earlier one only where the same inputs are one value."""
    calls = "  - {from: [p, p], cell: {width: 4}, as: [r, s]}\n  - {from: [r, p], cell: {width: 4}, as: [t, u]}\n"
    network = program(
        CELL + "stem:\n  - {conv: {out: 4, kernel: 3}, as: p}\n" + calls + "  - {from: [t, u]}\n"
    )
    conv, join = network.by_path["cell2.conv1"], network.by_path["cell2.join"]
    assert conv.inputs == network.by_path["conv1"].outputs
    assert join.inputs[0] is network.by_path["cell2.relu"].outputs[0]
    assert network.by_path["cell2.conv2"].inputs == network.by_path["cell1.join"].outputs


def test_names_inside_a_block_hide_none_of_the_caller() -> None:
    text = """\
blocks:
  b: {inputs: [p, q], results: [r, p], body: [{from: [p, q], merge: concat, as: r}]}
stem:
  - {conv: {out: 4, kernel: 3}, as: q}
  - {conv: {out: 8, kernel: 3}, as: r}
  - {from: [r, q], b: {}, as: [p, s]}
  - {from: [p, r, q], merge: concat}
"""
    assert program(text).target.channels == 24


def test_a_block_may_name_one_input_and_one_result() -> None:
    text = "blocks: {b: {inputs: [x], results: [y], body: [{relu: {}, as: y}, {from: [x, y], tanh: {}, as: z}]}}\n"
    with pytest.raises(NetspecError, match="nothing uses the result of this `tanh`"):
        program(text + "stem: [b]\n")
    fine = program(text.replace("results: [y]", "results: [z]") + "stem: [b]\n")
    assert [node.path for node in fine.nodes] == ["b.relu", "b.join", "b.tanh"]
    check(netspec.loads(HEAD + text.replace("results: [y]", "results: [z]") + "stem: [b]\n"))


def test_join_is_counted_only_where_something_is_merged() -> None:
    calls = (
        "  - {conv: {out: 4, kernel: 3}, as: p}\n  - {from: [p, p], cell: {width: 4}, as: [r, s]}\n"
    )
    assert program(CELL + "stem:\n" + calls + "  - {from: [r, p]}\n").nodes[-1].path == "join"


def test_live_blocks_can_be_called() -> None:
    torch = pytest.importorskip("torch")
    model = netspec.loads(HEAD + CELL + CHAIN).build("torch").eval()
    x, y = torch.randn(2, 8, 5, 6), torch.randn(2, 4, 5, 6)
    for each in (model, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        out, handed = each.get_submodule("layer1.1")(x, y)
        assert out.shape == (2, 8, 5, 6)
        assert handed is x
    assert not isinstance(model.layer1, torch.nn.Sequential)


def test_blocks_of_several_tensors_are_units_and_no_rows() -> None:
    root = containers(program(CELL + CHAIN))
    cell, stage = root.children["cell"], root.children["layer1"]
    assert isinstance(cell, Container)
    assert isinstance(stage, Container)
    assert cell.is_unit
    assert not cell.is_row
    assert (len(cell.inputs), len(cell.outputs)) == (2, 2)
    assert not stage.is_row
    assert all(isinstance(c, Container) and c.is_unit for c in stage.children.values())


TORCH = """\
        early = self.conv1(x)
        one, _ = self.cell(early, early)
        x, previous = one, early
        for block in self.layer1:
            x, previous = block(x, previous)
        for block in self.layer2:
            x, previous = block(x, previous)
        x = torch.flatten(self.avgpool(x), 1)
        x = self.fc(x)
        return x
"""

KERAS = """\
    one, _ = cell(early, early, 4, name="cell")
    x, previous = one, early
    for index in range(3):
        x, previous = cell(x, previous, 8, name=f"layer1_{index}")
    x, previous = cell(x, previous, 4, name="layer2_0")
    x, previous = cell(x, previous, 4, name="layer2_1")
"""


def test_source_is_written_as_a_person_would() -> None:
    compiled = netspec.loads(
        HEAD
        + CELL.replace("inside: {type: steps, default: []}", "n: 0").replace("      - inside\n", "")
        + CHAIN
    )
    torch_source, keras_source = compiled.generate("torch"), compiled.generate("keras")
    assert TORCH in torch_source
    assert (
        "self.layer1 = nn.ModuleList([Cell(4, 8, 8), Cell(8, 4, 8), Cell(8, 8, 8)])" in torch_source
    )
    assert (
        "    def forward(self, current: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:\n"
        in torch_source
    )
    assert "        return out, current\n" in torch_source
    assert KERAS in keras_source
    assert ") -> tuple[KerasTensor, KerasTensor]:\n" in keras_source
    assert "    return out, current\n" in keras_source


def test_source_of_many_cells_is_no_longer_than_that_of_few() -> None:
    few, many = (
        netspec.loads(HEAD + CELL + CHAIN.replace("repeat: 2", f"repeat: {count}"))
        for count in (20, 60)
    )
    for backend in ("torch", "keras"):
        lines = [len(each.generate(backend).splitlines()) for each in (few, many)]
        assert lines[0] == lines[1]


def test_source_survives_pytorchs_own_transformations() -> None:
    torch = pytest.importorskip("torch")
    compiled = netspec.loads(HEAD + CELL + CHAIN)
    module = import_source(compiled.generate("torch"))
    model = module.cells().eval()
    x = torch.randn(2, 4, 9, 12)
    for way in (torch.fx.symbolic_trace, torch.jit.script):
        assert torch.equal(way(model)(x), model(x))


def test_wide_networks_in_keras_are_not_cut_at_cells() -> None:
    """They have many layers, and few in a row: what Keras fails at is depth."""
    text = CELL + CHAIN.replace("repeat: 3", "repeat: 200")
    compiled = netspec.loads(HEAD + text)
    assert len(compiled.network.nodes) > FLAT_LIMIT
    assert "submodels" not in compiled.generate("keras")


def test_verify_looks_at_stages_of_cells() -> None:
    compiled = netspec.loads(HEAD + CELL + CHAIN)
    result = verify(compiled.compilation, Options("forward"), Origin("cells.yaml"))
    assert result.passed
    measured = {
        measure.part for w in result.witnesses for level in w.levels for measure in level.measures
    }
    assert measured == {"stem", "layer1", "layer2", "head"}


def test_a_block_sees_nothing_but_what_enters_it() -> None:
    network = program(CELL + CHAIN)
    early = network.by_path["conv1"].outputs[0]
    victim = network.by_path["layer2.1.conv1"]

    def wire(node: Node, inputs: tuple[Value, ...]) -> Node:
        return replace(node, inputs=(early,) if node is victim else inputs)

    with pytest.raises(InternalError, match=r"`layer2\.1\.conv1` takes %\d+, which does not enter"):
        check_program(rewrite(network, wire))


def test_templates_hold_the_channels_of_each_input() -> None:
    found = templates(program(CELL + CHAIN))
    (cell,) = [each for each in found.blocks if each.definition and each.definition.name == "cell"]
    inputs = {name: parameter.input for name, parameter in cell.parameters.items()}
    assert inputs["in_channels"] == 0
    assert inputs["previous_channels"] == 1
    assert len(cell.entering) == 2


def test_files_are_laid_out_in_the_order_of_the_language() -> None:
    text = "netspec: 1\nname: x\ninput: {channels: 1, size: [4]}\nblocks: {b: {body: [relu], results: [a], inputs: [a]}}\n"
    shown = format_text(text + "stages: [{from: [p, q], repeat: 2, block: b}]\n")
    assert shown is not None
    assert "{inputs: [a], results: [a], body: [relu]}" in shown
    assert "{block: b, from: [p, q], repeat: 2}" in shown


def test_outputs_of_a_stage_are_its_first_result() -> None:
    compiled = netspec.loads(HEAD + CELL + CHAIN + "outputs: {first: layer1}\n")
    network = compiled.network
    assert network.outputs["first"] is network.stages[0].outputs[0]
    assert np.prod(network.outputs["first"].type.shape) == 8 * 9 * 12


def test_what_only_training_needs_may_come_from_a_cell() -> None:
    text = CHAIN.replace(
        "head: [", "head: [{from: layer1, global_avg_pool: {}, as: aux}, {from: layer2, tanh: {}}, "
    )
    check(
        netspec.loads(
            HEAD + CELL + text + "outputs: {logits: output, aux: {from: aux, when: training}}\n"
        )
    )


RECOVERED = """\
blocks:
  broken:
    inputs: [a, b]
    results: [one, two]
    body:
      - {from: [a, b], conv: {out: nothing, kernel: 3}, as: one}
      - {from: b, relu: {}, as: two}
stem:
  - {conv: {out: 4, kernel: 3}, as: p}
  - {from: [p, p], broken: {}, as: [r, s]}
  - {from: [r, s], conv: {out: 4, kernel: 3}}
stages:
  - {block: broken, from: [r, missing]}
  - {block: broken, repeat: 2}
head: [{conv: {out: wrong, kernel: 1}}]
"""


def test_checking_goes_on_behind_what_is_wrong() -> None:
    with pytest.raises(NetspecError) as caught:
        netspec.loads(HEAD + RECOVERED)
    assert [diagnostic.message for diagnostic in caught.value.diagnostics] == [
        "unknown name `nothing` in `nothing`",
        "no earlier step of this block is named `missing`",
        "unknown name `wrong` in `wrong`",
    ]
