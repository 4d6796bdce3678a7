"""Keras source of a body: a statement for each layer."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from netspec.backends.keras.chosen import calls_of, varied_name
from netspec.backends.keras.lowered import (
    Joined,
    Lowered,
    X,
    bound,
    channels_of,
    grouping,
    is_layer,
    shape_of,
)
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.plan import lower
from netspec.backends.keras.weights import frozen_variables
from netspec.codegen.calls import Call
from netspec.codegen.cases import Case, by_cases, where
from netspec.codegen.flow import Condition, Flow
from netspec.codegen.nodes import assign, call, filled, if_, lambda_of, names
from netspec.codegen.printing import Printer
from netspec.codegen.tensors import Tensors
from netspec.ir import Node, Region
from netspec.ir.template import Choice, Template
from netspec.ops import Op
from netspec.ops.merge import Add, Concat, Mul
from netspec.ops.structure import ResizeLike

Naming = Callable[[str], ast.expr]
"""The name argument of a layer: by the path of the op and a suffix."""


class BlockCalls(Protocol):
    """What a flow is told about blocks."""

    def block_call(
        self,
        template: Template,
        block: Region,
        values: Sequence[ast.expr],
        name: ast.expr,
        printer: Printer,
    ) -> ast.expr:
        """The call of a block's function, on tensors and under a name."""

    def blocks(self, stage: Region, flow: KerasFlow, target: str) -> None:
        """Send what flows through the blocks of a stage."""


_MERGES: Mapping[type[Op], str] = {Add: "Add", Mul: "Multiply", Concat: "Concatenate"}

EXPRESSION = "expression"
"""The function of generated source that makes a model of an expression."""


FROZEN = "frozen"
"""The function of generated source that calls a layer and keeps variables of it from being trained."""


class KerasFlow(Flow):
    """A statement for each layer."""

    def __init__(
        self, tensors: Tensors, printer: Printer, naming: Naming, calls: BlockCalls
    ) -> None:
        super().__init__(tensors, printer)
        self.naming = naming
        self.calls = calls

    def apply(self, item: Node | Region, operand: ast.expr, target: str) -> ast.expr:
        """The layers of an op, or the function of a block."""
        if isinstance(item, Region):
            self.tensors.statements.append(assign(target, self.called(item, [operand])))
            return ast.Name(target)
        operand = self.tensors.settle(operand, target)
        lowered = calls_of(item, self.printer)
        self.tensors.statements += self._lowered(item, lowered, operand, ast.Name(target))
        return ast.Name(target)

    def called(self, block: Region, operands: Sequence[ast.expr]) -> ast.expr:
        """The call of the block's function."""
        name = self.naming(flat_name(block.path))
        return self.calls.block_call(self.tensors.template, block, operands, name, self.printer)

    def _lowered(
        self, layer: Node, lowered: Lowered | Case[Lowered], value: ast.expr, target: ast.expr
    ) -> list[ast.stmt]:
        if isinstance(lowered, Case):
            test = self.printer.formula(lowered.test)
            with where(lowered.test, True), self.printer.assuming(lowered.test, True):
                then = self._lowered(layer, lowered.then, value, target)
            with where(lowered.test, False), self.printer.assuming(lowered.test, False):
                other = self._lowered(layer, lowered.other, value, target)
            return [if_(test, then, other)]
        *ahead, last = lowered
        if any(isinstance(made, Joined) for _, made in lowered):
            with self.tensors.beside() as inner:
                return self._row(layer, ahead, last, value, ast.Name(inner), target)
        return self._row(layer, ahead, last, value, target, target)

    def _row(
        self,
        layer: Node,
        ahead: Sequence[tuple[str, Call]],
        last: tuple[str, Call],
        given: ast.expr,
        inner: ast.expr,
        target: ast.expr,
    ) -> list[ast.stmt]:
        """Calls one after another: the results of those ahead of the last are written to ``inner``."""
        statements: list[ast.stmt] = []
        value = given
        for written, (suffix, made) in (*((inner, step) for step in ahead), (target, last)):
            name = self._name(layer, suffix)
            tensor = ast.List([given, value]) if isinstance(made, Joined) else value
            called = self._layer(made, value, name)
            kept = () if suffix else frozen_variables(layer)
            if kept:
                self.printer.targets.add(FROZEN)
                found = call(FROZEN, [called, tensor, *map(ast.Constant, kept)])
            else:
                found = call(called, [tensor])
            statements.append(assign(written, found))
            value = written
        return statements

    def _name(self, layer: Node, suffix: str) -> ast.expr:
        paths = self.tensors.template.paths.get(layer.outputs[0].id)
        if paths is not None:
            return varied_name(layer, paths)
        return self.naming(flat_name(layer.path) + suffix)

    def _layer(self, made: Call, value: ast.expr, name: ast.expr) -> ast.expr:
        """What is called on ``value``: a layer, or a model of an expression."""
        if not is_layer(made):
            expression = self.printer.call(bound(made, X, X, X))
            self.printer.targets.add(EXPRESSION)
            return call(EXPRESSION, [lambda_of("x", expression), value], name=name)
        made = bound(made, X, shape_of(value), channels_of(value))
        layer = self.printer.call(Call(made.target, made.args, {**made.kwargs, "name": name}))
        function = grouping(made)
        if function is None:
            return layer
        self.printer.targets.add(function)
        return call(function, [layer])

    def is_unit(self, region: Region) -> bool:
        """Keras has no layer for a row of layers here."""
        return False

    def stage(self, stage: Region, target: str) -> None:
        """The steps ahead of the blocks, and the blocks."""
        self.run_all(stage.ahead, target)
        self.calls.blocks(stage, self, target)

    def merge(self, node: Node, operands: Sequence[ast.expr], target: str) -> ast.expr:
        """A merging layer."""
        if isinstance(node.op, ResizeLike):  # by its factor: what gives the size is not asked again
            return self.apply(node, operands[0], target)
        kind = _MERGES[type(node.op)]
        self.printer.targets.add(f"layers.{kind}")
        made = call(f"layers.{kind}", name=self.naming(flat_name(node.path)))
        self.tensors.release(target)
        self.tensors.statements.append(assign(target, call(made, [ast.List([*operands])])))
        return ast.Name(target)

    def several(self, node: Node, operand: ast.Name, targets: Sequence[str]) -> None:
        """A model of the expression, which gives a list."""
        lowered = by_cases(lower, node)
        written = self._lowered(node, lowered, operand, names(targets))
        self.tensors.statements += written

    def test(self, choice: Choice) -> Condition | None:
        """The test itself: functions see their arguments."""
        return self.printer.source(choice.test), True


def relative_name(name: str) -> ast.expr:
    """The name of a layer in a block's function, which knows its own as ``name``."""
    return filled(f"{{name}}_{name}", name=ast.Name("name"))


def absolute_name(name: str) -> ast.expr:
    """The name of a layer of the network itself."""
    return ast.Constant(name)
