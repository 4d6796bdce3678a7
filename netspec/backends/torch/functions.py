"""Functions of tensors in generated ``forward``: what a layer without a module is."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from netspec.backends.torch.rows import X
from netspec.codegen.calls import Call
from netspec.codegen.nodes import assign, call
from netspec.codegen.printing import Printer
from netspec.ir import Node
from netspec.lang.expression.symbolic import Varying


class Functions:
    """Calls of functions, whose numbers that vary the module keeps: ``forward`` does not see what they are of.

    Args:
        printer: prints numbers.
        attribute: gives a free attribute of the module, by the name that is wanted.

    Attributes:
        kept: the statements that keep numbers, in every instance: TorchScript reads all branches of ``forward``.
    """

    def __init__(self, printer: Printer, attribute: Callable[[str], ast.expr]) -> None:
        self.printer = printer
        self.kept: list[ast.stmt] = []
        self._attribute = attribute
        self._calls: dict[Node, Call] = {}

    def note(self, layer: Node, made: Call) -> None:
        """Keep the numbers of a layer's function that vary."""
        known: dict[int, ast.expr] = {}

        def kept(value: Any) -> Any:
            match value:
                case Varying():
                    if id(value) not in known:
                        known[id(value)] = self._attribute(_name(layer, value))
                        self.kept.append(assign(known[id(value)], self.printer.value(value)))
                    return known[id(value)]
                case slice():
                    step = value.step
                    return ast.Slice(step=None if step is None else self.printer.value(kept(step)))
                case list() | tuple():
                    return type(value)(map(kept, value))
            return value

        self._calls[layer] = Call(made.target, tuple(map(kept, made.args)), made.kwargs)

    def __contains__(self, layer: Node) -> bool:
        return layer in self._calls

    def apply(self, layer: Node, operand: ast.expr) -> ast.expr:
        """The function of a layer on ``operand``, or the operand itself where it has none."""
        made = self._calls.get(layer)
        if made is None:
            return operand
        given = [operand if arg is X else self.printer.value(arg) for arg in made.args]
        if made.target == "operator.getitem":
            return ast.Subscript(given[0], given[1])
        self.printer.targets.add(made.target)
        return call(made.target, given)


def _name(layer: Node, number: Varying) -> str:
    """What the op calls a number."""
    for field in fields(layer.op):
        value = getattr(layer.op, field.name)
        if value is number or (isinstance(value, tuple) and any(each is number for each in value)):
            return field.name
    return layer.op.label
