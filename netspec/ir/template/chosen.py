"""Ops that take one place in a block and are others in other instances: a class takes them as an argument."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from netspec.ir.names import stem_of
from netspec.ir.program import Layer
from netspec.lang.expression.symbolic import Diverges, Varying, active, only, vary
from netspec.ops.base import Op
from netspec.ops.types import TensorType

ARGUMENTS: Mapping[str, str] = {"activation": "activation", "normalization": "norm_layer"}
"""What the argument for an op is called, by the op's category."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen(Op):
    """One of several ops of a category, which the template is given.

    Attributes:
        choice: the argument, whose values are the ops.
    """

    kind = "chosen"

    choice: Varying

    @property
    def options(self) -> Mapping[Op, frozenset[int]]:
        """The ops under consideration, each with its shapes; equal ones are one object."""
        found: dict[Op, set[int]] = {}
        for shape in sorted(active(len(self.choice.values))):
            op = self.choice.values[shape]
            if op is not None:
                found.setdefault(op, set()).add(shape)
        return {op: frozenset(shapes) for op, shapes in found.items()}

    def infer(self, source: TensorType) -> TensorType:
        """The type that all options give; raises :class:`Diverges` where they give others."""
        found: dict[int, TensorType] = {}
        for op, shapes in self.options.items():
            with only(shapes):
                found |= dict.fromkeys(shapes, op.infer(source))
        first = next(iter(found.values()))
        if any((t.channels, t.size) != (first.channels, first.size) for t in found.values()):
            raise Diverges(self.choice)
        is_flat = all(t.flat is first.flat for t in found.values())
        facts = [found.get(shape) for shape in range(len(self.choice.values))]
        return replace(
            first,
            non_negative=vary(None, [t and t.non_negative for t in facts]),
            flat=first.flat if is_flat else None,
        )


def op_at(op: Op, shape: int) -> Op:
    """The op that stands there in a shape; its numbers may vary still."""
    return op.choice.values[shape] if isinstance(op, Chosen) else op


def label_of(op: Op) -> str:
    """What a layer is called: the op's label, and of one that is chosen its argument."""
    return ast.unparse(op.choice.node) if isinstance(op, Chosen) and op.choice.node else op.label


def options_of(op: Op) -> Sequence[Op]:
    """The ops that an op of a template may be."""
    return [*op.options] if isinstance(op, Chosen) else [op]


def is_labelled(op: Op, name: str) -> bool:
    """Whether a layer's name in its block is its op's label, which nobody chose."""
    labels = (each.label for each in options_of(op))
    return any(name == each or name.removeprefix(stem_of(each)).isdecimal() for each in labels)


def is_anonymous(layer: Layer, path: str) -> bool:
    """Whether a layer holds nothing and has a name that nobody chose; ``path`` is its path in the block."""
    holds = any(op.parameters(layer.source) for op in options_of(layer.op))
    return not (holds or layer.op.is_function) and is_labelled(layer.op, path)
