"""PyTorch source of a network: a class for each block, a class for the network, and its function."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from netspec.backends.torch.emit_handles import Handles, Send, in_order, through_parts
from netspec.backends.torch.flow import TorchFlow, ahead
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.plan import Plan
from netspec.backends.torch.rows import SIGNATURE_DEFAULTS
from netspec.backends.torch.starts import Starts
from netspec.codegen.classes import (
    LAYER,
    Argument,
    Classes,
    SourceClass,
    local_names,
)
from netspec.codegen.explanation import Decision, Decisions
from netspec.codegen.factories import PARTIAL, hand_on
from netspec.codegen.frame import Origin, copied, fill, head, introduced, modules_of
from netspec.codegen.identifiers import Namespace, camel_case, safe_identifier
from netspec.codegen.kept import refusing, source_templates
from netspec.codegen.nodes import (
    Parameter,
    annotation,
    assign,
    by_name,
    call,
    class_,
    clause,
    constant,
    dotted,
    for_,
    function,
    if_,
    import_from,
    imports,
    parameter,
    side_by_side,
)
from netspec.codegen.passes.roll_classes import roll_classes
from netspec.codegen.passes.roll_rows import roll_rows
from netspec.codegen.presence import presence
from netspec.codegen.printing import MISSING, Factories, Printer
from netspec.codegen.stages import INDEX, Run, stage_calls
from netspec.codegen.tensors import VARIABLES, Item, Tensors
from netspec.ir import Program, Region, Value
from netspec.ir.definition import Definition
from netspec.ir.optional import varying_tests
from netspec.ir.template import Template
from netspec.ir.template.data import nodes_of
from netspec.lang.expression.arithmetic import COPIED
from netspec.system.line_length import LINE_LENGTH


def generate(network: Program, origin: Origin, line_length: int) -> str:
    """Standalone source of a network that came from ``origin``. Needs no PyTorch."""
    with refusing(network):
        return _Generator(network, origin).file(line_length)


def explain(network: Program, origin: Origin) -> tuple[Decision, ...]:
    """Why the source of a network is written as it is."""
    with refusing(network):
        generator = _Generator(network, origin)
        generator.file(LINE_LENGTH)
        return generator.decisions.all(generator.classes)


class _Generator:
    def __init__(self, program: Program, origin: Origin) -> None:
        self.program = program
        self.origin = origin
        self.starts = Starts()
        self.varying = varying_tests(program.main.regions("when"))
        self.targets: set[str] = set()
        self.factories: dict[int, Factories] = {}
        self.decisions = Decisions()
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
            writer, *_ = self._parts(template, settled=False)
            self.factories[id(template)] = writer.printer.factories
            starts.add(self.starts)
        finally:
            self.starts = starts

    # The file

    def file(self, line_length: int) -> str:
        """The whole source."""
        assert self.classes is not None
        blocks = [self._block_class(source_class) for source_class in self.classes.all]
        classes = map(roll_rows, [*blocks, self._network_class(settled=True)])
        arithmetic = copied("netspec.lang.expression", "arithmetic.py", self.targets & COPIED)
        same = copied("netspec.backends.torch", "same.py", self.targets)
        support = copied("netspec.backends.torch", "support.py", self.targets)
        used = modules_of(self.targets) | arithmetic.names | same.names | support.names
        return fill(
            "torch.py.j2",
            line_length,
            head=[head(self.program, self.origin)],
            standard=_standard(used, self.targets),
            imports=_imports(used),
            helpers=[*arithmetic.definitions, *same.definitions, *support.definitions],
            classes=roll_classes([*classes]),
            functions=[self._function()],
        )

    def _function(self) -> ast.stmt:
        arguments = self._kept()
        passed = [ast.Name(argument.identifier) for argument in arguments]
        return function(
            safe_identifier(self.program.model_name),
            [*map(_declared, arguments)],
            [ast.Return(call(self.network_name, passed))],
            doc=f"{introduced(self.program)}.",
            returns=ast.Name(self.network_name),
        )

    def _kept(self) -> list[Argument]:
        return [
            Argument(name, "float" if isinstance(value, float) else "int", value)
            for name, value in self.program.arguments.items()
        ]

    # Blocks

    def _block_class(self, source_class: SourceClass) -> ast.stmt:
        writer, forward, inputs = self._parts(source_class.template, settled=True)
        printer = writer.printer
        self.decisions.note_modules(source_class.name, writer.shared())
        source_class.use(printer.names, printer.factories)
        local = [
            assign(safe_identifier(name), printer.formula(value))
            for name, value in source_class.local
        ]
        self.targets |= printer.targets
        if any(argument.type == LAYER for argument in source_class.arguments):
            self.targets.add(FACTORY)
        return _module(
            source_class.name,
            source_class.doc,
            source_class.arguments,
            [*local, *writer.registration],
            _forward(inputs, forward, _result(source_class.template)),
        )

    def _parts(
        self, template: Template, settled: bool
    ) -> tuple[ModuleWriter, list[ast.stmt], list[str]]:
        writer = self._writer(template, settled)
        for item in template.body.items:
            writer.reserve(item)
        for item in template.body.items:
            writer.register(item)
        tensors = Tensors(template, Namespace(set(VARIABLES)))
        flow = TorchFlow(tensors, writer)
        inputs = tensors.enter()
        flow.run_all(template.body.items, "x")
        results = [tensors.take(value, "x") for value in template.body.outputs]
        return writer, _returning(tensors, results), inputs

    def _writer(self, template: Template, settled: bool) -> ModuleWriter:
        printer = Printer(SIGNATURE_DEFAULTS, template.numbers, presence(template))

        def block_call(block: Region) -> ast.expr:
            made = template.calls[block]
            hand_on(made.arguments, self.factories[id(made.template)], printer)
            if self.classes is None:  # trying whether numbers have formulas
                return call("block", map(printer.value, made.arguments.values()))
            return self.classes.invocation(made).call(printer)

        plan, varying = Plan(template), self.varying
        return ModuleWriter(plan, printer, block_call, self.starts, settled, varying)

    # The network

    def _network_class(self, settled: bool) -> ast.stmt:
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
            each = for_("module", call("self.modules"), loop)
            writer.statements += [each, *writer.behind_loop]
        forward = self._network_forward(writer) if settled else []
        if settled:
            self.decisions.note_modules(self.network_name, writer.shared())
        inputs = [*self.program.input_names] or ["x"]
        shapes = [str(value.type) for value in self.program.inputs]
        result = "dict[str, Tensor]" if self.program.has_outputs else "Tensor"
        registration, methods = writer.registration, []
        if self.origin.handles and settled:
            handles = Handles(self.program, writer.printer, in_order(template), template.outputs)
            registration = [*handles.attributes(), *handles.declare(registration)]
            methods = handles.methods(*self._entered(writer))
            methods += handles.intermediates(*self._entered(writer, handles.taken()))
            if not self.program.has_outputs:
                forward = through_parts(inputs)
        self.targets |= writer.printer.targets
        return _module(
            self.network_name,
            f"The network, made for inputs of {' and '.join(shapes)}.",
            self._kept(),
            registration,
            *methods,
            _forward(inputs, forward, annotation(result)),
        )

    def _entered(
        self, writer: ModuleWriter, results: Sequence[Value] = ()
    ) -> tuple[Tensors, list[str], Send]:
        """Tensors that have entered the network, their names, and what sends them through its parts."""
        taken = {*VARIABLES, *self.program.input_names}
        tensors = Tensors(self.templates.network, Namespace(taken), results)
        flow = TorchFlow(tensors, writer)
        inputs = tensors.enter([*self.program.input_names])
        return tensors, inputs, lambda items: flow.run_all(items, "x")

    def _network_forward(self, writer: ModuleWriter) -> list[ast.stmt]:
        template = self.templates.network
        given = [template.outputs]
        if self.program.training_only:
            given.insert(
                0, {name: template.outputs[name] for name in self.program.evaluation_outputs}
            )
        results = [value for outputs in given for value in outputs.values()]
        results.remove(template.body.result)  # which is a result anyway
        tensors, _, run = self._entered(writer, results)
        first, later = self._by_mode(template)
        run(first)
        if not self.program.has_outputs:
            return _returning(tensors, [tensors.take(template.body.result, "x")])
        if self.program.training_only:
            evaluated = ast.Return(_by_name(given[0], tensors))
            is_evaluated = ast.UnaryOp(ast.Not(), dotted("self.training"))
            tensors.statements.append(if_(is_evaluated, [evaluated]))
            run(later)
        return [*tensors.statements, ast.Return(_by_name(given[-1], tensors))]

    def _by_mode(self, template: Template) -> tuple[list[Item], list[Item]]:
        """What runs in both modes, and what only leads to outputs for training, each in order."""
        outputs = self.program.evaluation_outputs.values()
        evaluated = {node.path for node in self.program.leading_to(outputs)}
        first: list[Item] = []
        later: list[Item] = []
        for item in in_order(template):
            paths = {node.path for node in nodes_of(item)}
            (first if not paths or paths & evaluated else later).append(item)
        return first, later

    def _register_stage(self, writer: ModuleWriter, stage: Region) -> None:
        """A stage as a `nn.Sequential`; runs of blocks alike are loops."""
        names = tuple(block.path[len(stage.path) + 1 :] for block in stage.blocks)
        if writer.plan.is_list(stage):
            runs = self._runs(stage, names)
            items = [item for run in runs for item in _items(run, writer.printer)]
            blocks: ast.expr = ast.List(items)
            if len(runs) == 1 and runs[0].is_loop:
                blocks = ast.ListComp(*_loop(runs[0], writer.printer))
            writer.statements.append(writer.assign(stage.path, call("nn.ModuleList", [blocks])))
            writer.lists.add(stage.path)
            return
        if stage.blocks and writer.plan.row(stage) is None:
            writer.container(stage.path)
            for block in stage.blocks:
                writer.register(block)
            return
        found = self._runs(stage, names)
        if names == tuple(str(index) for index in range(len(names))):
            items = [item for run in found for item in _items(run, writer.printer)]
            writer.statements.append(writer.assign(stage.path, call("nn.Sequential", items)))
            return
        writer.statements.append(writer.assign(stage.path, call("nn.Sequential")))
        add = ast.Attribute(writer.access(stage), "add_module")
        for run in found:
            if run.is_loop:
                made = call(add, [run.counted_name, run.call.call(writer.printer)])
                writer.statements.append(for_(INDEX, run.range, [ast.Expr(made)]))
                continue
            for name, each in zip(run.names, run.calls, strict=True):
                made = call(add, [ast.Constant(name), each.call(writer.printer)])
                writer.statements.append(ast.Expr(made))

    def _runs(self, stage: Region, names: tuple[str, ...]) -> list[Run]:
        """The calls of a stage's blocks, those that are alike together."""
        assert self.classes is not None
        network, invocation = self.templates.network, self.classes.invocation
        found = stage_calls(stage, names, self.program, network, invocation).runs()
        self.decisions.note_runs(stage.path, found)
        return found


def _returning(tensors: Tensors, results: Sequence[ast.expr]) -> list[ast.stmt]:
    """The statements with a return behind them; what modules give is anything to type checkers until it is in `x`."""
    operands = [*results]
    if len(operands) == 1 and isinstance(operands[0], ast.Call | ast.BinOp | ast.IfExp):
        operands = [tensors.settle(operands[0], "x")]
    return [*tensors.statements, ast.Return(side_by_side(operands))]


def _by_name(outputs: Mapping[str, Value], tensors: Tensors) -> ast.expr:
    """A dict of tensors."""
    return by_name({name: tensors.take(value, "x") for name, value in outputs.items()})


def _result(template: Template) -> ast.expr:
    """The type that the module of a block returns."""
    count = len(template.body.outputs)
    return annotation("Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]")


def _items(run: Run, printer: Printer) -> list[ast.expr]:
    if not run.is_loop:
        return [each.call(printer) for each in run.calls]
    return [ast.Starred(ast.GeneratorExp(*_loop(run, printer)))]


def _loop(run: Run, printer: Printer) -> tuple[ast.expr, list[ast.comprehension]]:
    """The calls of a run as the parts of a comprehension."""
    count = clause("_", call("range", [ast.Constant(len(run.names))]))
    if run.is_scheduled:
        count = clause(INDEX, run.range)
    return run.call.call(printer), [count]


def _module(
    name: str,
    doc: str | None,
    arguments: Sequence[Argument],
    registration: Sequence[ast.stmt],
    *methods: ast.stmt,
) -> ast.stmt:
    """A class of modules."""
    start = ast.Expr(call(ast.Attribute(call("super"), "__init__")))
    parameters = [(parameter("self"), None), *map(_declared, arguments)]
    none = ast.Constant(None)
    init = function("__init__", parameters, [start, *registration], returns=none)
    return class_(name, "nn.Module", doc, [init, *methods] if registration else [*methods])


def _forward(inputs: Sequence[str], body: Sequence[ast.stmt], result: ast.expr) -> ast.stmt:
    tensors = [(parameter(name, "Tensor"), None) for name in inputs]
    return function("forward", [(parameter("self"), None), *tensors], body, returns=result)


def _declared(argument: Argument) -> Parameter:
    kind = FACTORY if argument.type == LAYER else argument.type
    default = None if argument.default is MISSING else constant(argument.default)
    written = f"{kind} | None" if argument.is_optional else kind
    return parameter(argument.identifier, written), default


def _class_name(definition: Definition, difference: str) -> str:
    return (definition.title or camel_case(definition.name)) + difference


FACTORY = "Callable[..., nn.Module]"
"""The type of an argument that makes a layer."""


def _standard(used: Collection[str], targets: Collection[str]) -> list[ast.stmt]:
    found = imports("math" if "math" in used else "")
    if FACTORY in targets:
        found.append(import_from("collections.abc", ["Callable"]))
    if PARTIAL in targets:
        found.append(import_from("functools", [PARTIAL]))
    return found


def _imports(used: Collection[str]) -> list[ast.stmt]:
    found = imports("torch" if "torch" in used else "")
    if "F" in used:
        found.append(ast.Import([ast.alias("torch.nn.functional", "F")]))
    return [*found, import_from("torch", ["Tensor", "nn"])]
