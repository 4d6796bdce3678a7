"""The end of networks that classify: a linear layer behind a pooling, which people take off and replace."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.ir.program import Node, Program, Value
from netspec.ops.activation import Activation
from netspec.ops.convolution import Linear
from netspec.ops.pooling import GlobalPool
from netspec.ops.structure import Flatten


@dataclass(frozen=True, eq=False)
class Classifier:
    """What a network ends in.

    Attributes:
        features: the last map, (channels, *size), ahead of the pooling.
        line: the ops from that map to the linear layer, the pooling first.
        linear: the layer that gives a number a class.
        behind: what stands behind it: nothing, or an activation.
    """

    features: Value
    line: tuple[Node, ...]
    linear: Node
    behind: tuple[Node, ...]


def classifier_of(program: Program) -> Classifier | None:
    """The end of a network whose result is that of a linear layer behind a pooling, or a flattened map.

    Between the two stand ops of one input alone, and nothing else takes what they give. None where there is no
    such end, or it stands inside a block.
    """
    inside = {node for region in program.main.regions("block") for node in region.nodes}
    behind: list[Node] = []
    node = _ahead(program, program.main.result, inside)
    while (
        node is not None and isinstance(node.op, Activation) and not node.op.parameters(node.source)
    ):
        behind.append(node)
        node = _ahead(program, node.inputs[0], inside)
    if node is None or not isinstance(node.op, Linear):
        return None
    linear, line, found = node, [], 0
    while (node := _ahead(program, node.inputs[0], inside)) is not None:
        line.append(node)
        if isinstance(node.op, GlobalPool | Flatten):
            found = len(line)
        if isinstance(node.op, GlobalPool):
            break
    if not found:
        return None
    line = line[found - 1 :: -1]
    return Classifier(line[0].inputs[0], tuple(line), linear, tuple(reversed(behind)))


def _ahead(program: Program, value: Value, inside: set[Node]) -> Node | None:
    """The op of one input that gives a value, which nothing but the next op takes."""
    node = program.producers.get(value.id)
    if node is None or node in inside or len(node.inputs) != 1 or len(node.outputs) != 1:
        return None
    outputs = sum(value is output for output in program.outputs.values())
    return node if len(program.uses[value.id]) + outputs == 1 else None
