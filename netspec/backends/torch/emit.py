"""PyTorch source of a network: a class for each block, a class for the network, and its function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from netspec.backends.torch.emit_handles import Handles, Send, in_order, through_parts
from netspec.backends.torch.flow import TorchFlow, ahead
from netspec.backends.torch.helpers import (
    FACTORY,
    MAKE_LAYER,
    STYLE,
    block_type,
    factors_of,
    keeping,
    method,
    widened,
)
from netspec.backends.torch.imported import of_standard_library, of_torch
from netspec.backends.torch.module_class import forward_of, module_class
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.naming import HANDLES
from netspec.backends.torch.plan import Plan
from netspec.backends.torch.rows import COPIED_FILES, SIGNATURE_DEFAULTS
from netspec.backends.torch.stages import Stages
from netspec.backends.torch.starts import Starts
from netspec.codegen.classes import LAYER, Argument, Classes, SourceClass
from netspec.codegen.explanation import Decision, Decisions
from netspec.codegen.factories import hand_on
from netspec.codegen.family import complete, helpers
from netspec.codegen.frame import Origin, copied, fill, head, introduced, modules_of
from netspec.codegen.helper import Helper, attribute_of, channels_along, channels_behind
from netspec.codegen.identifiers import Namespace, camel_case, safe_identifier
from netspec.codegen.kept import refusing, source_templates
from netspec.codegen.members import Family, families, family_of, kept_of, names_for
from netspec.codegen.nodes import (
    Replaced,
    annotation,
    assign,
    by_name,
    call,
    dotted,
    for_,
    function,
    if_,
    reads,
    side_by_side,
)
from netspec.codegen.passes import tidied
from netspec.codegen.passes.roll_classes import roll_classes
from netspec.codegen.passes.roll_rows import roll_rows
from netspec.codegen.passes.roll_tables import roll_tables
from netspec.codegen.presence import presence
from netspec.codegen.printing import Factories, Printer
from netspec.codegen.rows import with_rows_as_blocks
from netspec.codegen.schedules import ITERATOR, schedules_along
from netspec.codegen.tensors import VARIABLES, Item, Tensors
from netspec.ir import Program, Region, Value
from netspec.ir.containers import uneven
from netspec.ir.definition import Definition
from netspec.ir.optional import varying_tests
from netspec.ir.slots import slot_labels, varying_slots
from netspec.ir.template import Series, Template
from netspec.ir.template.data import nodes_of, result_of
from netspec.lang.expression.arithmetic import COPIED
from netspec.system.line_length import LINE_LENGTH


def generate(networks: Sequence[Program], origin: Origin, line_length: int) -> str:
    """Standalone source of networks that came from ``origin``. Needs no PyTorch."""
    with refusing(networks[0]):
        return _Generator(networks, origin).file(line_length)


@dataclass(frozen=True)
class Parts:
    """The code of a block: what its constructor and its ``forward`` do, and what this takes; or modules in a row."""

    writer: ModuleWriter
    forward: list[ast.stmt]
    inputs: list[str]
    row: Sequence[ast.expr] | None = None

    @property
    def printer(self) -> Printer:
        """What its numbers are printed by."""
        return self.writer.printer


def explain(networks: Sequence[Program], origin: Origin) -> tuple[Decision, ...]:
    """Why the source of networks is written as it is."""
    with refusing(networks[0]):
        generator = _Generator(networks, origin)
        generator.file(LINE_LENGTH)
        return generator.decisions.all(generator.classes, generator.families)


class _Generator:
    def __init__(self, programs: Sequence[Program], origin: Origin) -> None:
        self.slots = varying_slots(programs)
        programs = self.programs = with_rows_as_blocks(programs)
        self.origin = origin
        self.taken = HANDLES if origin.handles else frozenset()
        self.starts = Starts()
        tests = (each for program in programs for each in program.main.regions("when"))
        self.varying = varying_tests(tests)
        self.refused = uneven(programs)
        self.targets: set[str] = set()
        self.factories: dict[int, Factories] = {}
        self.decisions = Decisions(programs)
        self.names = names_for(programs)
        self.helpers: dict[Family, Mapping[Series, Helper]] = {}
        self.arguments: dict[Family, Sequence[Argument]] = {}
        self.classes: Classes | None = None
        self.templates = source_templates(programs, self._try_out, self._try_family)
        self.families = families(self.templates, programs, self._network_name)
        # A first pass completes what is known of how parameters start.
        for family in self.families:
            self._network_class(family, settled=False)
        self.classes = Classes(self.templates, _class_name, self.names)

    def _try_out(self, template: Template) -> None:
        starts, self.starts = self.starts, Starts()
        try:
            parts = self._parts(template, settled=False)
            self.factories[id(template)] = parts.printer.factories
            starts.add(self.starts)
        finally:
            self.starts = starts

    def _try_family(self, template: Template) -> None:
        starts, self.starts = self.starts, Starts()
        try:
            self._network_class(family_of(template, self.programs, str), settled=False)
        finally:
            self.starts = starts

    def _network_name(self, members: Sequence[Program]) -> str:
        is_alone = len(members) == 1 < len(self.programs)
        first = members[0]
        return self.names.add(camel_case(first.model_name if is_alone else first.title))

    # The file

    def file(self, line_length: int) -> str:
        """The whole source."""
        assert self.classes is not None
        parts = [self._settled_parts(source_class) for source_class in self.classes.all]
        for family in self.families:
            complete(self.classes, family.template, STYLE.takes_channels)
            name = partial(Namespace().add, MAKE_LAYER)
            style = replace(STYLE, reserved=STYLE.reserved | self.taken)
            self.helpers[family] = helpers(family.template, self.classes, name, style)
            self.decisions.note_stages(family, self.helpers[family], f"{family.name}.")
        blocks = [self._block_class(*each) for each in zip(self.classes.all, parts, strict=True)]
        networks = [self._network_class(family, settled=True) for family in self.families]
        makers = {f"self.{made.name}" for known in self.helpers.values() for made in known.values()}
        classes = roll_tables([*map(roll_rows, tidied([*blocks, *networks]))], makers)
        arithmetic = copied("netspec.lang.expression", "arithmetic.py", self.targets & COPIED)
        own = [copied("netspec.backends.torch", file, self.targets) for file in COPIED_FILES]
        used = modules_of(self.targets).union(*(each.names for each in (arithmetic, *own)))
        return fill(
            "torch.py.j2",
            line_length,
            head=[head(self.programs, self.origin)],
            standard=of_standard_library(used, self.targets),
            imports=of_torch(used),
            helpers=[node for each in (arithmetic, *own) for node in each.definitions],
            classes=roll_classes([*classes]),
            functions=[self._function(program) for program in self.programs],
        )

    def _function(self, program: Program) -> ast.stmt:
        assert self.classes is not None
        (family,) = (each for each in self.families if program in each.members)
        passed = family.passed(program, self.arguments[family], self.classes)
        return function(
            safe_identifier(program.model_name),
            [each.declared(FACTORY) for each in kept_of(program)],
            [ast.Return(call(family.name, passed))],
            doc=introduced(program),
            returns=ast.Name(family.name),
        )

    # Blocks

    def _settled_parts(self, source_class: SourceClass) -> Parts:
        """The code of a block, once it is known how parameters start."""
        parts = self._parts(source_class.template, settled=True)
        source_class.use(parts.printer.names, parts.printer.factories)
        return parts

    def _block_class(self, source_class: SourceClass, parts: Parts) -> ast.stmt:
        self.decisions.note_modules(source_class.name, parts.writer.shared())
        factors = factors_of(source_class, self.helpers.values())
        local = [
            assign(safe_identifier(name), widened(parts.printer.formula(value), factors))
            for name, value in source_class.local
        ]
        self.targets |= parts.printer.targets
        if any(argument.type == LAYER for argument in source_class.arguments):
            self.targets.add(FACTORY)
        forward = forward_of(parts.inputs, parts.forward, _result(source_class.template))
        return module_class(
            source_class.name,
            source_class.doc,
            source_class.arguments,
            [*source_class.refusal(), *local],
            parts.writer.registration,
            [forward] if parts.row is None else [],
            [assign(attribute_of(growth), ast.Constant(f)) for growth, f in factors.items()],
            parts.row,
        )

    def _parts(self, template: Template, settled: bool) -> Parts:
        writer = self._writer(template, settled)
        row = writer.plan.gathered.whole
        if row is not None and template.body.result is result_of(row.members[-1]):
            modules = writer.rows.modules(row)
            writer.statements += writer.rows.starts(row, ast.Name("self"))
            return Parts(writer, [], [], modules)
        for item in template.body.items:
            writer.reserve(item)
        for item in template.body.items:
            writer.register(item)
        tensors = Tensors(template, Namespace(set(VARIABLES)))
        flow = TorchFlow(tensors, writer)
        inputs = tensors.enter(unary=True)
        flow.run_all([*writer.plan.gathered.line(template.body.items)], "x")
        results = [tensors.take(value, "x") for value in template.body.outputs]
        return Parts(writer, _returning(tensors, results), inputs)

    def _writer(
        self, template: Template, settled: bool, taken: frozenset[str] = frozenset()
    ) -> ModuleWriter:
        printer = Printer(SIGNATURE_DEFAULTS, template.numbers, presence(template))

        def block_call(block: Region) -> ast.expr:
            made = template.calls[block]
            hand_on(made.arguments, self.factories[id(made.template)], printer)
            if self.classes is None:  # trying whether numbers have formulas
                return call("block", map(printer.value, made.arguments.values()))
            return self.classes.invocation(made).call(printer)

        names = {*map(safe_identifier, (*template.parameters, *template.local))}
        plan, varying = Plan(template, self.refused), self.varying
        regions = (part for part in template.walk() if isinstance(part, Region))
        slots = slot_labels(regions, self.slots)
        known = (self.starts, settled, varying, slots, names, taken)
        return ModuleWriter(plan, printer, block_call, *known)

    # The network

    def _network_class(self, family: Family, settled: bool) -> ast.stmt:
        template, program = family.template, family.first
        writer = self._writer(template, settled, self.taken)
        made = self.helpers.get(family, {}) if settled else {}
        stages = Stages(family, writer, made, self.classes, self.decisions)
        writer.rows.stage_call = stages.module if settled else stages.try_out
        if settled:
            writer.rows.loop = stages.loop
        own = [*dict.fromkeys(made.values())]
        writer.statements += keeping(own, writer.printer)
        for part in template.body.items:
            for item in ahead(part):
                writer.reserve(item)
        for part in () if settled else template.body.items:  # a series may turn out to be no row
            if isinstance(part, Region) and part.kind == "stage":
                stages.try_out(part)
        for part in template.body.items:
            for item in ahead(part):
                writer.register(item)
            if settled and isinstance(part, Region) and part.kind == "stage":
                stages.register(part)
        loop = self.starts.loop(writer.printer.call) if settled else []
        if loop:
            each = for_("module", call("self.modules"), loop)
            writer.statements += [each, *writer.behind_loop]
        forward = self._network_forward(family, writer) if settled else []
        if settled:
            self.decisions.note_modules(family.name, writer.shared())
            self.decisions.note_schedules(template)
        inputs = [*program.input_names] or ["x"]
        shapes = {" and ".join(str(v.type) for v in p.inputs): None for p in family.members}
        result = "dict[str, Tensor]" if program.has_outputs else "Tensor"
        known = {**channels_behind(template, writer.printer), **stages.known}
        registration = [Replaced(known).visit(each) for each in writer.registration]
        methods = [method(helper) for helper in own]
        self.targets |= {ITERATOR for each in methods if ITERATOR in reads(each)}
        if self.origin.handles:
            handles = Handles(family, writer)
            kept = [Replaced(known).visit(each) for each in handles.attributes()]
            registration = [*handles.declare(registration), *kept]
            replacing = handles.classifier_methods()
            if settled:
                methods += [*handles.methods(*self._entered(family, writer)), *replacing]
                methods += handles.intermediates(*self._entered(family, writer, handles.taken()))
            if settled and not program.has_outputs:
                forward = through_parts(inputs)
        along = channels_along(template, writer.printer, registration)
        schedules = schedules_along(template, writer.printer, registration, STYLE.takes_depths)
        registration = [*along, *schedules, *registration]
        self.targets |= writer.printer.targets
        if self.classes is not None:
            names = writer.printer.names
            self.arguments[family] = family.arguments(names, self.classes, block_type)
        return module_class(
            family.name,
            f"The network, made for inputs of {' or '.join(shapes)}.",
            self.arguments.get(family, ()),
            [],
            registration,
            [*methods, forward_of(inputs, forward, annotation(result))],
        )

    @staticmethod
    def _entered(
        family: Family, writer: ModuleWriter, results: Sequence[Value] = ()
    ) -> tuple[Tensors, list[str], Send]:
        """Tensors that have entered the network, their names, and what sends them through its parts."""
        names = [*family.first.input_names]
        tensors = Tensors(family.template, Namespace({*VARIABLES, *names}), results)
        flow = TorchFlow(tensors, writer)
        inputs = tensors.enter(names)
        return tensors, inputs, lambda items: flow.run_all(items, "x")

    def _network_forward(self, family: Family, writer: ModuleWriter) -> list[ast.stmt]:
        template, program = family.template, family.first
        given = [template.outputs]
        if program.training_only:
            given.insert(0, {name: template.outputs[name] for name in program.evaluation_outputs})
        results = [value for outputs in given for value in outputs.values()]
        results.remove(template.body.result)  # which is a result anyway
        tensors, _, run = self._entered(family, writer, results)
        first, later = _by_mode(family, writer.plan.gathered.line(in_order(template)))
        run(first)
        if not program.has_outputs:
            return _returning(tensors, [tensors.take(template.body.result, "x")])
        if program.training_only:
            evaluated = ast.Return(_by_name(given[0], tensors))
            is_evaluated = ast.UnaryOp(ast.Not(), dotted("self.training"))
            tensors.statements.append(if_(is_evaluated, [evaluated]))
            run(later)
        return [*tensors.statements, ast.Return(_by_name(given[-1], tensors))]


def _by_mode(family: Family, items: Iterable[Item]) -> tuple[list[Item], list[Item]]:
    """Those of all items that run in both modes, and those that only lead to outputs for training, in order."""
    evaluated = {
        node.path
        for program in family.members
        for node in program.leading_to(program.evaluation_outputs.values())
    }
    first: list[Item] = []
    later: list[Item] = []
    for item in items:
        paths = {node.path for node in nodes_of(item)}
        (first if not paths or paths & evaluated else later).append(item)
    return first, later


def _returning(tensors: Tensors, results: Sequence[ast.expr]) -> list[ast.stmt]:
    """The statements with a return behind them; what modules give is anything to type checkers until it is in `x`."""
    operands = [*results]
    match operands:
        case [ast.Call(func=ast.Attribute(value=ast.Name(id="torch" | "F")))]:
            return [*tensors.statements, ast.Return(operands[0])]  # whose type is known
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


def _class_name(definition: Definition, difference: str) -> str:
    return (definition.title or camel_case(definition.name)) + difference
