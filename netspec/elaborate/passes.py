"""What a program needs besides its steps: rewrites that see more than one op."""

from __future__ import annotations

from dataclasses import replace

from netspec.ir import Node, Program, Value
from netspec.ir.rewrite import rewrite
from netspec.ops.activation import Activation
from netspec.ops.convolution import Linear
from netspec.ops.structure import Flatten, RandomDrop


def absorb_flatten(program: Program) -> Program:
    """Mark each `flatten` whose order a linear layer behind it can take into its weight.

    That is so where only channel-agnostic ops stand between the two, and nothing else takes what they give.
    Types say ``flat`` only ahead of such a layer; every other flatten is to be done explicitly.
    """
    flattens = [node for node in program.nodes if isinstance(node.op, Flatten)]
    if not flattens:
        return program
    outputs = {value.id for value in program.outputs.values()}
    absorbed = {node for node in flattens if _is_absorbed(node, program, outputs)}

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        op = node.op
        if isinstance(op, Flatten):
            op, is_flat = replace(op, absorbed=node in absorbed), node in absorbed
        else:
            is_flat = any(value.type.flat for value in inputs)
        outputs = node.outputs
        if not is_flat and any(old.type.flat is not None for old in outputs):
            outputs = tuple(Value(old.id, replace(old.type, flat=None)) for old in outputs)
        return replace(node, op=op, inputs=inputs, outputs=outputs)

    return rewrite(program, change)


def _is_absorbed(flatten: Node, program: Program, outputs: set[int]) -> bool:
    node = flatten
    while node.target.flat is not None:
        value = node.outputs[0].id
        users = program.uses[value]
        if len(users) != 1 or value in outputs:
            return False
        node = users[0]
        if isinstance(node.op, Linear):
            return True
        if not isinstance(node.op, Activation | RandomDrop):
            return False
    return False
