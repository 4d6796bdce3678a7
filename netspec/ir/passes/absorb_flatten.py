"""A linear layer takes the order of the `flatten` ahead of it into its weight."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netspec.ir.passes.base import Note, Outcome, Pass
from netspec.ir.passes.recipes import Recipe
from netspec.ir.program import Node, Program, Value
from netspec.ir.rewrite import rewrite
from netspec.ops.activation import Activation
from netspec.ops.convolution import Linear
from netspec.ops.structure import Flatten, RandomDrop
from netspec.ops.types import FlatLayout

if TYPE_CHECKING:
    from netspec.ir.passes.recipes import Array, Tensors


class AbsorbFlatten(Pass):
    """Marks each `flatten` whose order a linear layer behind it can take into its weight.

    That is so where only channel-agnostic ops stand between the two, and nothing else takes what they give.
    Types say ``flat`` only ahead of such a layer; every other flatten is to be done explicitly. The weight behind
    a `flatten` that is marked is canonical for `channels_first`, whatever order the spec states.
    """

    name = "absorb_flatten"

    def run(self, program: Program) -> Outcome:
        """The program with the marks that it should have."""
        flattens = [node for node in program.nodes if isinstance(node.op, Flatten)]
        outputs = {value.id for value in program.outputs.values()}
        taking = {node: _taking(node, program, outputs) for node in flattens}
        if all(_is_settled(node, linear is not None) for node, linear in taking.items()):
            return Outcome(program)
        recipes: dict[str, Recipe] = {}
        notes: list[Note] = []
        for node, linear in taking.items():
            if linear is None or _is_marked(node):
                continue
            notes.append(Note(self.name, node.path, f"its order is taken into `{linear.path}`"))
            if node.op.order == "channels_last":  # type: ignore[attr-defined]
                name = f"{linear.path}.weight"
                recipes[name] = _channels_first(name, node)

        def change(node: Node, inputs: tuple[Value, ...]) -> Node:
            op, is_flat = node.op, any(value.type.flat for value in inputs)
            if isinstance(op, Flatten):
                is_flat = taking[node] is not None
                op = replace(op, absorbed=is_flat)
            outputs = node.outputs
            if is_flat or any(old.type.flat is not None for old in outputs):
                types = op.types(*(value.type for value in inputs))
                outputs = tuple(
                    Value(old.id, type if is_flat else replace(type, flat=None))
                    for old, type in zip(outputs, types, strict=True)
                )
            return replace(node, op=op, inputs=inputs, outputs=outputs)

        return Outcome(rewrite(program, change), recipes, tuple(notes))


def _is_marked(flatten: Node) -> bool:
    assert isinstance(flatten.op, Flatten)
    return flatten.op.absorbed


def _is_settled(flatten: Node, is_taken: bool) -> bool:
    """Whether its mark and its type say what they should."""
    return _is_marked(flatten) == is_taken == (flatten.target.flat is not None)


def _taking(flatten: Node, program: Program, outputs: set[int]) -> Node | None:
    """The linear layer that can take the order of a flatten."""
    node = flatten
    while True:
        value = node.outputs[0].id
        users = program.uses[value]
        if len(users) != 1 or value in outputs:
            return None
        node = users[0]
        if isinstance(node.op, Linear):
            return node
        if not isinstance(node.op, Activation | RandomDrop) or not _keeps_layout(node):
            return None


def _keeps_layout(node: Node) -> bool:
    """Whether an op treats all features alike."""
    given = replace(node.source, flat=FlatLayout("channels_first", node.source.channels, ()))
    return node.op.infer(given).flat is not None


def _channels_first(name: str, flatten: Node) -> Recipe:
    """A linear layer's weight for features in the other order."""

    def make(tensors: Tensors) -> Array:
        weight = tensors[name]
        size = flatten.source.size
        by_place = weight.reshape(len(weight), *size, flatten.source.channels)
        axes = (0, by_place.ndim - 1, *range(1, by_place.ndim - 1))
        return by_place.transpose(axes).reshape(weight.shape)

    return Recipe((name,), make)
