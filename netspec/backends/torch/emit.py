"""PyTorch source of a network: a class for each block, a class for the network, and its function."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.backends.torch.flow import TorchFlow, ahead
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.plan import Plan
from netspec.backends.torch.rows import SIGNATURE_DEFAULTS
from netspec.backends.torch.starts import Starts
from netspec.codegen.classes import (
    Argument,
    Classes,
    Invocation,
    SourceClass,
    local_names,
)
from netspec.codegen.frame import Origin, copied, docstring, fill, head, modules_of
from netspec.codegen.identifiers import Namespace, camel_case, safe_identifier
from netspec.codegen.kept import refusing, source_templates
from netspec.codegen.layout import (
    Document,
    Row,
    brackets,
    call,
    comprehension,
    lay_out,
    literal,
    text_of,
)
from netspec.codegen.printing import MISSING, Printer, quoted
from netspec.codegen.stages import Run, StageCalls, schedule
from netspec.codegen.statements import (
    Assign,
    Do,
    For,
    If,
    Operand,
    Return,
    Statement,
    render,
    returning,
)
from netspec.codegen.tensors import VARIABLES, Item, Tensors
from netspec.ir import Program, Region, Value
from netspec.ir.definition import Definition
from netspec.ir.template import Template
from netspec.ir.template.data import nodes_of
from netspec.lang.expression.arithmetic import COPIED


def generate(network: Program, origin: Origin) -> str:
    """Standalone source of a network that came from ``origin``. Needs no PyTorch."""
    with refusing(network):
        return _Generator(network, origin).file()


@dataclass(frozen=True)
class _Class:
    """A class as the template lays it out."""

    name: str
    doc: str
    signature: str
    body: str
    forward: str
    result: str
    inputs: Sequence[str]


class _Generator:
    def __init__(self, program: Program, origin: Origin) -> None:
        self.program = program
        self.origin = origin
        self.starts = Starts()
        self.targets: set[str] = set()
        function_name = safe_identifier(self.program.model_name)
        self.names = Namespace({function_name, *local_names(self.program)})
        self.network_name = self.names.add(camel_case(self.program.title))
        self.classes: Classes | None = None
        self.templates = source_templates(self.program, self._try_out)
        # A first pass completes what is known of how parameters start.
        self._network_class(settled=False)
        self.classes = Classes(self.templates, _class_name, self.names)

    def _try_out(self, template: Template) -> None:
        starts, self.starts = self.starts, Starts()
        try:
            self._parts(template, settled=False)
            starts.add(self.starts)
        finally:
            self.starts = starts

    # The file

    def file(self) -> str:
        """The whole source."""
        assert self.classes is not None
        blocks = [self._block_class(source_class) for source_class in self.classes.all]
        classes = [*blocks, self._network_class(settled=True)]
        function = self._function()
        arithmetic = copied("netspec.lang.expression", "arithmetic.py", self.targets & COPIED)
        support = copied("netspec.backends.torch", "support.py", self.targets)
        used = modules_of(self.targets) | arithmetic.names | support.names
        return fill(
            "torch.py.j2",
            head=head(self.program, self.origin),
            imports=_imports(used),
            helpers=[*arithmetic.texts, *support.texts],
            classes=classes,
            function=function,
        )

    def _function(self) -> dict[str, str]:
        arguments = self._kept()
        name = safe_identifier(self.program.model_name)
        parameters = brackets("(", [_declared(a) for a in arguments], ")")
        passed: list[Document] = [argument.identifier for argument in arguments]
        shapes = [str(value.type) for value in self.program.inputs]
        return {
            "signature": "\n".join(
                lay_out(parameters, f"def {name}", f" -> {self.network_name}:", 0)
            ),
            "doc": docstring(
                [f"A new {self.program.model_name}, made for inputs of {' and '.join(shapes)}."], 1
            ),
            "body": render([Return(call(self.network_name, passed))], 1),
        }

    def _kept(self) -> list[Argument]:
        return [
            Argument(name, "float" if isinstance(value, float) else "int", value)
            for name, value in self.program.arguments.items()
        ]

    # Blocks

    def _block_class(self, source_class: SourceClass) -> _Class:
        printer, registration, forward = self._parts(source_class.template, settled=True)
        source_class.use(printer.names)
        local: list[Statement] = [
            Assign(safe_identifier(name), printer.formula(value))
            for name, value in source_class.local
        ]
        self.targets |= printer.targets
        return _Class(
            name=source_class.name,
            doc=docstring([source_class.doc], 1),
            signature=_signature(source_class.arguments),
            body=render([*local, *registration], 2),
            forward=render(forward, 2),
            result="Tensor",
            inputs=["x"],
        )

    def _parts(
        self, template: Template, settled: bool
    ) -> tuple[Printer, list[Statement], list[Statement]]:
        writer = self._writer(template, settled)
        for item in template.body.items:
            writer.reserve(item)
        for item in template.body.items:
            writer.register(item)
        tensors = Tensors(template, Namespace(set(VARIABLES)))
        flow = TorchFlow(tensors, writer)
        tensors.define(template.source, Operand.of("x"))
        flow.run_all(template.body.items, "x")
        forward = returning(tensors.statements, tensors.take(template.body.result, "x"))
        return writer.printer, writer.statements, forward

    def _writer(self, template: Template, settled: bool) -> ModuleWriter:
        printer = Printer(SIGNATURE_DEFAULTS)

        def block_call(block: Region) -> Document:
            made = template.calls[block.path]
            if self.classes is None:  # trying whether numbers have formulas
                return call("block", [printer.value(value) for value in made.arguments.values()])
            invocation = self.classes.invocation(made)
            return call(invocation.source_class.name, invocation.passed(printer))

        return ModuleWriter(Plan(template), printer, block_call, self.starts, settled)

    # The network

    def _network_class(self, settled: bool) -> _Class:
        template = self.templates.network
        writer = self._writer(template, settled)
        for part in template.body.items:
            for item in ahead(part):
                writer.reserve(item)
        for part in template.body.items:
            for item in ahead(part):
                writer.register(item)
            if isinstance(part, Region) and part.kind == "stage" and settled:
                self._register_stage(writer, part)
        loop = self.starts.loop(writer.printer.call) if settled else []
        if loop:
            writer.statements.append(For("module in self.modules()", tuple(loop)))
        forward = render(self._network_forward(writer), 2) if settled else ""
        self.targets |= writer.printer.targets
        return _Class(
            name=self.network_name,
            doc=docstring([self.program.doc or f"The network `{self.program.name}`."], 1),
            signature=_signature(self._kept()),
            body=render(writer.statements, 2),
            forward=forward,
            result="dict[str, Tensor]" if self.program.has_outputs else "Tensor",
            inputs=[*self.program.input_names] or ["x"],
        )

    def _network_forward(self, writer: ModuleWriter) -> list[Statement]:
        template = self.templates.network
        given = [template.outputs]
        if self.program.training_only:
            given.insert(
                0, {name: template.outputs[name] for name in self.program.evaluation_outputs}
            )
        results = [value for outputs in given for value in outputs.values()]
        results.remove(template.body.result)  # which is a result anyway
        taken = {*VARIABLES, *self.program.input_names}
        tensors = Tensors(template, Namespace(taken), results)
        flow = TorchFlow(tensors, writer)
        for value, name in zip(template.entering, self.program.input_names or ("x",), strict=True):
            tensors.define(value, Operand.of(name))
        first, later = self._by_mode(template)
        flow.run_all(first, "x")
        if not self.program.has_outputs:
            return returning(tensors.statements, tensors.take(template.body.result, "x"))
        if self.program.training_only:
            evaluated = Return(_by_name(given[0], tensors))
            tensors.statements.append(If("not self.training", (evaluated,)))
            flow.run_all(later, "x")
        return [*tensors.statements, Return(_by_name(given[-1], tensors))]

    def _by_mode(self, template: Template) -> tuple[list[Item], list[Item]]:
        """What runs in both modes, and what only leads to outputs for training, each in order."""
        outputs = self.program.evaluation_outputs.values()
        evaluated = {node.path for node in self.program.leading_to(outputs)}
        first: list[Item] = []
        later: list[Item] = []
        for part in template.body.items:
            is_line = isinstance(part, Region) and part.kind == "sequence" and not part.path
            for item in part.items if is_line else (part,):  # type: ignore[union-attr]
                paths = {node.path for node in nodes_of(item)}
                (first if not paths or paths & evaluated else later).append(item)
        return first, later

    def _register_stage(self, writer: ModuleWriter, stage: Region) -> None:
        """A stage as a `nn.Sequential`; runs of blocks alike are loops."""
        names = tuple(block.path[len(stage.path) + 1 :] for block in stage.blocks)
        if stage.blocks and writer.plan.row(stage) is None:
            writer.container(stage.path)
            for block in stage.blocks:
                writer.register(block)
            return
        found = self._calls(stage, names).runs()
        if names == tuple(str(index) for index in range(len(names))):
            items = [item for run in found for item in _items(run, writer.printer)]
            writer.statements.append(writer.assign(stage.path, call("nn.Sequential", items)))
            return
        writer.statements.append(writer.assign(stage.path, "nn.Sequential()"))
        add = f"{writer.access(stage.path)}.add_module"
        for run in found:
            if run.is_loop:
                body = Do(call(add, [f'f"{run.pattern}"', _made(run.call, writer.printer)]))
                writer.statements.append(For(f"index in {run.range}", (body,)))
                continue
            for name, made in zip(run.names, run.calls, strict=True):
                writer.statements.append(Do(call(add, [quoted(name), _made(made, writer.printer)])))

    def _calls(self, stage: Region, names: tuple[str, ...]) -> StageCalls:
        assert self.classes is not None
        template = self.templates.network
        calls = (self.classes.invocation(template.calls[block.path]) for block in stage.blocks)
        (original,) = (found for found in self.program.stages if found.path == stage.path)
        formulas = schedule(original, self.program, template)
        return StageCalls(stage.blocks, names, tuple(calls), formulas)


def _by_name(outputs: Mapping[str, Value], tensors: Tensors) -> Document:
    """A dict of tensors."""
    taken = {name: tensors.take(value, "x").document for name, value in outputs.items()}
    items: list[Document] = [Row((f"{quoted(name)}: ", d)) for name, d in taken.items()]
    return literal("{", items, "}")


def _made(invocation: Invocation, printer: Printer) -> Document:
    return call(invocation.source_class.name, invocation.passed(printer))


def _items(run: Run, printer: Printer) -> list[Document]:
    if not run.is_loop:
        return [_made(each, printer) for each in run.calls]
    count = f"for _ in range({len(run.names)})"
    if run.is_scheduled:
        count = f"for index in {run.range}"
    return [Row(("*", comprehension("(", _made(run.call, printer), count, ")")))]


def _signature(arguments: Any) -> str:
    declared: list[Document] = ["self", *(_declared(argument) for argument in arguments)]
    lines = lay_out(brackets("(", declared, ")"), "def __init__", " -> None:", 1)
    return "\n".join(lines).lstrip()


def _declared(argument: Argument) -> Document:
    text = f"{argument.identifier}: {argument.type}"
    if argument.default is MISSING:
        return text
    return f"{text} = {text_of(Printer({}).value(argument.default))}"


def _class_name(definition: Definition, difference: str) -> str:
    return (definition.title or camel_case(definition.name)) + difference


def _imports(used: Collection[str]) -> list[str]:
    lines = ["import math", ""] if "math" in used else []
    if "torch" in used:
        lines.append("import torch")
    if "F" in used:
        lines.append("import torch.nn.functional as F")
    return [*lines, "from torch import Tensor, nn"]
