"""Keras source of a network: a function for each block, and one that makes the model."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from netspec.backends.keras.flow import KerasFlow, absolute_name, relative_name
from netspec.backends.keras.helpers import STACK, STYLE, block_type, declared_as, stack
from netspec.backends.keras.inputs import (
    given_shapes,
    inputs_of,
    shape_parameter,
    shapes_of,
    size_check,
    tied_to,
)
from netspec.backends.keras.lowered import channels_of
from netspec.backends.keras.passes import TENSOR, rewrite
from netspec.backends.keras.plan import is_deep
from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.backends.keras.stages import Blocks, Invoke, Stages
from netspec.codegen.classes import Argument, Classes, Invocation, SourceClass
from netspec.codegen.explanation import Decision, Decisions
from netspec.codegen.factories import PARTIAL
from netspec.codegen.family import complete, helpers
from netspec.codegen.frame import Origin, copied, fill, head, introduced
from netspec.codegen.helper import Helper
from netspec.codegen.identifiers import Namespace, safe_identifier, snake_case
from netspec.codegen.kept import refusing, source_templates
from netspec.codegen.members import Family, families, family_of, kept_of, names_for
from netspec.codegen.nodes import (
    Parameter,
    annotation,
    assign,
    by_name,
    call,
    constant,
    dotted,
    function,
    import_from,
    imports,
    parameter,
    reads,
    returning,
)
from netspec.codegen.passes.roll_statements import roll_statements
from netspec.codegen.passes.roll_tables import roll_tables
from netspec.codegen.presence import presence
from netspec.codegen.printing import MISSING, Factories, Printer
from netspec.codegen.schedules import ITERATOR, schedules_along
from netspec.codegen.stages import INDEX
from netspec.codegen.tensors import VARIABLES, Tensors
from netspec.ir import Program
from netspec.ir.definition import Definition
from netspec.ir.formula import IN_CHANNELS
from netspec.ir.template import Call, Series, Split, Template
from netspec.ir.template.schedules import TOTAL
from netspec.lang.expression.arithmetic import COPIED
from netspec.system.line_length import LINE_LENGTH

MODEL = "keras.Model"
"""The type of a model, as it is written."""


def generate(networks: Sequence[Program], origin: Origin, line_length: int) -> str:
    """Standalone source of networks that came from ``origin``. Needs no Keras."""
    with refusing(networks[0]):
        return _Generator(networks, origin).file(line_length)


@dataclass(frozen=True)
class Parts:
    """The code of a block's function, and what it takes."""

    printer: Printer
    statements: list[ast.stmt]
    inputs: list[str]


def explain(networks: Sequence[Program], origin: Origin) -> tuple[Decision, ...]:
    """Why the source of networks is written as it is."""
    with refusing(networks[0]):
        generator = _Generator(networks, origin)
        generator.file(LINE_LENGTH)
        return generator.decisions.all(generator.classes, generator.families)


class _Generator:
    def __init__(self, programs: Sequence[Program], origin: Origin) -> None:
        self.programs = programs
        self.origin = origin
        self.targets: set[str] = set()
        self.factories: dict[int, Factories] = {}
        self.decisions = Decisions(programs)
        self.names = names_for(programs)
        self.inference_names: dict[tuple[str, ...], str] = {}
        for program in programs:
            if program.training_only and _outputs(program) not in self.inference_names:
                self.inference_names[_outputs(program)] = self.names.add("inference_model")
        self.helpers: dict[Family, Mapping[Series, Helper]] = {}
        self.arguments: dict[Family, Sequence[Argument]] = {}
        self.classes: Classes | None = None
        self.templates = source_templates(programs, self._try_out, self._try_family)
        self.families = families(self.templates, programs, self._network_name)
        self.classes = Classes(self.templates, _function_name, self.names)

    def _network_name(self, members: Sequence[Program]) -> str:
        """What makes the model: of one network its own function."""
        name = safe_identifier(members[0].model_name)
        return name if len(members) == 1 else self.names.add(snake_case(members[0].name))

    def _try_out(self, template: Template) -> None:
        self.factories[id(template)] = self._parts(template).printer.factories

    def _try_family(self, template: Template) -> None:
        family = family_of(template, self.programs, lambda members: "")
        deep = {shape: is_deep(program) for shape, program in enumerate(family.members)}
        if any(deep.values()):
            raise Split("more layers than one model of Keras holds", "", deep)
        tied = {shape: repr(tied_to(program)) for shape, program in enumerate(family.members)}
        if len({*tied.values()}) > 1:
            raise Split("made for inputs of another size", "", tied)
        self._network_function(family)

    def _functions(self) -> list[ast.stmt]:
        assert self.classes is not None
        self.targets = set()
        parts = [self._settled_parts(source_class) for source_class in self.classes.all]
        for family in self.families:
            complete(self.classes, family.template, STYLE.takes_channels)
            name = partial(self.names.add, STACK)
            self.helpers[family] = helpers(family.template, self.classes, name, STYLE)
            self.decisions.note_stages(family, self.helpers[family], "")
        blocks = [self._block_function(*each) for each in zip(self.classes.all, parts, strict=True)]
        by_outputs = {_outputs(program): program for program in self.programs}
        inference = [self._inference_function(by_outputs[key]) for key in self.inference_names]
        networks: list[ast.stmt] = []
        for family in self.families:
            networks += map(stack, dict.fromkeys(self.helpers[family].values()))
            networks += [] if family.is_one else [self._network_function(family)]
        return [*blocks, *inference, *networks, *map(self._member, self.programs)]

    def file(self, line_length: int) -> str:
        """The whole source."""
        written = self._functions()
        makers = {made.name for known in self.helpers.values() for made in known.values()}
        functions = roll_tables(rewrite(written, self.names), makers)
        self.decisions.note_functions(written, functions)
        arithmetic = copied("netspec.lang.expression", "arithmetic.py", self.targets & COPIED)
        support = copied("netspec.backends.keras", "support.py", self.targets)
        definitions = [*arithmetic.definitions, *support.definitions, *functions]
        used = frozenset[str]().union(*map(reads, definitions))
        return fill(
            "keras.py.j2",
            line_length,
            head=[head(self.programs, self.origin)],
            standard=_standard(used),
            imports=_imports(used),
            definitions=definitions,
        )

    def _printer(self, template: Template) -> Printer:
        return Printer(SIGNATURE_DEFAULTS, template.numbers, presence(template))

    # Blocks

    def _settled_parts(self, source_class: SourceClass) -> Parts:
        """The code of a block."""
        parts = self._parts(source_class.template)
        source_class.use(parts.printer.names, parts.printer.factories)
        return parts

    def _block_function(self, source_class: SourceClass, parts: Parts) -> ast.stmt:
        local = [
            assign(argument.identifier, channels_of(ast.Name(parts.inputs[argument.input])))
            for argument in source_class.arguments
            if argument.input is not None
        ]
        local += [
            assign(safe_identifier(name), parts.printer.formula(value))
            for name, value in source_class.local
        ]
        self.targets |= parts.printer.targets
        tensors = [(parameter(name, TENSOR), None) for name in parts.inputs]
        declared = [declared_as(a) for a in source_class.arguments if a.input is None]
        return function(
            source_class.name,
            [*tensors, *declared],
            [*source_class.refusal(), *local, *parts.statements],
            doc=source_class.doc,
            returns=_tensors(len(source_class.template.body.outputs)),
            by_keyword=[(parameter("name", "str"), None)],
        )

    def _parts(self, template: Template) -> Parts:
        printer = self._printer(template)
        taken = {*VARIABLES, IN_CHANNELS, INDEX, *map(safe_identifier, template.parameters)}
        if template.definition is not None:
            definition = template.definition
            taken |= {*map(safe_identifier, (*definition.params, *definition.let))}
        taken |= {safe_identifier(name) for name in self.programs[0].arguments}
        tensors = Tensors(template, Namespace(taken))
        flow = KerasFlow(tensors, printer, relative_name, Blocks(self._invoked, self.factories))
        inputs = tensors.enter()
        flow.run_all(template.body.items, "x")
        results = [tensors.take(value, "x") for value in template.body.outputs]
        return Parts(printer, returning(roll_statements(tensors.statements), *results), inputs)

    @property
    def _invoked(self) -> Invoke | None:
        """How blocks are called, once that is settled."""
        return None if self.classes is None else self._invoke

    def _invoke(self, made: Call) -> Invocation:
        """How a block's function is called, which sees the channels by itself."""
        assert self.classes is not None
        return self.classes.invocation(made).without_channels()

    # The network

    def _network_function(self, family: Family) -> ast.stmt:
        template, program = family.template, family.first
        printer = self._printer(template)
        known = (*program.arguments, *template.parameters, *template.schedules, TOTAL)
        kept = [*map(safe_identifier, known)]
        taken = {*VARIABLES, "input_shape", INDEX, *kept, *program.input_names}
        taken |= {f"{name}_shape" for name in program.input_names}
        results = [*template.outputs.values()]
        results.remove(template.body.result)  # which is a result anyway
        tensors = Tensors(template, Namespace(taken), results)
        made = self.helpers.get(family, {})
        stages = Stages(family, made, self._invoked, self.factories, self.decisions)
        flow = KerasFlow(tensors, printer, absolute_name, stages)
        tensors.enter([*program.input_names] or ["inputs"])
        flow.run_all(template.body.items, "x")
        found = {n: tensors.take(v, "x") for n, v in template.outputs.items()}
        stages.name_channels(printer, tensors.statements)
        bound = stages.bound(printer)
        schedules = schedules_along(template, printer, tensors.statements, STYLE.takes_depths)
        if self.classes is not None:
            self.decisions.note_schedules(template)
        self.targets |= printer.targets
        outputs = found["output"] if not program.has_outputs else ast.Name("outputs")
        if program.has_outputs:
            tensors.statements.append(assign("outputs", by_name(found)))
        inputs: ast.expr = ast.Name("inputs")
        if program.input_names:
            inputs = by_name({name: ast.Name(name) for name in program.input_names})
        own = ast.Constant(program.model_name) if family.is_one else ast.Name("name")
        model = call("keras.Model", [inputs, outputs], name=own)
        shapes = shapes_of(program, template, printer)
        body = [
            *given_shapes(shapes),
            *size_check(program),
            *bound,
            *schedules,
            *(
                assign(variable, call("keras.Input", [ast.Name(shape)], name=ast.Constant(name)))
                for variable, shape, name in inputs_of(program)
            ),
            *roll_statements(tensors.statements),
            ast.Return(model),
        ]
        parameters = [*map(shape_parameter, shapes, shapes.values())]
        doc = introduced(program)
        if family.is_one:
            parameters += map(declared_as, kept_of(program))
        elif self.classes is not None:
            self.arguments[family] = family.arguments(printer.names, self.classes, block_type)
            parameters = self._parameters(family, parameters)
            doc = "One of the networks below, by its arguments."
        return function(family.name, parameters, body, doc=doc, returns=annotation(MODEL))

    def _parameters(self, family: Family, shapes: Sequence[Parameter]) -> list[Parameter]:
        """What the function of several networks takes."""
        own = self.arguments[family]
        plain = [argument for argument in own if argument.default is MISSING]
        others = [argument for argument in own if argument not in plain]
        name = (parameter("name", "str"), ast.Constant(family.name))
        known = {tuple(value.type.shape for value in program.inputs) for program in family.members}
        if len(known) > 1:
            shapes = [(each, None) for each, _ in shapes]
        return [*map(declared_as, plain), *shapes, *map(declared_as, others), name]

    def _member(self, program: Program) -> ast.stmt:
        """The function of a network."""
        assert self.classes is not None
        (family,) = (each for each in self.families if program in each.members)
        if family.is_one:
            return self._network_function(family)
        shapes = {
            argument: constant((*value.type.size, value.type.channels))
            for (_, argument, _), value in zip(inputs_of(program), program.inputs, strict=True)
        }
        given = family.passed(program, self.arguments[family], self.classes, others_between=True)
        given += [ast.keyword(argument, ast.Name(argument)) for argument in shapes]
        made = call(family.name, given, name=ast.Constant(program.model_name))
        parameters = [*map(shape_parameter, shapes, shapes.values())]
        return function(
            safe_identifier(program.model_name),
            [*parameters, *map(declared_as, kept_of(program))],
            [ast.Return(made)],
            doc=introduced(program),
            returns=annotation(MODEL),
        )

    def _inference_function(self, program: Program) -> ast.stmt:
        """What makes a model without the outputs that are for training alone."""
        outputs: dict[str, ast.expr] = {
            name: ast.Subscript(dotted("model.output"), ast.Constant(name))
            for name in program.evaluation_outputs
        }
        made = call("keras.Model", [dotted("model.input"), by_name(outputs)])
        listed = ", ".join(sorted(program.training_only))
        return function(
            self.inference_names[_outputs(program)],
            [(parameter("model", MODEL), None)],
            [ast.Return(made)],
            returns=annotation(MODEL),
            doc=f"The same layers and weights, without what is for training alone: {listed}.",
        )


def _outputs(program: Program) -> tuple[str, ...]:
    """What a network gives in both modes, and what for training alone."""
    return (*program.outputs, "", *sorted(program.training_only))


def _tensors(count: int) -> ast.expr:
    return annotation(TENSOR if count == 1 else f"tuple[{', '.join([TENSOR] * count)}]")


def _function_name(definition: Definition, difference: str) -> str:
    """A block's own name: what its title would be in small letters is a guess."""
    return "_".join(filter(None, (snake_case(definition.name), snake_case(difference))))


def _standard(used: Collection[str]) -> list[ast.stmt]:
    """What is imported from Python's own library."""
    found = imports("math" if "math" in used else "")
    sources = {"collections.abc": ("Callable", ITERATOR), "functools": (PARTIAL,)}
    for module, names in sources.items():
        taken = [name for name in names if name in used]
        found += [import_from(module, taken)] if taken else []
    return found


def _imports(used: Collection[str]) -> list[ast.stmt]:
    parts = [name for name in (TENSOR, "initializers", "layers", "ops") if name in used]
    return [*imports("keras"), *([import_from("keras", parts)] if parts else [])]
