"""PyTorch source of a network: a class for each block, a class for the network, and its function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netspec.arithmetic import COPIED
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.plan import sequential_items
from netspec.backends.torch.rows import SIGNATURE_DEFAULTS
from netspec.backends.torch.starts import Starts
from netspec.codegen.classes import (
    Argument,
    Classes,
    SourceClass,
    call_arguments,
    local_names,
)
from netspec.codegen.compilation import Compilation
from netspec.codegen.flow import VARIABLES, Flow, Value, taken_names
from netspec.codegen.frame import copied, docstring, fill, head
from netspec.codegen.general import GeneralBlock
from netspec.codegen.identifiers import Namespace, camel_case, safe_identifier
from netspec.codegen.layout import (
    Document,
    Operation,
    Row,
    brackets,
    call,
    comprehension,
    keyword,
    lay_out,
    literal,
    text_of,
)
from netspec.codegen.printing import MISSING, Printer, quoted
from netspec.codegen.second import tree
from netspec.codegen.stages import Run, runs
from netspec.codegen.statements import Assign, Do, For, Return, Statement, render, returning
from netspec.schema.syntax import BlockDefinition
from netspec.symbolic import value_at

HEAVY = frozenset(("conv", "linear", "max_pool", "avg_pool"))
"""Ops that start a line of their own; what follows them is nested around them."""
NESTED_WIDTH = 64


def generate(compilation: Compilation) -> str:
    """Standalone source of ``compilation``'s network. Needs no PyTorch."""
    return _Generator(compilation).file()


@dataclass(frozen=True)
class _Class:
    """A class as the template lays it out."""

    name: str
    doc: str
    signature: str
    body: str
    forward: str
    result: str


class _Generator:
    def __init__(self, compilation: Compilation) -> None:
        self.network = compilation.generalised
        self.concrete = compilation.network
        self.compilation = compilation
        self.starts = Starts()
        self.targets: set[str] = set()
        function_name = safe_identifier(self.network.model_name)
        self.names = Namespace({function_name, *local_names(self.network)})
        self.network_name = self.names.add(camel_case(self.network.title))
        self.classes = Classes(compilation, self._try_out, _class_name, self.names)
        # A first pass over the network's own layers completes what is known of how parameters start.
        self._network_class(settled=False)

    def _try_out(self, general: GeneralBlock, classes: Classes) -> None:
        self.classes = classes
        starts, self.starts = self.starts, Starts()
        try:
            self._parts(general, settled=False)
            starts.add(self.starts)
        finally:
            self.starts = starts

    # The file

    def file(self) -> str:
        """The whole source."""
        blocks = [self._block_class(source_class) for source_class in self.classes.all]
        classes = [*blocks, self._network_class(settled=True)]
        function = self._function()
        helpers = [
            *copied("netspec", "arithmetic.py", self.targets & COPIED),
            *copied("netspec.backends.torch", "support.py", self.targets),
        ]
        text = "\n".join([*helpers, *(f"{c.signature}\n{c.body}\n{c.forward}" for c in classes)])
        return fill(
            "torch.py.j2",
            head=head(self.compilation),
            imports=_imports(text),
            helpers=helpers,
            classes=classes,
            function=function,
        )

    def _function(self) -> dict[str, str]:
        arguments = self._kept()
        name = safe_identifier(self.network.model_name)
        parameters = brackets("(", [_declared(a) for a in arguments], ")")
        passed: list[Document] = [argument.identifier for argument in arguments]
        shape = "×".join(str(n) for n in self.concrete.source.shape)
        return {
            "signature": "\n".join(
                lay_out(parameters, f"def {name}", f" -> {self.network_name}:", 0)
            ),
            "doc": docstring([f"A new {self.network.model_name}, made for inputs of {shape}."], 1),
            "body": render([Return(call(self.network_name, passed))], 1),
        }

    def _kept(self) -> list[Argument]:
        return [
            Argument(name, "float" if isinstance(value_at(v, 0), float) else "int", value_at(v, 0))
            for name, v in self.network.arguments.items()
        ]

    # Blocks

    def _block_class(self, source_class: SourceClass) -> _Class:
        printer, registration, forward = self._parts(source_class.general, settled=True)
        source_class.use(printer.names)
        local: list[Statement] = [
            Assign(safe_identifier(name), printer.formula(value))
            for name, value in source_class.local
        ]
        self.targets |= printer.targets
        return _Class(
            name=source_class.name,
            doc=docstring(
                [source_class.doc or f"The block `{source_class.general.definition.name}`."], 1
            ),
            signature=_signature(source_class.arguments),
            body=render([*local, *registration], 2),
            forward=render(forward, 2),
            result="Tensor",
        )

    def _parts(
        self, general: GeneralBlock, settled: bool
    ) -> tuple[Printer, list[Statement], list[Statement]]:
        printer = Printer(SIGNATURE_DEFAULTS)

        def block_call(node: tree.Block) -> Document:
            source_class = self.classes.of(general, node)
            return call(source_class.name, call_arguments(source_class, node, printer))

        writer = ModuleWriter(printer, block_call, self.starts, settled)
        writer.reserve(general.body)
        writer.register(general.body)
        flow = _Flow(writer)
        value = flow.run(general.body, Value("x"), "x")
        return printer, writer.statements, returning(flow.statements, value.document)

    # The network

    def _network_class(self, settled: bool) -> _Class:
        network = self.network
        printer = Printer(SIGNATURE_DEFAULTS)

        def block_call(node: tree.Block) -> Document:
            source_class = self.classes.of(None, node)
            return call(source_class.name, call_arguments(source_class, node, printer))

        writer = ModuleWriter(printer, block_call, self.starts, settled)
        for part in (network.stem, *(stage.between for stage in network.stages), network.head):
            writer.reserve(part)
        writer.register(network.stem)
        for stage in network.stages:
            writer.register(stage.between)
            _register_stage(writer, stage)
        writer.register(network.head)
        loop = self.starts.loop() if settled else []
        if loop:
            writer.statements.append(For("module in self.modules()", tuple(loop)))
        self.targets |= printer.targets
        return _Class(
            name=self.network_name,
            doc=docstring([network.doc or f"The network `{network.name}`."], 1),
            signature=_signature(self._kept()),
            body=render(writer.statements, 2),
            forward=render(self._network_forward(writer), 2),
            result="dict[str, Tensor]" if network.outputs else "Tensor",
        )

    def _network_forward(self, writer: ModuleWriter) -> list[Statement]:
        network = self.network
        flow = _Flow(writer)
        value = flow.run(network.stem, Value("x"), "x")
        wanted = taken_names(network)
        for stage in network.stages:
            value = flow.run_between(stage, value, "x")
            value = flow.settle(value, "x")
            value = Value(call(writer.access(stage.path), [value.document]), False)
            if stage.path in wanted:
                value = flow.settle(value, flow.variables.add(stage.path.replace(".", "_")))
                flow.results[stage.path] = value
        value = flow.run(network.head, value, "x")
        if not network.outputs:
            return returning(flow.statements, value.document)
        named: Mapping[str, Document] = {
            **{name: flow.results[key].document for name, key in network.outputs.items()},
            "output": value.document,
        }
        items: list[Document] = [Row((f"{quoted(name)}: ", d)) for name, d in named.items()]
        return [*flow.statements, Return(literal("{", items, "}"))]


class _Flow(Flow):
    """Calls of modules, nested; a heavy one starts a new statement."""

    def __init__(self, writer: ModuleWriter) -> None:
        super().__init__(Namespace(set(VARIABLES)))
        self.writer = writer

    def apply(
        self, node: tree.Layer | tree.Block | tree.Sequence, value: Value, target: str
    ) -> Value:
        """The module's call on ``value``."""
        assert node.path is not None
        heavy = not isinstance(node, tree.Layer) or node.op.kind in HEAVY
        if not value.is_variable and (heavy or len(text_of(value.document)) > NESTED_WIDTH):
            value = self.settle(value, target)
        return Value(call(self.writer.access(node.path), [value.document]), False)

    def is_unit(self, node: tree.Sequence) -> bool:
        """Whether the sequence is a `nn.Sequential`."""
        return sequential_items(node) is not None

    def merge(self, values: list[Value], how: tree.Merge, path: str, target: str) -> Value:
        """A sum, a product or a concatenation along the channels."""
        documents = [value.document for value in values]
        if how == "concat":
            tensors = literal("[", documents, "]")
            return Value(call("torch.cat", [tensors, keyword("dim", "1")]), False)
        return Value(Operation("+" if how == "add" else "*", tuple(documents)), False)

    def test(self, choice: tree.Choice) -> tuple[Document, bool] | None:
        """By the module that only one branch has."""
        return self.writer.tests[id(choice)]


def _register_stage(writer: ModuleWriter, stage: tree.Stage) -> None:
    """A stage as a `nn.Sequential`; runs of blocks alike are loops."""
    names = [block.path[len(stage.path) + 1 :] for block in stage.blocks]
    found = runs(stage, names, writer.block_call)
    if names == [str(index) for index in range(len(names))]:
        items = [item for run in found for item in _items(run, writer)]
        writer.statements.append(writer.assign(stage.path, call("nn.Sequential", items)))
        return
    writer.statements.append(writer.assign(stage.path, "nn.Sequential()"))
    add = f"{writer.access(stage.path)}.add_module"
    for run in found:
        if run.is_loop:
            body = Do(call(add, [f'f"{run.pattern}"', writer.block_call(run.block)]))
            writer.statements.append(For(f"index in {run.range}", (body,)))
            continue
        for name, block in zip(run.names, run.blocks, strict=True):
            writer.statements.append(Do(call(add, [quoted(name), writer.block_call(block)])))


def _items(run: Run, writer: ModuleWriter) -> list[Document]:
    if not run.is_loop:
        return [writer.block_call(block) for block in run.blocks]
    count = f"for _ in range({len(run.names)})"
    if run.is_scheduled:
        count = f"for index in {run.range}"
    return [Row(("*", comprehension("(", writer.block_call(run.block), count, ")")))]


def _signature(arguments: Any) -> str:
    declared: list[Document] = ["self", *(_declared(argument) for argument in arguments)]
    lines = lay_out(brackets("(", declared, ")"), "def __init__", " -> None:", 1)
    return "\n".join(lines).lstrip()


def _declared(argument: Argument) -> Document:
    text = f"{argument.identifier}: {argument.type}"
    if argument.default is MISSING:
        return text
    return f"{text} = {text_of(Printer({}).value(argument.default))}"


def _class_name(definition: BlockDefinition, difference: str) -> str:
    return (definition.title or camel_case(definition.name)) + difference


def _imports(text: str) -> list[str]:
    lines = ["import math", ""] if re.search(r"\bmath\.", text) else []
    if re.search(r"\btorch\.", text):
        lines.append("import torch")
    if re.search(r"\bF\.", text):
        lines.append("import torch.nn.functional as F")
    return [*lines, "from torch import Tensor, nn"]
