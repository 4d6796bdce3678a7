"""Keras source of a network: a function for each block, and one that makes the model."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netspec.arithmetic import COPIED
from netspec.backends.keras.flow import (
    EXPRESSION,
    BlockCall,
    KerasFlow,
    absolute_name,
    relative_name,
)
from netspec.backends.keras.plan import (
    check_names,
    chunks,
    depends_on_size,
    is_deep,
    model_input_name,
)
from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.backends.keras.shared import SharedInitializers
from netspec.codegen.classes import (
    Argument,
    Classes,
    SourceClass,
    argument_value,
    call_arguments,
    local_names,
)
from netspec.codegen.compilation import Compilation
from netspec.codegen.flow import VARIABLES, Value, taken_names
from netspec.codegen.frame import copied, docstring, fill, head
from netspec.codegen.general import IN_CHANNELS, GeneralBlock
from netspec.codegen.identifiers import Namespace, camel_case, safe_identifier, snake_case
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
from netspec.codegen.printing import MISSING, Printer, is_default, quoted
from netspec.codegen.second import tree
from netspec.codegen.stages import Run, runs
from netspec.codegen.statements import Assign, Do, For, If, Return, Statement, render, returning
from netspec.schema.names import flat_name
from netspec.schema.syntax import BlockDefinition
from netspec.symbolic import value_at


def generate(compilation: Compilation) -> str:
    """Standalone source of ``compilation``'s network. Needs no Keras."""
    return _Generator(compilation).file()


@dataclass(frozen=True)
class _Function:
    """A function as the template lays it out."""

    signature: str
    doc: str
    body: str


class _Generator:
    def __init__(self, compilation: Compilation) -> None:
        self.network = compilation.generalised
        self.concrete = compilation.network
        check_names(self.concrete)
        self.compilation = compilation
        self.deep = is_deep(self.concrete)
        self.initializers = SharedInitializers()
        self.targets: set[str] = set()
        self.function_name = safe_identifier(self.network.model_name)
        self.names = Namespace({self.function_name, *local_names(self.network)})
        self.classes = Classes(compilation, self._try_out, _function_name, self.names)
        self.initializers = SharedInitializers()
        self._functions()  # counts the initialisers
        self.initializers.settle(self.names)

    def _try_out(self, general: GeneralBlock, classes: Classes) -> None:
        self.classes = classes
        self._parts(general)

    def _functions(self) -> list[_Function]:
        self.targets = set()
        blocks = [self._block_function(source_class) for source_class in self.classes.all]
        return [*blocks, self._network_function()]

    def file(self) -> str:
        """The whole source."""
        functions = self._functions()
        initializers = self.initializers.functions()
        helpers = copied("netspec", "arithmetic.py", self.targets & COPIED)
        text = "\n".join(
            [*helpers, *(item["body"] for item in initializers), *(f.body for f in functions)]
        )
        return fill(
            "keras.py.j2",
            head=head(self.compilation),
            imports=_imports(text),
            helpers=helpers,
            initializers=initializers,
            is_deep=self.deep,
            has_expressions=EXPRESSION in self.targets,
            functions=functions,
        )

    def _printer(self) -> Printer:
        return Printer(SIGNATURE_DEFAULTS, self.initializers.rewrite)

    # Blocks

    def _block_function(self, source_class: SourceClass) -> _Function:
        printer, statements = self._parts(source_class.general)
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
        doc = source_class.doc or f"The block `{source_class.general.definition.name}`."
        return _Function("\n".join(lines), docstring([doc], 1), render([*local, *statements], 1))

    def _parts(self, general: GeneralBlock) -> tuple[Printer, list[Statement]]:
        printer = self._printer()
        definition = general.definition
        taken = {
            *VARIABLES,
            IN_CHANNELS,
            *map(safe_identifier, (*definition.params, *definition.let)),
        }
        taken |= {safe_identifier(name) for name in self.network.arguments}
        flow = KerasFlow(
            printer, Namespace(taken), relative_name, self._block_call(general, printer)
        )
        value = flow.run(general.body, Value("x"), "x")
        return printer, returning(flow.statements, value.document)

    def _block_call(self, general: GeneralBlock | None, printer: Printer) -> BlockCall:
        def block_call(node: tree.Block, value: Document, name: Document) -> Document:
            source_class = self.classes.of(general, node)
            passed = call_arguments(source_class, node, printer, without=(IN_CHANNELS,))
            return call(source_class.name, [value, *passed, keyword("name", name)])

        return block_call

    # The network

    def _network_function(self) -> _Function:
        network = self.network
        printer = self._printer()
        kept = [safe_identifier(name) for name in network.arguments]
        taken = {*VARIABLES, "input_shape", "index", *kept}
        flow = KerasFlow(printer, Namespace(taken), absolute_name, self._block_call(None, printer))
        value = flow.run(network.stem, Value("inputs"), "x")
        wanted = taken_names(network)
        for stage in network.stages:
            value = flow.run_between(stage, value, "x")
            value = self._stage(stage, value, flow)
            if stage.path in wanted:
                name = flow.variables.add(flat_name(stage.path))
                flow.statements.append(Assign(name, value.document))
                flow.results[stage.path] = Value(name)
        value = flow.run(network.head, value, "x")
        self.targets |= printer.targets
        outputs = value.document
        if network.outputs:
            named = {name: flow.results[key].document for name, key in network.outputs.items()}
            named["output"] = value.document
            items: list[Document] = [Row((f"{quoted(name)}: ", d)) for name, d in named.items()]
            flow.statements.append(Assign("outputs", literal("{", items, "}")))
            outputs = "outputs"
        model = call(
            "keras.Model", ["inputs", outputs, keyword("name", quoted(network.model_name))]
        )
        body: list[Statement] = [
            *self._size_check(),
            Do('keras.config.set_image_data_format("channels_last")'),
            Assign(
                "inputs",
                call(
                    "keras.Input",
                    ["input_shape", keyword("name", quoted(model_input_name(self.concrete)))],
                ),
            ),
            *flow.statements,
            Return(model),
        ]
        return _Function(self._signature(), self._doc(), render(body, 1))

    def _shape(self) -> tuple[int, ...]:
        return (*self.concrete.source.size, self.concrete.source.channels)

    def _signature(self) -> str:
        declared: list[Document] = [Row(("input_shape=", Printer({}).value(self._shape())))]
        declared += [
            f"{safe_identifier(name)}={text_of(Printer({}).value(value_at(value, 0)))}"
            for name, value in self.network.arguments.items()
        ]
        return "\n".join(lay_out(brackets("(", declared, ")"), f"def {self.function_name}", ":", 0))

    def _doc(self) -> str:
        return docstring(
            [f"A new {self.network.model_name}; ``input_shape`` is (*size, channels)."], 1
        )

    def _size_check(self) -> list[Statement]:
        """Refuse other sizes where padding was worked out for the spec's."""
        if not any(depends_on_size(layer) for layer in self.concrete.layers):
            return []
        shape = text_of(Printer({}).value(self._shape()))
        error = call("ValueError", [quoted(f"the padding is for an input_shape of {shape} only")])
        return [If(f"tuple(input_shape) != {shape}", (Do(Row(("raise ", error))),))]

    # Stages

    def _stage(self, stage: tree.Stage, value: Value, flow: KerasFlow) -> Value:
        if not stage.blocks:
            return value
        names = [flat_name(block.path) for block in stage.blocks]
        if self.deep:
            return self._submodels(stage, names, value, flow)
        current = value.document
        for run in runs(stage, names, lambda block: flow.block_call(block, "x", "name")):
            if run.is_loop:
                if text_of(current) != "x":
                    flow.statements.append(Assign("x", current))
                body = Assign("x", flow.block_call(run.block, "x", f'f"{run.pattern}"'))
                flow.statements.append(For(f"index in {run.range}", (body,)))
                current = "x"
                continue
            for name, block in zip(run.names, run.blocks, strict=True):
                flow.statements.append(Assign("x", flow.block_call(block, current, quoted(name))))
                current = "x"
        return Value("x")

    def _submodels(
        self, stage: tree.Stage, names: list[str], value: Value, flow: KerasFlow
    ) -> Value:
        found = runs(stage, names, lambda block: self._partial(block, flow, "name"))
        items = [item for run in found for item in self._partials(run, flow)]
        stops, total = [], 0
        concrete = next(found for found in self.concrete.stages if found.path == stage.path)
        for _, group in chunks(concrete):
            total += len(group)
            stops.append(total)
        blocks = literal("[", items, "]")
        if len(found) == 1 and found[0].is_loop:
            made = self._partial(found[0].block, flow, f'f"{found[0].pattern}"')
            blocks = comprehension("[", made, f"for index in {found[0].range}", "]")
        flow.statements.append(Assign("blocks", blocks))
        arguments: list[Document] = [
            value.document,
            quoted(flat_name(stage.path)),
            "blocks",
            keyword("stops", Printer({}).value(tuple(stops))),
        ]
        flow.statements.append(Assign("x", call("submodels", arguments)))
        return Value("x")

    def _partials(self, run: Run, flow: KerasFlow) -> list[Document]:
        if not run.is_loop:
            pairs = zip(run.names, run.blocks, strict=True)
            return [self._partial(block, flow, quoted(name)) for name, block in pairs]
        made = self._partial(run.block, flow, f'f"{run.pattern}"')
        return [Row(("*", comprehension("(", made, f"for index in {run.range}", ")")))]

    def _partial(self, block: tree.Block, flow: KerasFlow, name: Document) -> Document:
        source_class = self.classes.of(None, block)
        items: list[Document] = [source_class.name]
        for argument in source_class.arguments:
            given = argument_value(argument, block)
            if argument.name != IN_CHANNELS and not is_default(given, argument.default):
                items.append(keyword(argument.identifier, flow.printer.value(given)))
        return call("partial", [*items, keyword("name", name)])


def _declared(argument: Argument) -> Document:
    if argument.default is MISSING:
        return argument.identifier
    return Row((f"{argument.identifier}=", Printer({}).value(argument.default)))


def _function_name(definition: BlockDefinition, difference: str) -> str:
    return snake_case((definition.title or camel_case(definition.name)) + difference)


def _imports(text: str) -> list[str]:
    lines = ["import math"] if re.search(r"\bmath\.", text) else []
    if re.search(r"\bpartial\(", text):
        lines.append("from functools import partial")
    lines += [""] if lines else []
    parts = [name for name in ("initializers", "layers", "ops") if re.search(rf"\b{name}\.", text)]
    lines.append("import keras")
    if parts:
        lines.append(f"from keras import {', '.join(parts)}")
    return lines
