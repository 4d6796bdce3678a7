"""Keras source of a network: a function for each block, and one that makes the model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from netspec.backends.keras.flow import (
    EXPRESSION,
    KerasFlow,
    absolute_name,
    relative_name,
)
from netspec.backends.keras.plan import (
    chunks,
    depends_on_size,
    is_deep,
    lowered_ops,
    model_input_names,
)
from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.backends.keras.shared import SharedInitializers
from netspec.backends.names import flat_name
from netspec.codegen.classes import (
    Argument,
    Classes,
    Invocation,
    SourceClass,
    local_names,
)
from netspec.codegen.frame import Origin, copied, docstring, fill, head, modules_of
from netspec.codegen.identifiers import Namespace, camel_case, safe_identifier, snake_case
from netspec.codegen.kept import refusing, source_templates
from netspec.codegen.layout import (
    Document,
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
from netspec.codegen.tensors import VARIABLES, Tensors
from netspec.ir import Program, Region
from netspec.ir.definition import Definition
from netspec.ir.formula import IN_CHANNELS
from netspec.ir.template import Call, Template
from netspec.lang.expression.arithmetic import COPIED
from netspec.ops.structure import ResizeLike


def generate(network: Program, origin: Origin) -> str:
    """Standalone source of a network that came from ``origin``. Needs no Keras."""
    with refusing(network):
        return _Generator(network, origin).file()


@dataclass(frozen=True)
class _Function:
    """A function as the template lays it out."""

    signature: str
    doc: str
    body: str


class _Generator:
    def __init__(self, program: Program, origin: Origin) -> None:
        self.program = program
        self.origin = origin
        self.deep = is_deep(self.program)
        self.initializers = SharedInitializers()
        self.targets: set[str] = set()
        self.function_name = safe_identifier(self.program.model_name)
        self.names = Namespace({self.function_name, *local_names(self.program)})
        if self.program.training_only:
            self.inference_name = self.names.add("inference_model")
        self.classes: Classes | None = None
        self.templates = source_templates(self.program, self._try_out)
        self.classes = Classes(self.templates, _function_name, self.names)
        self.initializers = SharedInitializers()
        self._functions()  # counts the initialisers
        self.initializers.settle(self.names)

    def _try_out(self, template: Template) -> None:
        self._parts(template)

    def _functions(self) -> list[_Function]:
        assert self.classes is not None
        self.targets = set()
        blocks = [self._block_function(source_class) for source_class in self.classes.all]
        inference = [self._inference_function()] if self.program.training_only else []
        return [*blocks, *inference, self._network_function()]

    def file(self) -> str:
        """The whole source."""
        functions = self._functions()
        initializers = self.initializers.functions()
        arithmetic = copied("netspec.lang.expression", "arithmetic.py", self.targets & COPIED)
        used = modules_of(self.targets) | arithmetic.names | self.initializers.modules
        return fill(
            "keras.py.j2",
            head=head(self.program, self.origin),
            imports=_imports(used, self.deep),
            helpers=arithmetic.texts,
            initializers=initializers,
            is_deep=self.deep,
            has_expressions=EXPRESSION in self.targets,
            functions=functions,
        )

    def _printer(self) -> Printer:
        return Printer(SIGNATURE_DEFAULTS, self.initializers.rewrite)

    # Blocks

    def _block_function(self, source_class: SourceClass) -> _Function:
        printer, statements = self._parts(source_class.template)
        source_class.use(printer.names)
        local: list[Statement] = []
        if any(argument.name == IN_CHANNELS for argument in source_class.arguments):
            local.append(Assign(IN_CHANNELS, "x.shape[-1]"))
        local += [
            Assign(safe_identifier(name), printer.formula(value))
            for name, value in source_class.local
        ]
        self.targets |= printer.targets
        declared: list[Document] = ["x"]
        declared += [_declared(a) for a in source_class.arguments if a.name != IN_CHANNELS]
        lines = lay_out(
            brackets("(", [*declared, "*", "name"], ")"), f"def {source_class.name}", ":", 0
        )
        doc = docstring([source_class.doc], 1)
        return _Function("\n".join(lines), doc, render([*local, *statements], 1))

    def _parts(self, template: Template) -> tuple[Printer, list[Statement]]:
        printer = self._printer()
        taken = {*VARIABLES, IN_CHANNELS, *map(safe_identifier, template.parameters)}
        if template.definition is not None:
            definition = template.definition
            taken |= {*map(safe_identifier, (*definition.params, *definition.let))}
        taken |= {safe_identifier(name) for name in self.program.arguments}
        tensors = Tensors(template, Namespace(taken))
        flow = KerasFlow(tensors, printer, relative_name, self)
        tensors.define(template.source, Operand.of("x"))
        flow.run_all(template.body.items, "x")
        return printer, returning(tensors.statements, tensors.take(template.body.result, "x"))

    def block_call(
        self, template: Template, block: Region, value: Document, name: Document, printer: Printer
    ) -> Document:
        """The call of a block's function, on a tensor and under a name."""
        made = template.calls[block.path]
        if self.classes is None:  # trying whether numbers have formulas
            return call("block", [printer.value(value) for value in made.arguments.values()])
        return _made(self._invocation(made), value, name, printer)

    def _invocation(self, made: Call) -> Invocation:
        """How a block's function is called, which sees the channels by itself."""
        assert self.classes is not None
        return self.classes.invocation(made).without(IN_CHANNELS)

    # The network

    def _network_function(self) -> _Function:
        template = self.templates.network
        printer = self._printer()
        kept = [safe_identifier(name) for name in self.program.arguments]
        taken = {*VARIABLES, "input_shape", "index", *kept, *self.program.input_names}
        taken |= {f"{name}_shape" for name in self.program.input_names}
        results = [*template.outputs.values()]
        results.remove(template.body.result)  # which is a result anyway
        tensors = Tensors(template, Namespace(taken), results)
        flow = KerasFlow(tensors, printer, absolute_name, self)
        for value, name in zip(
            template.entering, self.program.input_names or ("inputs",), strict=True
        ):
            tensors.define(value, Operand.of(name))
        flow.run_all(template.body.items, "x")
        documents = {n: tensors.take(v, "x").document for n, v in template.outputs.items()}
        self.targets |= printer.targets
        if self.program.has_outputs:
            items: list[Document] = [Row((f"{quoted(name)}: ", d)) for name, d in documents.items()]
            tensors.statements.append(Assign("outputs", literal("{", items, "}")))
            outputs: Document = "outputs"
        else:
            outputs = documents["output"]
        inputs: Document = "inputs"
        if self.program.input_names:
            inputs = literal("{", [f"{quoted(n)}: {n}" for n in self.program.input_names], "}")
        model = call(
            "keras.Model", [inputs, outputs, keyword("name", quoted(self.program.model_name))]
        )
        body: list[Statement] = [
            *self._size_check(),
            Do('keras.config.set_image_data_format("channels_last")'),
            *(
                Assign(variable, call("keras.Input", [shape, keyword("name", quoted(name))]))
                for variable, shape, name in self._inputs()
            ),
            *tensors.statements,
            Return(model),
        ]
        return _Function(self._signature(), self._doc(), render(body, 1))

    def _inference_function(self) -> _Function:
        """What makes a model without the outputs that are for training alone."""
        items: list[Document] = [
            f"{quoted(name)}: model.output[{quoted(name)}]"
            for name in self.program.evaluation_outputs
        ]
        made = call("keras.Model", ["model.input", literal("{", items, "}")])
        listed = ", ".join(sorted(self.program.training_only))
        doc = docstring(
            [f"The same layers and weights, without what is for training alone: {listed}."], 1
        )
        return _Function(f"def {self.inference_name}(model):", doc, render([Return(made)], 1))

    def _inputs(self) -> list[tuple[str, str, str]]:
        """For each input its variable, the argument that has its shape, and what Keras calls it."""
        names = model_input_names(self.program)
        if not self.program.input_names:
            return [("inputs", "input_shape", names[0])]
        own = self.program.input_names
        return [(name, f"{name}_shape", called) for name, called in zip(own, names, strict=True)]

    def _signature(self) -> str:
        declared: list[Document] = [
            Row((f"{argument}=", Printer({}).value((*value.type.size, value.type.channels))))
            for (_, argument, _), value in zip(self._inputs(), self.program.inputs, strict=True)
        ]
        declared += [
            f"{safe_identifier(name)}={text_of(Printer({}).value(value))}"
            for name, value in self.program.arguments.items()
        ]
        return "\n".join(lay_out(brackets("(", declared, ")"), f"def {self.function_name}", ":", 0))

    def _doc(self) -> str:
        listed = " and ".join(f"``{argument}``" for _, argument, _ in self._inputs())
        shapes = f"{listed} {'are' if len(self._inputs()) > 1 else 'is'}"
        return docstring([f"A new {self.program.model_name}; {shapes} (*size, channels)."], 1)

    def _size_check(self) -> list[Statement]:
        """Refuse other sizes where padding, or the factor of a `resize`, was worked out for the spec's."""
        tied = [op for op in lowered_ops(self.program.nodes) if depends_on_size(op)]
        if not tied:
            return []
        what = "resizing" if all(isinstance(op.op, ResizeLike) for op in tied) else "padding"
        checks: list[Statement] = []
        for (_, argument, _), value in zip(self._inputs(), self.program.inputs, strict=True):
            shape = text_of(Printer({}).value((*value.type.size, value.type.channels)))
            text = quoted(f"the {what} is for an {argument} of {shape} only")
            raised = Do(Row(("raise ", call("ValueError", [text]))))
            checks.append(If(f"tuple({argument}) != {shape}", (raised,)))
        return checks

    # Stages

    def blocks(self, stage: Region, flow: KerasFlow, target: str) -> None:
        """Send what flows through the blocks of a stage."""
        if not stage.blocks:
            return
        names = tuple(flat_name(block.path) for block in stage.blocks)
        found = self._calls(stage, names).runs()
        value = flow.tensors.take(stage.blocks[0].source, target).document
        result = flow.tensors.free(target, stage.result)
        if self.deep:
            self._submodels(stage, found, value, result, flow)
        else:
            self._in_order(found, value, result, flow)
        flow.tensors.define(stage.result, Operand.of(result))

    def _calls(self, stage: Region, names: tuple[str, ...]) -> StageCalls:
        template = self.templates.network
        calls = (self._invocation(template.calls[block.path]) for block in stage.blocks)
        formulas = schedule(self._stage(stage), self.program, template)
        return StageCalls(stage.blocks, names, tuple(calls), formulas)

    def _stage(self, stage: Region) -> Region:
        """A stage as it is in the program."""
        return next(found for found in self.program.stages if found.path == stage.path)

    def _in_order(
        self, found: Sequence[Run], value: Document, target: str, flow: KerasFlow
    ) -> None:
        for run in found:
            if run.is_loop:
                if value != target:
                    flow.tensors.statements.append(Assign(target, value))
                made = _made(run.call, target, f'f"{run.pattern}"', flow.printer)
                body = Assign(target, made)
                flow.tensors.statements.append(For(f"index in {run.range}", (body,)))
                value = target
                continue
            for name, invocation in zip(run.names, run.calls, strict=True):
                made = _made(invocation, value, quoted(name), flow.printer)
                flow.tensors.statements.append(Assign(target, made))
                value = target

    def _submodels(
        self, stage: Region, found: Sequence[Run], value: Document, target: str, flow: KerasFlow
    ) -> None:
        items = [item for run in found for item in _partials(run, flow.printer)]
        stops, total = [], 0
        for _, group in chunks(self._stage(stage)):
            total += len(group)
            stops.append(total)
        blocks = literal("[", items, "]")
        if len(found) == 1 and found[0].is_loop:
            made = _partial(found[0].call, f'f"{found[0].pattern}"', flow.printer)
            blocks = comprehension("[", made, f"for index in {found[0].range}", "]")
        flow.tensors.statements.append(Assign("blocks", blocks))
        arguments: list[Document] = [
            value,
            quoted(flat_name(stage.path)),
            "blocks",
            keyword("stops", Printer({}).value(tuple(stops))),
        ]
        flow.tensors.statements.append(Assign(target, call("submodels", arguments)))


def _made(invocation: Invocation, value: Document, name: Document, printer: Printer) -> Document:
    arguments = [value, *invocation.passed(printer), keyword("name", name)]
    return call(invocation.source_class.name, arguments)


def _partials(run: Run, printer: Printer) -> list[Document]:
    if not run.is_loop:
        pairs = zip(run.names, run.calls, strict=True)
        return [_partial(invocation, quoted(name), printer) for name, invocation in pairs]
    made = _partial(run.call, f'f"{run.pattern}"', printer)
    return [Row(("*", comprehension("(", made, f"for index in {run.range}", ")")))]


def _partial(invocation: Invocation, name: Document, printer: Printer) -> Document:
    items: list[Document] = [invocation.source_class.name]
    for argument, value in invocation.given():
        items.append(keyword(argument.identifier, printer.value(value)))
    return call("partial", [*items, keyword("name", name)])


def _declared(argument: Argument) -> Document:
    if argument.default is MISSING:
        return argument.identifier
    return Row((f"{argument.identifier}=", Printer({}).value(argument.default)))


def _function_name(definition: Definition, difference: str) -> str:
    return snake_case((definition.title or camel_case(definition.name)) + difference)


def _imports(used: Collection[str], is_deep: bool) -> list[str]:
    lines = ["import math"] if "math" in used else []
    if is_deep:
        lines.append("from functools import partial")
    lines += [""] if lines else []
    parts = [name for name in ("initializers", "layers", "ops") if name in used]
    lines.append("import keras")
    if parts:
        lines.append(f"from keras import {', '.join(parts)}")
    return lines
