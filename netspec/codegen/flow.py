"""How tensors run through a body, as statements: what the backends' generators share.

Dataflow is in the values of the template. Regions say what a person would write on a line of its own: the
body of a residual beside the main line, a branch under a name. A generator says how a layer is applied and
how tensors are merged; the order of statements, the names of variables and what becomes of choices are the
same for all.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from netspec.codegen.cases import where
from netspec.codegen.nodes import assign, if_, names, variable_of
from netspec.codegen.printing import Printer
from netspec.codegen.tensors import SHORTCUT, Item, Tensors
from netspec.ir import Node, Region, Value
from netspec.ir.program import MERGING
from netspec.ir.template import Choice
from netspec.lang.expression.formula import negated
from netspec.ops.base import Function
from netspec.ops.merge import Merge
from netspec.ops.structure import ResizeLike

BRANCH = "branch"
"""What a branch is written to that the spec has no name for, with a number behind it for further ones."""

Condition = tuple[ast.expr, bool]
"""A test as source has it, and whether it holds for ``then`` (else for ``other``)."""


class Flow:
    """Statements that send tensors through the body of a template; backends fill in the abstract methods.

    Attributes:
        tensors: where each tensor is, and what was written so far.
        printer: prints numbers and tests.
    """

    def __init__(self, tensors: Tensors, printer: Printer) -> None:
        self.tensors = tensors
        self.printer = printer

    # What a backend fills in

    def apply(self, item: Node | Region, operand: ast.expr, target: str) -> ast.expr:
        """Send ``operand`` through a layer, a block or a container that is one module."""
        raise NotImplementedError  # pragma: no cover

    def called(self, block: Region, operands: Sequence[ast.expr]) -> ast.expr:
        """The call of a block on tensors."""
        raise NotImplementedError  # pragma: no cover

    def is_unit(self, region: Region) -> bool:
        """Whether a region is one thing to :meth:`apply`."""
        raise NotImplementedError  # pragma: no cover

    def merge(self, node: Node, operands: Sequence[ast.expr], target: str) -> ast.expr:
        """Several tensors as one."""
        raise NotImplementedError  # pragma: no cover

    def several(self, node: Node, operand: ast.Name, targets: Sequence[str]) -> None:
        """Write what gives several tensors of ``operand``, which is a variable, to variables."""
        raise NotImplementedError  # pragma: no cover

    def stage(self, stage: Region, target: str) -> None:
        """Send what flows through a stage, and the steps ahead of its blocks."""
        raise NotImplementedError  # pragma: no cover

    def test(self, choice: Choice) -> Condition | None:
        """The condition of a choice; None where both branches are applied by the same words."""
        raise NotImplementedError  # pragma: no cover

    # Running

    def run(self, item: Item, target: str) -> None:
        """Send what an item takes through it; ``target`` is the variable to write to on the way."""
        match item:
            case Node():
                self._node(item, target)
            case Choice():
                self._choice(item, target)
            case Region(kind="block") if not item.is_unary:
                self._block(item, target)
            case Region() if item.kind == "block" or self.is_unit(item):
                target = self._target(item.result, target)
                operand = self.tensors.take(item.source, target)
                self.tensors.define(
                    item.result, self.apply(item, operand, self.tensors.free(target))
                )
            case Region(kind="sequence", path=""):
                self.run_inside(item, target)
            case Region(kind="stage"):
                self.stage(item, target)
            case Region():
                if item.result is not item.source:
                    target = self._target(item.result, target)
                self._region(item, target)

    def run_all(self, items: Sequence[Item], target: str) -> None:
        """Send what flows through items in a row."""
        for item in items:
            self.run(item, target)

    def run_inside(self, region: Region, target: str) -> None:
        """Send what flows through the parts of a region."""
        self.run_all(region.items, target)

    def _target(self, value: Value, target: str) -> str:
        return self.tensors.hint(value) or target

    def _block(self, block: Region, target: str) -> None:
        """Call a block of several inputs or results. What it hands on stays where it is."""
        for value in block.inputs:
            self.tensors.settle_value(value, target)
        made = self.called(block, [self.tensors.take(value, target) for value in block.inputs])
        targets: list[str] = []
        for value in block.outputs:
            is_new = value not in block.inputs and value not in block.outputs[: len(targets)]
            if not (is_new and self.tensors.is_taken_besides(value, ())):
                targets.append("_")
                continue
            own = self.tensors.free(self._target(value, target)) if not targets else None
            name = own or self.tensors.extra(value)
            targets.append(name)
            self.tensors.release(name)
            self.tensors.define(value, ast.Name(name))
        self.tensors.statements.append(assign(names(targets), made))

    def _node(self, node: Node, target: str) -> None:
        if len(node.outputs) > 1:
            self._several(node, target)
            return
        (value,) = node.outputs
        target = self._target(value, target)
        if isinstance(node.op, Function):
            if isinstance(node.op, ResizeLike):  # whose size is asked for has a name
                self.tensors.settle_value(node.inputs[1], target)
            operands = [self.tensors.operand(taken, target) for taken in node.inputs]
            self.tensors.define(value, self.merge(node, operands, self.tensors.free(target)))
        else:
            operand = self.tensors.take(node.inputs[0], target)
            self.tensors.define(value, self.apply(node, operand, self.tensors.free(target)))

    def _several(self, node: Node, target: str) -> None:
        operand = self.tensors.settle(self.tensors.take(node.inputs[0], target), target)
        taken = [self.tensors.is_taken_besides(value, ()) for value in node.outputs]
        targets = [
            self.tensors.extra(value) if is_taken else "_"
            for value, is_taken in zip(node.outputs, taken, strict=True)
        ]
        for name in targets:
            self.tensors.release(name)
        self.several(node, operand, targets)
        for value, name, is_taken in zip(node.outputs, targets, taken, strict=True):
            if is_taken:
                self.tensors.define(value, ast.Name(name))

    def _region(self, region: Region, target: str) -> None:
        parts = _paths_of(region)
        if parts is None:
            self.run_inside(region, target)
            return
        paths, node = parts
        self.tensors.settle_value(region.source, target)
        found: dict[int, ast.expr] = {}
        if region.kind == "branches" and not _has_identity_first(paths):
            for path in paths:
                name = ""
                if path.items:
                    name = self.tensors.hint(path.result) or self.tensors.names.add(BRANCH)
                self.run(path, name)
                self.tensors.settle_value(path.result, name)  # taken when all paths have run
            self._merged(node, found, target)
            return
        with self.tensors.beside() as inner:
            body, shortcut = _body_of(paths)
            self.run(body, inner)
            if shortcut is None:
                found[body.result.id] = self.tensors.operand(body.result, inner)
            else:
                self.tensors.settle_value(body.result, inner)
                self.run(shortcut, SHORTCUT)
                found[shortcut.result.id] = self.tensors.operand(shortcut.result, SHORTCUT)
            self._merged(node, found, target)

    def _merged(self, node: Node, known: Mapping[int, ast.expr], target: str) -> None:
        left = dict(known)  # an operand that comes twice is taken twice
        operands = [
            left.pop(v.id) if v.id in left else self.tensors.take(v, target) for v in node.inputs
        ]
        self.tensors.define(node.outputs[0], self.merge(node, operands, self.tensors.free(target)))

    # Choices

    def _choice(self, choice: Choice, target: str) -> None:
        test = self.test(choice)
        if test is None:
            self.tensors.drop_other(choice)
            with where(choice.test, True):
                self.run(choice.then, target)
            for merged in choice.merged:
                self.tensors.define(merged.result, self.tensors.take(merged.then, target))
            return
        condition, holds_for_then = test
        source = choice.then.source
        own = self._target(choice.merged[0].result, target) if choice.merged else target
        self.tensors.settle_value(source, target if self.tensors.outlives(source, choice) else own)
        self.tensors.settle_all()
        targets = [
            self.tensors.free_behind(choice, self.tensors.extra(merged.result) if index else own)
            for index, merged in enumerate(choice.merged)
        ]
        first, first_results = self._side(choice, holds_for_then, targets or [target])
        second, second_results = self._side(choice, not holds_for_then, targets or [target])
        self.tensors.drop(choice)
        results = [*zip(targets, first_results, second_results, strict=True)]
        if len(results) == 1 and not (first or second):
            found = self._in_place(choice, condition, *results[0])
            if found is not None:
                self.tensors.define(choice.merged[0].result, found)
                return
        for name, one, other in results:
            first, second = _into(first, one, name), _into(second, other, name)
        if first or second:
            if not first:
                condition, first, second = negated(condition), second, first
            self.tensors.statements.append(if_(condition, first, second))
        for merged, (name, _, _) in zip(choice.merged, results, strict=True):
            self.tensors.define(merged.result, ast.Name(name))

    def _in_place(
        self, choice: Choice, condition: ast.expr, target: str, one: ast.expr, other: ast.expr
    ) -> ast.expr | None:
        """A choice of two expressions as one; None where statements say it better."""
        source = variable_of(self.tensors.at(choice.then.source))
        nested = any(isinstance(each, ast.IfExp) for each in (one, other))
        if nested or (source == target and target in map(variable_of, (one, other))):
            return None
        return ast.IfExp(condition, one, other)

    def _side(
        self, choice: Choice, outcome: bool, targets: Sequence[str]
    ) -> tuple[list[ast.stmt], list[ast.expr]]:
        """The statements of one side and its results, not written yet."""
        values = [merged.then if outcome else merged.other for merged in choice.merged]
        with self.tensors.side(choice, outcome) as written, where(choice.test, outcome):
            self.run(choice.then if outcome else choice.other, targets[0])
            pairs = zip(
                values, targets, strict=False
            )  # without values there is a target all the same
            found = [self.tensors.take(value, target) for value, target in pairs]
        return written, found


def _into(statements: list[ast.stmt], operand: ast.expr, target: str) -> list[ast.stmt]:
    if variable_of(operand) == target:
        return statements
    return [*statements, assign(target, operand)]


def _paths_of(region: Region) -> tuple[Sequence[Region], Node] | None:
    """The parts of a combinator and what merges them, where it still looks as the language has it."""
    *paths, last = region.items or (None,)
    if region.kind not in MERGING or not isinstance(last, Node):
        return None
    if not isinstance(last.op, Merge) or not paths:
        return None
    parts = [path for path in paths if isinstance(path, Region) and not path.path]
    if len(parts) != len(paths) or any(part.kind != "sequence" for part in parts):
        return None
    known = {region.source.id, *(part.result.id for part in parts)}
    alike = all(part.source is region.source for part in parts)
    is_whole = all(value.id in known for value in last.inputs) and last.outputs[0] is region.result
    has_all = {part.result.id for part in parts} <= {value.id for value in last.inputs}
    return (parts, last) if alike and is_whole and has_all else None


def _has_identity_first(paths: Sequence[Region]) -> bool:
    return len(paths) == 2 and not paths[0].items


def _body_of(paths: Sequence[Region]) -> tuple[Region, Region | None]:
    """What runs beside the main line, and a shortcut that does anything."""
    if len(paths) == 1:
        return paths[0], None
    first, second = paths
    if not first.items:
        return second, None
    return first, second if second.items else None
