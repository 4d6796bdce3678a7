"""Keras source of a network: a function for each block, and one that makes the model."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from netspec.backends.keras.flow import (
    KerasFlow,
    absolute_name,
    relative_name,
)
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.passes import TENSOR, rewrite
from netspec.backends.keras.plan import (
    depends_on_size,
    is_deep,
    lowered_ops,
    model_input_names,
    what_depends_on_size,
)
from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.backends.keras.submodels import submodels
from netspec.codegen.chains import chain, is_chain
from netspec.codegen.classes import (
    LAYER,
    Argument,
    Classes,
    Invocation,
    SourceClass,
    local_names,
)
from netspec.codegen.explanation import Decision, Decisions
from netspec.codegen.factories import hand_on
from netspec.codegen.frame import Origin, copied, fill, head, introduced
from netspec.codegen.identifiers import Namespace, safe_identifier, snake_case
from netspec.codegen.kept import refusing, source_templates
from netspec.codegen.nodes import (
    Parameter,
    annotation,
    assign,
    by_name,
    call,
    constant,
    dotted,
    for_,
    function,
    if_,
    import_from,
    imports,
    names,
    parameter,
    reads,
    returning,
    variable_of,
)
from netspec.codegen.passes.roll_statements import roll_statements
from netspec.codegen.presence import presence
from netspec.codegen.printing import MISSING, Factories, Printer
from netspec.codegen.stages import INDEX, Run, stage_calls, stage_of
from netspec.codegen.tensors import VARIABLES, Tensors
from netspec.ir import Program, Region
from netspec.ir.definition import Definition
from netspec.ir.formula import IN_CHANNELS
from netspec.ir.template import Call, Template
from netspec.lang.expression.arithmetic import COPIED
from netspec.system.line_length import LINE_LENGTH

SHAPE = "tuple[int | None, ...]"
MODEL = "keras.Model"
FACTORY = "Callable[..., layers.Layer]"
"""Types of arguments and results, as they are written."""


def generate(network: Program, origin: Origin, line_length: int) -> str:
    """Standalone source of a network that came from ``origin``. Needs no Keras."""
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
        self.deep = is_deep(self.program)
        self.targets: set[str] = set()
        self.factories: dict[int, Factories] = {}
        self.decisions = Decisions()
        self.function_name = safe_identifier(self.program.model_name)
        self.names = Namespace({self.function_name, *local_names(self.program)})
        if self.program.training_only:
            self.inference_name = self.names.add("inference_model")
        self.classes: Classes | None = None
        self.templates = source_templates(self.program, self._try_out)
        self.classes = Classes(self.templates, _function_name, self.names)

    def _try_out(self, template: Template) -> None:
        printer, *_ = self._parts(template)
        self.factories[id(template)] = printer.factories

    def _functions(self) -> list[ast.stmt]:
        assert self.classes is not None
        self.targets = set()
        blocks = [self._block_function(source_class) for source_class in self.classes.all]
        inference = [self._inference_function()] if self.program.training_only else []
        return [*blocks, *inference, self._network_function()]

    def file(self, line_length: int) -> str:
        """The whole source."""
        written = self._functions()
        functions = rewrite(written, self.names)
        self.decisions.note_functions(written, functions)
        arithmetic = copied("netspec.lang.expression", "arithmetic.py", self.targets & COPIED)
        support = copied("netspec.backends.keras", "support.py", self.targets)
        definitions = [*arithmetic.definitions, *support.definitions, *functions]
        used = frozenset[str]().union(*map(reads, definitions))
        return fill(
            "keras.py.j2",
            line_length,
            head=[head(self.program, self.origin)],
            standard=_standard(used),
            imports=_imports(used),
            definitions=definitions,
        )

    def _printer(self, template: Template) -> Printer:
        return Printer(SIGNATURE_DEFAULTS, template.numbers, presence(template))

    # Blocks

    def _block_function(self, source_class: SourceClass) -> ast.stmt:
        printer, statements, inputs = self._parts(source_class.template)
        source_class.use(printer.names, printer.factories)
        local = [
            assign(argument.identifier, channels_of(ast.Name(inputs[argument.input])))
            for argument in source_class.arguments
            if argument.input is not None
        ]
        local += [
            assign(safe_identifier(name), printer.formula(value))
            for name, value in source_class.local
        ]
        self.targets |= printer.targets
        tensors = [(parameter(name, TENSOR), None) for name in inputs]
        declared = [_declared(a) for a in source_class.arguments if a.input is None]
        return function(
            source_class.name,
            [*tensors, *declared],
            [*local, *statements],
            doc=source_class.doc,
            returns=_tensors(len(source_class.template.body.outputs)),
            by_keyword=[parameter("name", "str")],
        )

    def _parts(self, template: Template) -> tuple[Printer, list[ast.stmt], list[str]]:
        printer = self._printer(template)
        taken = {*VARIABLES, IN_CHANNELS, INDEX, *map(safe_identifier, template.parameters)}
        if template.definition is not None:
            definition = template.definition
            taken |= {*map(safe_identifier, (*definition.params, *definition.let))}
        taken |= {safe_identifier(name) for name in self.program.arguments}
        tensors = Tensors(template, Namespace(taken))
        flow = KerasFlow(tensors, printer, relative_name, self)
        inputs = tensors.enter()
        flow.run_all(template.body.items, "x")
        results = [tensors.take(value, "x") for value in template.body.outputs]
        return printer, returning(roll_statements(tensors.statements), *results), inputs

    def block_call(
        self,
        template: Template,
        block: Region,
        values: Sequence[ast.expr],
        name: ast.expr,
        printer: Printer,
    ) -> ast.expr:
        """The call of a block's function, on tensors and under a name."""
        made = template.calls[block]
        hand_on(made.arguments, self.factories[id(made.template)], printer)
        if self.classes is None:  # trying whether numbers have formulas
            return call("block", map(printer.value, made.arguments.values()))
        return self._invocation(made).call(printer, values, name=name)

    def _invocation(self, made: Call) -> Invocation:
        """How a block's function is called, which sees the channels by itself."""
        assert self.classes is not None
        return self.classes.invocation(made).without_channels()

    # The network

    def _network_function(self) -> ast.stmt:
        template = self.templates.network
        printer = self._printer(template)
        kept = [safe_identifier(name) for name in self.program.arguments]
        taken = {*VARIABLES, "input_shape", INDEX, *kept, *self.program.input_names}
        taken |= {f"{name}_shape" for name in self.program.input_names}
        results = [*template.outputs.values()]
        results.remove(template.body.result)  # which is a result anyway
        tensors = Tensors(template, Namespace(taken), results)
        flow = KerasFlow(tensors, printer, absolute_name, self)
        tensors.enter([*self.program.input_names] or ["inputs"])
        flow.run_all(template.body.items, "x")
        found = {n: tensors.take(v, "x") for n, v in template.outputs.items()}
        self.targets |= printer.targets
        outputs = found["output"] if not self.program.has_outputs else ast.Name("outputs")
        if self.program.has_outputs:
            tensors.statements.append(assign("outputs", by_name(found)))
        inputs: ast.expr = ast.Name("inputs")
        if self.program.input_names:
            inputs = by_name({name: ast.Name(name) for name in self.program.input_names})
        model = call("keras.Model", [inputs, outputs], name=ast.Constant(self.program.model_name))
        shapes = self._shapes(printer)
        body = [
            *self._given_shapes(shapes),
            *self._size_check(),
            *(
                assign(variable, call("keras.Input", [ast.Name(shape)], name=ast.Constant(name)))
                for variable, shape, name in self._inputs()
            ),
            *roll_statements(tensors.statements),
            ast.Return(model),
        ]
        kept_arguments = [
            (parameter(safe_identifier(name), type(value).__name__), constant(value))
            for name, value in self.program.arguments.items()
        ]
        return function(
            self.function_name,
            [*map(_shape_parameter, shapes, shapes.values()), *kept_arguments],
            body,
            doc=self._doc(),
            returns=annotation(MODEL),
        )

    def _inference_function(self) -> ast.stmt:
        """What makes a model without the outputs that are for training alone."""
        outputs: dict[str, ast.expr] = {
            name: ast.Subscript(dotted("model.output"), ast.Constant(name))
            for name in self.program.evaluation_outputs
        }
        made = call("keras.Model", [dotted("model.input"), by_name(outputs)])
        listed = ", ".join(sorted(self.program.training_only))
        return function(
            self.inference_name,
            [(parameter("model", MODEL), None)],
            [ast.Return(made)],
            returns=annotation(MODEL),
            doc=f"The same layers and weights, without what is for training alone: {listed}.",
        )

    def _inputs(self) -> list[tuple[str, str, str]]:
        """For each input its variable, the argument that has its shape, and what Keras calls it."""
        names = model_input_names(self.program)
        if not self.program.input_names:
            return [("inputs", "input_shape", names[0])]
        own = self.program.input_names
        return [(name, f"{name}_shape", called) for name, called in zip(own, names, strict=True)]

    def _shapes(self, printer: Printer) -> dict[str, ast.expr]:
        """The shape that the spec has for each input, by its argument; channels may be another's number."""
        values = self.templates.network.body.inputs
        return {
            argument: printer.value((*value.type.size, value.type.channels))
            for (_, argument, _), value in zip(self._inputs(), values, strict=True)
        }

    def _given_shapes(self, shapes: Mapping[str, ast.expr]) -> list[ast.stmt]:
        """Shapes that hang on other arguments, where the caller gives none."""
        return [
            assign(argument, ast.BoolOp(ast.Or(), [ast.Name(argument), shape]))
            for argument, shape in shapes.items()
            if reads(shape)
        ]

    def _doc(self) -> str:
        listed = " and ".join(f"``{argument}``" for _, argument, _ in self._inputs())
        shapes = f"{listed} {'are' if len(self._inputs()) > 1 else 'is'}"
        return f"{introduced(self.program)}; {shapes} (*size, channels)."

    def _size_check(self) -> list[ast.stmt]:
        """Refuse other sizes where padding, or the factor of a `resize`, was worked out for the spec's."""
        tied = [op for op in lowered_ops(self.program.nodes) if depends_on_size(op)]
        if not tied:
            return []
        what = "padding" if "padding" in map(what_depends_on_size, tied) else "resizing"
        checks: list[ast.stmt] = []
        for (_, argument, _), value in zip(self._inputs(), self.program.inputs, strict=True):
            size = (*value.type.size,)
            text = ast.Constant(f"the {what} is for a size of {size} in {argument} only")
            ahead = ast.Slice(upper=ast.UnaryOp(ast.USub(), ast.Constant(1)))
            given = call("tuple", [ast.Subscript(ast.Name(argument), ahead)])
            test = ast.Compare(given, [ast.NotEq()], [constant(size)])
            checks.append(if_(test, [ast.Raise(call("ValueError", [text]))]))
        return checks

    # Stages

    def blocks(self, stage: Region, flow: KerasFlow, target: str) -> None:
        """Send what flows through the blocks of a stage."""
        if not stage.blocks:
            return
        if not all(block.is_unary for block in stage.blocks):
            self._several(stage, flow, target)
            return
        found = self._runs(stage)
        value = flow.tensors.take(stage.blocks[0].source, target)
        result = flow.tensors.free(target, stage.result)
        if self.deep:
            submodels(stage_of(self.program, stage.path), found, value, result, flow)
        else:
            start = [assign(result, value)] if variable_of(value) != result else []
            self._in_order(found, [value], [result], start, flow)
        flow.tensors.define(stage.result, ast.Name(result))

    def _several(self, stage: Region, flow: KerasFlow, target: str) -> None:
        """Send through the blocks of a stage what several tensors may be handed on by."""
        if not is_chain(stage.blocks, flow.tensors):
            flow.run_all(stage.blocks, target)
            return
        found = self._runs(stage)
        with chain(stage.blocks, flow.tensors, target) as made:
            self._in_order(found, made.entering, made.variables, made.start(), flow)

    def _runs(self, stage: Region) -> list[Run]:
        """The calls of a stage's blocks, those that are alike together."""
        names = tuple(flat_name(block.path) for block in stage.blocks)
        network = self.templates.network
        found = stage_calls(stage, names, self.program, network, self._invocation).runs()
        self.decisions.note_runs(stage.path, found)
        return found

    def _in_order(
        self,
        found: Sequence[Run],
        values: Sequence[ast.expr],
        targets: Sequence[str],
        start: Sequence[ast.stmt],
        flow: KerasFlow,
    ) -> None:
        """Write calls; ``start`` puts ``values``, which the first takes, into the variables ``targets``."""
        statements, target = flow.tensors.statements, names(targets)
        variables: Sequence[ast.expr] = [*map(ast.Name, targets)]
        for run in found:
            if run.is_loop:
                statements += start if values is not variables else ()
                made = run.call.call(flow.printer, variables, name=run.counted_name)
                statements.append(for_(INDEX, run.range, [assign(target, made)]))
                values = variables
                continue
            for name, invocation in zip(run.names, run.calls, strict=True):
                made = invocation.call(flow.printer, values, name=ast.Constant(name))
                statements.append(assign(target, made))
                values = variables


def channels_of(tensor: ast.expr) -> ast.expr:
    """The channels of a tensor."""
    return ast.Subscript(ast.Attribute(tensor, "shape"), ast.Constant(-1))


def _declared(argument: Argument) -> Parameter:
    kind = FACTORY if argument.type == LAYER else argument.type
    default = None if argument.default is MISSING else constant(argument.default)
    written = f"{kind} | None" if argument.is_optional else kind
    return parameter(argument.identifier, written), default


def _shape_parameter(argument: str, shape: ast.expr) -> Parameter:
    if reads(shape):
        return parameter(argument, f"{SHAPE} | None"), constant(None)
    return parameter(argument, SHAPE), shape


def _tensors(count: int) -> ast.expr:
    return annotation(TENSOR if count == 1 else f"tuple[{', '.join([TENSOR] * count)}]")


def _function_name(definition: Definition, difference: str) -> str:
    """A block's own name: what its title would be in small letters is a guess."""
    return "_".join(filter(None, (snake_case(definition.name), snake_case(difference))))


def _standard(used: Collection[str]) -> list[ast.stmt]:
    """What is imported from Python's own library."""
    found = imports("math" if "math" in used else "")
    sources = (("collections.abc", "Callable"), ("functools", "partial"))
    return [*found, *(import_from(module, [name]) for module, name in sources if name in used)]


def _imports(used: Collection[str]) -> list[ast.stmt]:
    parts = [name for name in (TENSOR, "initializers", "layers", "ops") if name in used]
    return [*imports("keras"), *([import_from("keras", parts)] if parts else [])]
