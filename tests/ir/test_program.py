"""Programs: edges in the place of names, regions, and what the verifier notices."""

from __future__ import annotations

from dataclasses import replace

import pytest

import netspec
from netspec.errors import InternalError
from netspec.ir import Node, Program, Region, Value
from netspec.ir.check import check_program
from netspec.ops import OPS
from netspec.ops.types import TensorType
from netspec.weights.published import renamed
from tests.support.networks import network_of

TEXT = """\
netspec: 1
name: small
input: {channels: 4, size: [8, 9]}
blocks:
  unit:
    body:
      - {relu: {}, as: kept}
      - residual:
          body: [{conv: {out: 4, kernel: 3}}, {as: inner, batch_norm: {}}]
        as: sum
      - {from: [kept, inner, sum], merge: add}
stem: [{conv: {out: 4, kernel: 3}}]
stages:
  - {block: unit, repeat: 2, between: [tanh]}
head:
  - global_avg_pool
  - {name: fc, linear: {out: 3}}
outputs: {middle: layer1}
"""


@pytest.fixture
def program() -> Program:
    """A network with a stage, whose blocks name results."""
    return netspec.loads(TEXT).network


def edges(program: Program) -> dict[str, list[str]]:
    """What each op takes, by paths; the input is called so."""
    producers = {value.id: "input" for value in program.inputs}
    producers |= {id: node.path for id, node in program.producers.items()}
    return {node.path: [producers[v.id] for v in node.inputs] for node in program.nodes}


def test_names_of_results_become_edges(program: Program) -> None:
    assert edges(program) == {
        "conv1": ["input"],
        "tanh": ["conv1"],
        "layer1.0.relu": ["tanh"],
        "layer1.0.conv1": ["layer1.0.relu"],
        "layer1.0.bn1": ["layer1.0.conv1"],
        "layer1.0.add": ["layer1.0.bn1", "layer1.0.relu"],
        "layer1.0.join": ["layer1.0.relu", "layer1.0.bn1", "layer1.0.add"],
        "layer1.1.relu": ["layer1.0.join"],
        "layer1.1.conv1": ["layer1.1.relu"],
        "layer1.1.bn1": ["layer1.1.conv1"],
        "layer1.1.add": ["layer1.1.bn1", "layer1.1.relu"],
        "layer1.1.join": ["layer1.1.relu", "layer1.1.bn1", "layer1.1.add"],
        "avgpool": ["layer1.1.join"],
        "fc": ["avgpool"],
    }


def test_outputs_are_values(program: Program) -> None:
    assert list(program.outputs) == ["middle", "output"]
    assert program.outputs["middle"] is program.stages[0].result
    assert program.outputs["output"] is program.by_path["fc"].outputs[0]
    assert (program.source.shape, program.target.shape) == ((4, 8, 9), (3,))


def test_regions_hold_structure_and_no_dataflow(program: Program) -> None:
    kinds = [
        (region.kind, region.path) for region in program.main.regions("stage", "block", "residual")
    ]
    inside = [("block", "layer1.0"), ("residual", ""), ("block", "layer1.1"), ("residual", "")]
    assert kinds == [("stage", "layer1"), *inside]
    block = next(program.main.regions("block"))
    assert block.definition is not None
    assert block.definition.name == "unit"
    assert [node.path for node in block.nodes] == [
        f"layer1.0.{name}" for name in ("relu", "conv1", "bn1", "add", "join")
    ]
    assert [node.path for node in program.stem.nodes] == ["conv1"]
    assert [node.path for node in program.head.nodes] == ["avgpool", "fc"]


def test_a_network_of_nothing_gives_its_input() -> None:
    program = netspec.loads(
        "netspec: 1\nname: x\ninput: {channels: 3, size: [4]}\nstem: []\nhead: [{when: {test: false, then: [relu]}}]\n"
    ).network
    assert program.nodes == ()
    assert program.outputs["output"] is program.inputs[0]


def changed(program: Program, path: str, /, **changes: object) -> Program:
    """The program with one op changed, and all else the same objects."""

    def of(item: Node | Region) -> Node | Region:
        if isinstance(item, Node):
            return replace(item, **changes) if item.path == path else item
        return replace(item, items=tuple(map(of, item.items)))

    main = of(program.main)
    assert isinstance(main, Region)
    return replace(program, main=main)


def test_the_verifier_notices(program: Program) -> None:
    check_program(program)
    conv, relu = program.by_path["layer1.0.conv1"], program.by_path["layer1.0.relu"]
    late = program.by_path["layer1.1.relu"].outputs[0]
    stranger = Value(999, conv.target)
    positive = Value(conv.outputs[0].id, replace(conv.target, non_negative=True))
    wide = Value(conv.outputs[0].id, TensorType(5, conv.target.size))
    for changes, expected in (
        ({"inputs": (late,)}, "nothing ahead of it gives"),
        ({"inputs": (stranger,)}, "nothing ahead of it gives"),
        ({"inputs": relu.inputs * 2}, "values to unpack"),
        ({"outputs": (replace(relu.outputs[0], type=conv.target),)}, "is given twice"),
        ({"outputs": (wide,)}, "gives %4: 5×8×9, and its op 4×8×9"),
        ({"outputs": (positive,)}, "does not follow from its op"),
        ({"path": relu.path}, "two ops are named"),
        ({"path": "elsewhere.conv1"}, "is not named so"),
        ({"outputs": (*conv.outputs, stranger)}, "gives 2 values, and its op 1"),
    ):
        with pytest.raises(InternalError) as caught:
            check_program(changed(program, conv.path, **changes), "a pass")
        assert "after a pass: " in str(caught.value)
        if expected.startswith("gives %"):
            expected = expected.replace("%4: ", "")
        assert expected in str(caught.value), (changes, str(caught.value))


def test_the_verifier_notices_what_nothing_uses(program: Program) -> None:
    add = program.by_path["layer1.1.join"]
    alone = changed(program, add.path, inputs=add.inputs[:2])
    with pytest.raises(InternalError, match=r"nothing uses what `layer1\.1\.add` gives"):
        check_program(alone)


def test_the_verifier_notices_outputs_that_nothing_gives(program: Program) -> None:
    stranger = Value(999, program.target)
    with pytest.raises(InternalError, match="the output `middle` is %999"):
        check_program(replace(program, outputs={**program.outputs, "middle": stranger}))
    with pytest.raises(InternalError, match="there is no `output`"):
        check_program(replace(program, outputs={}))
    with pytest.raises(InternalError, match="there is no `output`"):
        check_program(replace(program, training_only=frozenset(("output",))))
    with pytest.raises(InternalError, match="`aux` is for training alone, and no output"):
        check_program(replace(program, training_only=frozenset(("aux",))))
    with pytest.raises(InternalError, match="%999 flows through `network`"):
        check_program(replace(program, main=replace(program.main, result=stranger)))


def test_operands_stand_in_their_order() -> None:
    steps = "residual: {body: [relu], shortcut: [tanh]}"
    program = network_of(steps, (4,))
    for first, order in ((False, ["relu", "tanh"]), (True, ["tanh", "relu"])):
        turned = renamed(program, {}, shortcut_first=first)
        assert edges(turned)["add"] == order
        assert [node.path for node in turned.nodes] == ["relu", "tanh", "add"]


def test_every_op_gives_the_types_of_its_results() -> None:
    program = network_of("conv: {out: 4, kernel: 3}\nrelu\nflatten", (4, 5))
    for node in program.nodes:
        assert node.op.types(node.source)[0].shape == node.op.infer(node.source).shape
    assert all(callable(op.types) for op in OPS.values())
