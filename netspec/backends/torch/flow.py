"""PyTorch source of a body: calls of modules, nested."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import groupby, pairwise

from netspec.backends.torch.forms import has_module
from netspec.backends.torch.gathered import Row, source_of
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.paths import node_of
from netspec.backends.torch.rows import module_of
from netspec.codegen.calls import Call
from netspec.codegen.cases import by_cases
from netspec.codegen.chains import chain, is_chain
from netspec.codegen.flow import Condition, Flow
from netspec.codegen.nodes import assign, call, for_, names
from netspec.codegen.tensors import Item, Tensors
from netspec.ir import Node, Region
from netspec.ir.template import Choice
from netspec.ir.template.data import result_of
from netspec.ops.merge import Add, Concat
from netspec.ops.structure import ResizeLike

HEAVY = frozenset(("conv", "linear", "max_pool", "avg_pool", "global_avg_pool", "global_max_pool"))
"""Ops that start a line of their own; what follows them is nested around them."""

MOST_NESTED = 3
"""So many calls stand in one another; a further one starts a line."""


class TorchFlow(Flow):
    """Calls of modules, nested; a heavy one starts a new statement."""

    def __init__(self, tensors: Tensors, writer: ModuleWriter) -> None:
        super().__init__(tensors, writer.printer)
        self.writer = writer

    def run_all(self, items: Sequence[Item], target: str) -> None:
        """Send what flows through items in a row, those of a `nn.Sequential` together."""
        for row, found in groupby(items, self._row_of):
            members = [*found]
            if row is None:
                for item in members:
                    self.run(item, target)
            else:
                for part in self._uncut(members):
                    self._through(row, part, target)

    def run_inside(self, region: Region, target: str) -> None:
        """Send what flows through the parts of a region, those of a `nn.Sequential` together."""
        self.run_all([*self.writer.plan.gathered.line(region.items)], target)

    def _row_of(self, item: Item) -> Row | None:
        place = self.writer.plan.gathered.place(item)
        return place[0] if place else None

    def _uncut(self, members: Sequence[Item]) -> Iterator[Sequence[Item]]:
        """Members in a row, parted where others take the value in between."""
        first = 0
        for behind, (one, other) in enumerate(pairwise(members), start=1):
            if self.tensors.is_taken_besides(result_of(one), [other]):
                yield members[first:behind]
                first = behind
        yield members[first:]

    def _through(self, row: Row, members: Sequence[Item], target: str) -> None:
        """Send a value through members of a row: the whole, or one by one.

        A slice is a module that nobody holds, which `torch.fx` cannot trace, nor TorchScript a loop over it.
        """
        gathered, result = self.writer.plan.gathered, result_of(members[-1])
        target = self._target(result, target)
        operand: ast.expr = self.tensors.take_once(source_of(members[0]), members, target)
        access = node_of(row.path)
        if len(members) == len(row.members):
            operand = self.tensors.settle(operand, target)
            self.tensors.define(result, call(access, [operand]))
            return
        for member in members:
            place = gathered.place(member)
            assert place is not None
            if _calls_in(operand) >= MOST_NESTED or not isinstance(member, Node):
                operand = self.tensors.settle(operand, target)
            operand = call(ast.Subscript(access, ast.Constant(place[1])), [operand])
        self.tensors.define(result, operand)

    def apply(self, item: Node | Region, operand: ast.expr, target: str) -> ast.expr:
        """The module's call on ``operand``."""
        heavy = not isinstance(item, Node) or item.op.kind in HEAVY
        if heavy or isinstance(operand, ast.IfExp) or _calls_in(operand) >= MOST_NESTED:
            operand = self.tensors.settle(operand, target)
        if not isinstance(item, Node):
            return call(self.writer.access(item), [operand])
        if has_module(item):
            operand = call(self.writer.access(item), [operand])
        return self.writer.functions.apply(item, operand)

    def called(self, block: Region, operands: Sequence[ast.expr]) -> ast.expr:
        """The module's call."""
        return call(self.writer.access(block), operands)

    def is_unit(self, region: Region) -> bool:
        """Whether the region is a `nn.Sequential`."""
        return region.kind != "stage" and self.writer.plan.row(region) is not None

    def stage(self, stage: Region, target: str) -> None:
        """The steps ahead of the blocks, and the `nn.Sequential` of the blocks."""
        self.run_all(ahead(stage), target)
        if self.writer.plan.is_list(stage) and is_chain(stage.blocks, self.tensors):
            with chain(stage.blocks, self.tensors, target) as found:
                each = assign(found.target, call("block", map(ast.Name, found.variables)))
                loop = for_("block", self.writer.access(stage), [each])
                self.tensors.statements += [*found.start(), loop]
            return
        if stage.blocks and self.writer.plan.row(stage) is None:
            self.run_all(stage.blocks, target)
            return
        entering = stage.blocks[0].source if stage.blocks else stage.result
        self.tensors.settle_value(entering, target)
        operand = (
            self.tensors.take(entering, target)
            if stage.blocks
            else self.tensors.settle_value(entering, target)
        )
        self.tensors.define(stage.result, call(self.writer.access(stage), [operand]))

    def merge(self, node: Node, operands: Sequence[ast.expr], target: str) -> ast.expr:
        """A sum, a product, a concatenation along the channels, or a map at the size of another."""
        if isinstance(node.op, ResizeLike):
            like = ast.Attribute(operands[1], "shape")
            size = ast.Subscript(like, ast.Slice(ast.Constant(2)))
            mode = {} if node.op.mode == "nearest" else {"mode": ast.Constant(node.op.mode)}
            self.printer.targets.add("F.interpolate")
            made = call("F.interpolate", [operands[0]], size=size, **mode)
            return self.tensors.settle(made, target)
        if isinstance(node.op, Concat):
            self.printer.targets.add("torch.cat")
            return call("torch.cat", [ast.List([*operands])], dim=ast.Constant(1))
        sign = ast.Add() if isinstance(node.op, Add) else ast.Mult()
        return reduce(lambda left, right: ast.BinOp(left, sign, right), operands)

    def several(self, node: Node, operand: ast.Name, targets: Sequence[str]) -> None:
        """A tensor's own method, along the channels."""
        made = by_cases(module_of, node)
        assert isinstance(made, Call)
        argument = self.writer.sizes.get(id(node)) or self.writer.printer.value(made.args[1])
        method = ast.Attribute(operand, made.target.removeprefix("Tensor."))
        parts = call(method, [argument], dim=ast.Constant(1))
        self.tensors.statements.append(assign(names(targets), parts))

    def test(self, choice: Choice) -> Condition | None:
        """By the module that only one branch has."""
        return self.writer.tests[id(choice)]


def _calls_in(operand: ast.expr) -> int:
    """How many calls stand in an operand."""
    return sum(isinstance(node, ast.Call) for node in ast.walk(operand))


def ahead(part: Node | Region | Choice) -> tuple[Node | Region | Choice, ...]:
    """Of a stage, what stands ahead of its blocks; of the stem and the head, all."""
    if isinstance(part, Region) and part.kind == "stage":
        return part.ahead
    return (part,)
