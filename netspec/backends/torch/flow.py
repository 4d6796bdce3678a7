"""PyTorch source of a body: calls of modules, nested."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.rows import module_of
from netspec.codegen.calls import Call
from netspec.codegen.cases import by_cases
from netspec.codegen.chains import chain, is_chain
from netspec.codegen.flow import Condition, Flow
from netspec.codegen.layout import Document, Operation, call, keyword, literal, text_of
from netspec.codegen.printing import quoted
from netspec.codegen.statements import Assign, For, Operand
from netspec.codegen.tensors import Tensors
from netspec.ir import Node, Region
from netspec.ir.template import Choice
from netspec.ops.merge import Add, Concat
from netspec.ops.structure import ResizeLike

HEAVY = frozenset(("conv", "linear", "max_pool", "avg_pool"))
"""Ops that start a line of their own; what follows them is nested around them."""
NESTED_WIDTH = 64


class TorchFlow(Flow):
    """Calls of modules, nested; a heavy one starts a new statement."""

    def __init__(self, tensors: Tensors, writer: ModuleWriter) -> None:
        super().__init__(tensors, writer.printer)
        self.writer = writer

    def apply(self, item: Node | Region, operand: Operand, target: str) -> Operand:
        """The module's call on ``operand``."""
        heavy = not isinstance(item, Node) or item.op.kind in HEAVY
        is_long = heavy or len(text_of(operand.document)) > NESTED_WIDTH
        if operand.variable is None and is_long:
            operand = self.tensors.settle(operand, target)
        return Operand.made(call(self.writer.access(item), [operand.document]), operand)

    def called(self, block: Region, operands: Sequence[Operand]) -> Document:
        """The module's call."""
        return call(self.writer.access(block), [operand.document for operand in operands])

    def is_unit(self, region: Region) -> bool:
        """Whether the region is a `nn.Sequential`."""
        return region.kind != "stage" and self.writer.plan.row(region) is not None

    def stage(self, stage: Region, target: str) -> None:
        """The steps ahead of the blocks, and the `nn.Sequential` of the blocks."""
        self.run_all(ahead(stage), target)
        if self.writer.plan.is_list(stage) and is_chain(stage.blocks, self.tensors):
            with chain(stage.blocks, self.tensors, target) as found:
                each = Assign(found.target, call("block", [*found.variables]))
                loop = For(f"block in {self.writer.access(stage)}", (each,))
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
        made = call(self.writer.access(stage), [operand.document])
        self.tensors.define(stage.result, Operand.made(made, operand))

    def merge(self, node: Node, operands: Sequence[Operand], target: str) -> Operand:
        """A sum, a product, a concatenation along the channels, or a map at the size of another."""
        documents = [operand.document for operand in operands]
        if isinstance(node.op, ResizeLike):
            size = keyword("size", f"{operands[1].variable}.shape[2:]")
            mode = [] if node.op.mode == "nearest" else [keyword("mode", quoted(node.op.mode))]
            self.printer.targets.add("F.interpolate")
            made = call("F.interpolate", [documents[0], size, *mode])
            return self.tensors.settle(Operand.made(made, *operands), target)
        if isinstance(node.op, Concat):
            tensors = literal("[", documents, "]")
            self.printer.targets.add("torch.cat")
            return Operand.made(call("torch.cat", [tensors, keyword("dim", "1")]), *operands)
        sign = "+" if isinstance(node.op, Add) else "*"
        return Operand.made(Operation(sign, tuple(documents)), *operands)

    def several(self, node: Node, operand: Operand, targets: Sequence[str]) -> None:
        """A tensor's own method, along the channels."""
        made = by_cases(module_of, node)
        assert isinstance(made, Call)
        argument = self.writer.sizes.get(id(node)) or self.writer.printer.value(made.args[1])
        method = f"{operand.variable}.{made.target.removeprefix('Tensor.')}"
        parts = call(method, [argument, keyword("dim", "1")])
        self.tensors.statements.append(Assign(", ".join(targets), parts))

    def test(self, choice: Choice) -> Condition | None:
        """By the module that only one branch has."""
        return self.writer.tests[id(choice)]


def ahead(part: Node | Region | Choice) -> tuple[Node | Region | Choice, ...]:
    """Of a stage, what stands ahead of its blocks; of the stem and the head, all."""
    if isinstance(part, Region) and part.kind == "stage":
        return part.ahead
    return (part,)
