"""Stages whose blocks hand several tensors on, each to the next: one line for all of them.

``x, previous = block(x, previous)``: what a block gives is what the next one takes, in the same variables.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from netspec.codegen.nodes import assign, names, side_by_side, variable_of
from netspec.codegen.tensors import Tensors, hand_on
from netspec.ir import Region


def is_chain(blocks: Sequence[Region], tensors: Tensors) -> bool:
    """Whether blocks hand several tensors on, each to the next, and nothing else takes them in between."""
    if not hand_on(blocks) or len({*blocks[-1].outputs}) < len(blocks[-1].outputs):
        return False
    entering = {*blocks[0].inputs, *blocks[-1].outputs}
    inside = {value for block in blocks for value in block.outputs} - entering
    return not any(tensors.is_taken_besides(value, blocks) for value in inside)


@dataclass(frozen=True)
class Chain:
    """How blocks in a row are called.

    Attributes:
        variables: what they take and give.
        entering: what the first takes.
    """

    variables: tuple[str, ...]
    entering: tuple[ast.expr, ...]

    @property
    def target(self) -> ast.expr:
        """What a call is written to."""
        return names(self.variables)

    def start(self) -> list[ast.stmt]:
        """Put what enters into the variables."""
        pairs = zip(self.variables, self.entering, strict=True)
        moved = [(name, operand) for name, operand in pairs if variable_of(operand) != name]
        if not moved:
            return []
        targets, operands = zip(*moved, strict=True)
        return [assign(names(targets), side_by_side(operands))]


@contextmanager
def chain(blocks: Sequence[Region], tensors: Tensors, target: str) -> Iterator[Chain]:
    """Within, the calls of blocks for which :func:`is_chain` holds are written; the first tensor is ``target``."""
    first, last = blocks[0], blocks[-1]
    for value in first.inputs:
        tensors.settle_value(value, target)
    entering = tuple(tensors.take(value, target) for value in first.inputs)
    for block in blocks[1:]:
        tensors.drop(block)
    assert first.definition is not None
    wanted = (target, *(tensors.passed(name) for name in first.definition.inputs[1:]))
    with tensors.apart(wanted) as variables:
        for name in variables:
            tensors.release(name)
        yield Chain(variables, entering)
    for value, name in zip(last.outputs, variables, strict=True):
        if value not in first.inputs:
            tensors.define(value, ast.Name(name))
