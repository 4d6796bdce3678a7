"""Folding: ops that are a factor and a shift a channel go, and the layers beside them take them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netspec.errors import InternalError
from netspec.ir.passes.affine import (
    Affine,
    affine_of,
    ahead,
    behind,
    takes_from_ahead,
    takes_from_behind,
)
from netspec.ir.passes.base import Note, Outcome, Pass, require_inference
from netspec.ir.passes.kept import kept_attributes
from netspec.ir.passes.recipes import Recipe, composed
from netspec.ir.program import Node, Program, Value
from netspec.ir.rewrite import Replacement, rewrite, with_op
from netspec.ops import Op

Take = Callable[[Node, Affine], tuple[Op, dict[str, Recipe]]]
"""How a layer takes in what stands beside it: :func:`behind` or :func:`ahead` of it."""


class Fold(Pass):
    """Folds ops of one class into the layer ahead of them, or else into the one behind.

    Class attributes:
        folds: the class.
    """

    folds: type[Op]

    def requires(self, program: Program) -> None:
        """Nothing drops at random any more."""
        require_inference(program, self.name)

    def run(self, program: Program) -> Outcome:
        """The program with all folded that can be."""
        plan = _Plan(program)
        notes = []
        for node in program.nodes:
            if type(node.op) is self.folds:
                host, reason = plan.fold(node)
                text = reason if host is None else f"folded into `{host.path}`"
                notes.append(Note(self.name, node.path, text, host is not None))
        if not plan.gone:
            return Outcome(program, notes=tuple(notes))
        return Outcome(rewrite(program, plan.change), plan.recipes, tuple(notes))

    def ensures(self, program: Program) -> None:
        """None is left behind a layer that could take it in."""
        plan = _Plan(program)
        for node in program.nodes:
            if type(node.op) is self.folds and plan.host_ahead(node)[0] is not None:
                raise InternalError(f"after the pass `{self.name}`: `{node.path}` is still there")


class _Plan:
    """What becomes of a program's ops.

    Attributes:
        gone: the ops that were folded, each with the layer that took it in.
        recipes: the tensors that change.
    """

    def __init__(self, program: Program) -> None:
        self.gone: dict[Node, Node] = {}
        self.recipes: dict[str, Recipe] = {}
        self._program = program
        self._outputs = {value.id for value in program.outputs.values()}
        self._changed: dict[Node, Op] = {}
        self._kept = kept_attributes(program)

    def change(self, node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        """What becomes of an op; see :func:`rewrite`."""
        if node in self.gone:
            return Replacement((), inputs)
        return with_op(node, self._changed.get(node, node.op), inputs)

    def fold(self, node: Node) -> tuple[Node | None, str]:
        """Fold an op; gives the layer that takes it in, or None and why there is none."""
        affine = affine_of(node)
        assert affine is not None
        host, reason = self.host_ahead(node)
        take: Take = behind
        if host is None:
            host, more = self._host_behind(node, affine)
            take = ahead
            reason = f"{reason}; {more}" if more else reason
        if host is None:
            return None, reason
        op, recipes = take(replace(host, op=self._changed.get(host, host.op)), affine)
        self._changed[host] = op
        self.recipes = composed(self.recipes, recipes)
        self.gone[node] = host
        return host, ""

    def host_ahead(self, node: Node) -> tuple[Node | None, str]:
        """The layer ahead of an op that can take it in, or None and why there is none."""
        (value,) = node.inputs
        host = self._program.producers.get(value.id)
        if host is None:
            return None, "it takes an input of the network"
        affine = affine_of(node)
        assert affine is not None
        taking = self.gone.get(host, host)
        if not takes_from_behind(taking.op):
            return None, f"`{host.path}` ahead of it, `{host.op.kind}`, has no weight to take it in"
        if len(self._program.uses[value.id]) > 1:
            return None, f"what `{host.path}` ahead of it gives has another use"
        if value.id in self._outputs:
            return None, f"what `{host.path}` ahead of it gives is an output"
        return taking, ""

    def _host_behind(self, node: Node, affine: Affine) -> tuple[Node | None, str]:
        (value,) = node.outputs
        users = self._program.uses[value.id]
        if len(users) != 1 or value.id in self._outputs or users[0] in self.gone:
            return None, ""
        refusal = takes_from_ahead(users[0].op, affine)
        if refusal == "" and not self._kept.get(users[0], frozenset()) & {"kernel", "padding"}:
            return users[0], ""
        return None, f"`{users[0].path}` behind it {refusal}" if refusal else ""
