"""What a program needs besides its steps: rewrites that see more than one op."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from netspec.ir import Node, Program, Region, Value
from netspec.ir.program import Kind
from netspec.ir.rewrite import rewrite
from netspec.ops.activation import Activation
from netspec.ops.convolution import Linear
from netspec.ops.structure import Flatten, RandomDrop


def absorb_flatten(program: Program) -> Program:
    """Mark each `flatten` whose order a linear layer behind it can take into its weight.

    That is so where only channel-agnostic ops stand between the two, in one block, and nothing else takes
    what they give.
    Types say ``flat`` only ahead of such a layer; every other flatten is to be done explicitly.
    """
    if not any(isinstance(node.op, Flatten) for node in program.nodes):
        return program
    absorbed: set[Node] = set()
    outputs = {value.id for value in program.outputs.values()}
    shared = {id for id, nodes in program.uses.items() if len(nodes) > 1} | outputs
    for region in (program.main, *program.main.regions(*_OF_THEIR_OWN)):
        for row in [region.items] if region.kind == "block" else [[item] for item in region.items]:
            absorbed.update(_absorbed(_in_a_row(row), shared))

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        op, (old,) = node.op, node.outputs
        if isinstance(op, Flatten):
            op, is_flat = replace(op, absorbed=node in absorbed), node in absorbed
        else:
            is_flat = any(value.type.flat for value in inputs)
        if old.type.flat is not None and not is_flat:
            old = Value(old.id, replace(old.type, flat=None))
        return replace(node, op=op, inputs=inputs, outputs=(old,))

    return rewrite(program, change)


_OF_THEIR_OWN: tuple[Kind, ...] = ("stage", "block", "residual", "gate", "branches")
"""Regions that what stands around them does not run on in; of all but blocks, nor do the parts."""


def _absorbed(row: Iterable[Node | None], shared: Collection[int]) -> Iterator[Node]:
    """Each flatten of a row that a linear layer absorbs."""
    pending: Node | None = None
    flowing: Value | None = None
    for node in row:
        if node is None or (flowing and (node.inputs != (flowing,) or flowing.id in shared)):
            pending = flowing = None
        if node is None:
            continue
        if isinstance(node.op, Flatten):
            pending, flowing = node, node.outputs[0]
        elif pending is not None and isinstance(node.op, Linear):
            yield pending
            pending = flowing = None
        elif isinstance(node.op, Activation | RandomDrop) and node.target.flat is not None:
            flowing = node.outputs[0]
        else:
            pending = flowing = None


def _in_a_row(items: Iterable[Node | Region]) -> Iterator[Node | None]:
    """The ops that run one after another, sequences opened; None for what is of its own."""
    for item in items:
        if isinstance(item, Node):
            yield item
        elif item.kind in _OF_THEIR_OWN:
            yield None
        else:
            yield from _in_a_row(item.items)
