"""What evaluation does not need goes: outputs for training alone, and the ops that lead to nothing else."""

from __future__ import annotations

from dataclasses import replace

from netspec.errors import InternalError
from netspec.ir.passes.base import Note, Outcome, Pass
from netspec.ir.program import Node, Program, Value, read_values
from netspec.ir.rewrite import Replacement, rewrite


class RemoveDead(Pass):
    """Removes outputs of training alone, and ops from which no way leads to an output."""

    name = "remove_dead"

    def run(self, program: Program) -> Outcome:
        """The program without them.

        An output stays where ops that only give a size to others lead to nothing else: they would have no
        layer in Keras.
        """
        kept = self._kept(program)
        gone = sorted(program.training_only - kept)
        outputs = {name: value for name, value in program.outputs.items() if name not in gone}
        live = program.leading_to(outputs.values())
        dead = [node for node in program.nodes if node not in live]
        notes = [
            *(Note(self.name, name, "an output of training alone") for name in gone),
            *(Note(self.name, node.path, "nothing that is left needs it") for node in dead),
            *(
                Note(self.name, name, "it holds what another map takes its size from", False)
                for name in sorted(kept)
            ),
        ]
        if not (gone or dead):
            return Outcome(program, notes=tuple(notes))

        def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
            if node not in live:  # what flows through the regions around it flows past
                return Replacement((), inputs[:1] * len(node.outputs))
            return replace(node, inputs=inputs)

        left = {v.id for node in live for v in node.outputs} | {v.id for v in program.inputs}
        trimmed = replace(
            program,
            outputs=outputs,
            training_only=kept,
            names={id: name for id, name in program.names.items() if id in left},
        )
        return Outcome(rewrite(trimmed, change), notes=tuple(notes))

    @staticmethod
    def _kept(program: Program) -> frozenset[str]:
        """The outputs of training alone that have to stay."""
        outputs = program.evaluation_outputs.values()
        asked = program.leading_to(outputs) - program.leading_to(outputs, read_values)
        return frozenset(
            name
            for name in program.training_only
            if not asked.isdisjoint(program.leading_to([program.outputs[name]], read_values))
        )

    def ensures(self, program: Program) -> None:
        """All ops lead to an output."""
        if len(program.leading_to(program.outputs.values())) != len(program.nodes):
            raise InternalError(f"after the pass `{self.name}`: something leads to no output")
