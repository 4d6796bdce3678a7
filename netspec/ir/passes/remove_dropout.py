"""Dropout and drop-path go: in evaluation they give what they take."""

from __future__ import annotations

from dataclasses import replace

from netspec.errors import InternalError
from netspec.ir.passes.base import Note, Outcome, Pass
from netspec.ir.program import Node, Program, Value
from netspec.ir.rewrite import Replacement, rewrite
from netspec.ops.structure import RandomDrop


class RemoveDropout(Pass):
    """Removes what drops at random."""

    name = "remove_dropout"

    def run(self, program: Program) -> Outcome:
        """The program without it."""
        notes = [
            Note(self.name, node.path, f"`{node.op.kind}` does nothing in evaluation")
            for node in program.nodes
            if isinstance(node.op, RandomDrop)
        ]
        if not notes:
            return Outcome(program)

        def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
            if isinstance(node.op, RandomDrop):
                return Replacement((), inputs)
            return replace(node, inputs=inputs)

        return Outcome(rewrite(program, change), notes=tuple(notes))

    def ensures(self, program: Program) -> None:
        """Nothing drops at random."""
        for node in program.nodes:
            if isinstance(node.op, RandomDrop):
                raise InternalError(f"after the pass `{self.name}`: `{node.path}` is still there")
