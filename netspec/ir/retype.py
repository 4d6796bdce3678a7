"""A program for inputs of another type: the same ops, and the types that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netspec.ir.program import Node, Program, Value
from netspec.ir.rewrite import rewrite
from netspec.ops.types import TensorType

Check = Callable[[Node, tuple[TensorType, ...]], tuple[TensorType, ...]]
"""The types of an op's results, from those that its inputs have now; raises what it likes."""


def retype(program: Program, source: TensorType, infer: Check | None = None) -> Program:
    """``program`` as it is when an input of type ``source`` enters.

    Args:
        program: the program.
        source: the type of its only input.
        infer: gives the types of results in the place of the op's own rule.

    Raises:
        OpError: an op does not take what reaches it.
    """

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        types = tuple(value.type for value in inputs)
        found = node.op.types(*types) if infer is None else infer(node, types)
        outputs = (Value(old.id, type) for old, type in zip(node.outputs, found, strict=True))
        return replace(node, inputs=inputs, outputs=tuple(outputs))

    (entering,) = program.inputs
    return rewrite(program, change, (Value(entering.id, source),))
