"""From a spec, a variant and overrides to a program."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.elaborate.arguments import bind_arguments, evaluate_argument, for_block
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.check import check_network
from netspec.elaborate.combinators import check_repeat
from netspec.elaborate.formulas import of_network
from netspec.elaborate.instances import Call
from netspec.elaborate.labels import count_labels
from netspec.elaborate.layers import too_large
from netspec.elaborate.lookup import Lookup
from netspec.elaborate.outputs import check_input_name, check_output, kept_inputs, outputs_of
from netspec.elaborate.row import Row
from netspec.elaborate.scope import (
    BlockValue,
    Names,
    Scope,
    StepsValue,
    check_declared,
    counted,
    fill_template,
    given,
    stage_indices,
)
from netspec.elaborate.stages import (
    arguments_of_block,
    check_keys,
    check_parameters,
    decided_by,
    entering,
    key_of_call,
    repeated,
)
from netspec.elaborate.steps import Elaborator
from netspec.elaborate.variants import choose_variant
from netspec.errors import Span, did_you_mean, fail
from netspec.ir import Program, Region, Value
from netspec.ir.check import check_program
from netspec.ir.formula import NETWORK_SCOPE, Formula
from netspec.ir.passes.absorb_flatten import AbsorbFlatten
from netspec.ir.program import Decided
from netspec.lang.expression.arithmetic import COPIED
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.unknown import UNKNOWN, require_known
from netspec.lang.schema.fields import check_integer
from netspec.lang.schema.syntax import Argument, Input, Param, Spec, StageSyntax, Step
from netspec.ops.types import TensorType


def elaborate(
    spec: Spec,
    variant: str | None = None,
    overrides: Mapping[str, Argument] | None = None,
    folder: Path | None = None,
    bounds: Bounds | None = None,
) -> Program:
    """The network that ``spec`` describes: concrete, typed, checked, within ``bounds``."""
    builder = Builder(spec, variant, overrides or {}, folder, bounds)
    program = AbsorbFlatten().run(builder.build()).program
    check_network(program, builder.elaborator.bounds)
    check_program(program)
    return program


class Builder:
    """Builds one network."""

    def __init__(
        self,
        spec: Spec,
        variant: str | None,
        overrides: Mapping[str, Argument],
        folder: Path | None,
        bounds: Bounds | None = None,
    ) -> None:
        self.spec = spec
        self.overrides = overrides
        self.environment: dict[str, Any] = {}
        self._stage_results: dict[str, Value] = {}
        self._bound: dict[Any, dict[str, Any]] = {}  # arguments in the stage at hand, by call
        self.elaborator = self.make_elaborator(folder, bounds)
        self.lookup = self.elaborator.lookup
        self.variant = choose_variant(spec, variant)
        self._parameters()

    def make_elaborator(self, folder: Path | None, bounds: Bounds | None) -> Elaborator:
        """What expands the spec's steps."""
        spec = self.spec
        lookup = Lookup(spec.blocks, spec.defaults, self.environment, folder)
        return Elaborator(lookup, bounds)

    def _parameters(self) -> None:
        spec, attempt = self.spec, self.lookup.attempt
        for param in spec.params.values():
            with attempt():
                self.lookup.check_param(param)
        self.check_variants()
        for name, argument in self.overrides.items():
            with attempt():
                self._require_param("the spec", name, argument)
        chosen = {**spec.variants.get(self.variant or "", {}), **self.overrides}
        for param in spec.params.values():
            with attempt():
                value = self._value(param, chosen.get(param.name, param.default))
                self.environment[param.name] = value
            self.environment.setdefault(param.name, UNKNOWN)
        for name, span in spec.arguments.items():
            with attempt():
                self._check_kept(name, span)
        for name, expression in spec.let.items():
            with attempt():
                check_declared(name, spec.spans.find_key(("let", name)), "value")
                if name in spec.params:
                    place = spec.spans.find_key(("let", name))
                    raise fail("NS223", f"value `{name}` hides a parameter", place)
                self.environment[name] = expression.evaluate(self.environment)
            self.environment.setdefault(name, UNKNOWN)

    def check_variants(self) -> None:
        """Every variant sets what is declared, and nothing else; functions of source can have their names."""
        spans = self.spec.spans
        names = {self.spec.name: spans.find(("name",))}
        names |= {name: spans.find_key(("variants", name)) for name in self.spec.variants}
        for name in names.keys() & COPIED:
            with self.lookup.attempt():
                message = f"a network called `{name}` hides a function of the language"
                raise fail("NS223", message, names[name])
        for variant, values in self.spec.variants.items():
            for name, argument in values.items():
                with self.lookup.attempt():
                    self._require_param(f"variant `{variant}`", name, argument)

    def _value(self, param: Param, given: Argument | None) -> Any:
        if given is None:
            message = f"parameter `{param.name}` has no default and no value"
            raise fail("NS209", message, param.span)
        value = evaluate_argument(param, given, self.environment, self.lookup)
        if isinstance(value, StepsValue):
            return dataclasses.replace(value, environment=self.environment)
        return value

    def _check_kept(self, name: str, span: Span) -> None:
        if name not in self.spec.params:
            hint = did_you_mean(name, self.spec.params)
            raise fail(
                "NS206", f"`arguments` names `{name}`, which is no parameter", span, help=hint
            )
        if not self.spec.params[name].is_number:
            raise fail("NS211", f"`{name}` is no number; it cannot stay an argument", span)

    def _require_param(self, what: str, name: str, argument: Argument) -> None:
        if name not in self.spec.params:
            raise fail(
                "NS206",
                f"{what} sets `{name}`, which is no parameter",
                argument.key_span,
                help=did_you_mean(name, self.spec.params),
            )

    def build(self) -> Program:
        """The program as the steps give it."""
        spec = self.spec
        source = self._unknown_type
        with self.lookup.attempt():
            source = self._input()
        steps = (*spec.stem, *spec.head)
        totals = count_labels(self.lookup, (*steps, *self._between()), self.environment)
        scope = Scope(self.environment, Names("", totals))
        of_others = [n for each in spec.more_inputs.values() for n in (each.channels, *each.size)]
        for number in (*spec.size, *of_others):
            formula = Formula(number.node, NETWORK_SCOPE)
            scope.decided.append(Decided("the size of an input", formula, number.span))
        row = Row((Value(next(self.elaborator.ids), source),), self.elaborator.ids)
        inputs = self._inputs(row.source)
        scope.results.update(inputs)
        self._stage_results.update(inputs)
        self._line(spec.stem, "stem", row, scope)
        entries = self._entries()
        self._stages(entries, row, scope)
        scope.results.update(self._stage_results)
        self._line(spec.head, "head", row, scope)
        if not (steps or entries):
            raise fail("NS212", "a network needs a stem, stages or a head", spec.span)
        for name, output in spec.outputs.items():
            with self.lookup.attempt():
                check_output(name, output, scope.results.keys() - inputs.keys())
        return Program(
            main=row.region(
                "network",
                arguments=given(self.environment),
                span=spec.span,
                decided=tuple(scope.decided),
                formulas=of_network(spec.let, spec.channels),
            ),
            inputs=(row.source, *(v for v in inputs.values() if v is not row.source)),
            outputs=outputs_of(spec.outputs, scope.results, row.value, inputs),
            name=spec.name,
            variant=self.variant,
            title=spec.title or "".join(part.capitalize() for part in spec.name.split("_")),
            doc=spec.doc,
            arguments={n: self.environment[n] for n in spec.arguments if n in self.environment},
            span=spec.span,
            names=self.elaborator.names,
            input_names={name: spec.spans.find_key(("input", name)) for name in inputs},
            kept_inputs=kept_inputs(spec),
            training_only=frozenset(n for n, output in spec.outputs.items() if output.is_training),
        )

    def _line(self, steps: tuple[Step, ...], what: str, row: Row, scope: Scope) -> None:
        """Add the stem or the head."""
        part, span = row.part(), self.spec.spans.find((what,))
        self.elaborator.steps(steps, part, scope, span)
        row.add(part.region("sequence", span=span))

    def _inputs(self, first: Value) -> dict[str, Value]:
        """The inputs that have names, in order; what is wrong with one leaves its type unknown."""
        values = {self.spec.input_name: first} if self.spec.input_name else {}
        for name, each in self.spec.more_inputs.items():
            type = TensorType(UNKNOWN, (UNKNOWN,) * len(each.size))
            with self.lookup.attempt():
                type = self.input_type(each)
            values[name] = Value(next(self.elaborator.ids), type)
        for name in values:
            with self.lookup.attempt():
                check_input_name(name, self.spec.spans.find_key(("input", name)), self.environment)
        return values

    def _input(self) -> TensorType:
        return self.input_type(Input(self.spec.channels, self.spec.size))

    def input_type(self, given: Input) -> TensorType:
        """The type of an input; raises :class:`NetspecError` unless its numbers are sound."""
        expressions = (given.channels, *given.size)
        values = [expression.evaluate(self.environment) for expression in expressions]
        for value, expression in zip(values, expressions, strict=True):
            check_integer(value, "input", expression.span)
            if value < 1:
                message = f"channels and sizes of the input are at least 1, got {value}"
                raise fail("NS213", message, expression.span)
        channels, *size = values
        types = (TensorType(channels, (1,)), *(TensorType(1, (length,)) for length in size))
        for type, expression in zip(types, expressions, strict=True):
            beyond = too_large(type)
            if beyond is not None:
                raise fail("NS504", beyond, expression.span)
        return TensorType(channels, tuple(size))

    # Stages

    def _between(self) -> tuple[Step, ...]:
        """The steps between blocks, which are named with the stem and the head.

        Those of an entry with `times` come twice: several, however many, is all a name depends on.
        """
        copies = [e.between * (1 if e.times is None else 2) for e in self.spec.stages]
        return tuple(step for steps in copies for step in steps)

    @property
    def _unknown_type(self) -> TensorType:
        return TensorType(UNKNOWN, (UNKNOWN,) * len(self.spec.size))

    def _entries(self) -> list[tuple[StageSyntax, dict[str, Any]]]:
        """The stages, those counted that an entry makes with `times`, and what each sees."""
        entries: list[tuple[StageSyntax, dict[str, Any]]] = []
        for entry in self.spec.stages:
            times = 1
            if entry.times is not None:
                times = self._count(entry.times, self.environment)
            for _ in range(times):
                entries.append((entry, {**self.environment, "stage": len(entries)}))
        return entries

    def _stages(
        self, entries: list[tuple[StageSyntax, dict[str, Any]]], row: Row, scope: Scope
    ) -> None:
        counts = [self._count(entry.repeat, environment) for entry, environment in entries]
        done, total = 0, sum(counts)
        for (entry, environment), count in zip(entries, counts, strict=True):
            environment |= {"count": count, "total": total, "running_index": done, "index": 0}
            stage: Region | None = None
            with self.lookup.attempt():
                stage = self._stage(entry, environment, count, row, scope)
                self._name_result(stage, scope)
            self._add(stage, row)
            done += count

    def _add(self, region: Region | None, row: Row) -> None:
        """Add a stage or a block; where it is wrong and the work goes on, what it gives is not known."""
        if region is None:
            row.flow(self._unknown_type)
        else:
            row.add(region)

    def _name_result(self, stage: Region, scope: Scope) -> None:
        """Let later steps take the result of ``stage`` by its name."""
        if stage.path in scope.results:
            message = f"the stage is called `{stage.path}`, as an earlier result is"
            raise fail("NS224", message, stage.span)
        self._stage_results[stage.path] = stage.result

    def _count(self, expression: Expression, environment: Mapping[str, Any]) -> int:
        """How often to repeat something; once where that is wrong and the work goes on."""
        count = 1
        with self.lookup.attempt():
            value = expression.evaluate(environment)
            check_repeat(value, expression.span, self.elaborator.bounds)
            count = int(value)
        return count

    def _stage(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        count: int,
        row: Row,
        scope: Scope,
    ) -> Region:
        span = entry.block_span
        check_keys(entry)
        name_span = entry.spans.find(("name",)) if entry.name else span
        scope.decided += decided_by(entry)
        path = fill_template(entry.name or "layer{stage + 1}", environment, name_span)
        Names("", Counter()).explicit(path, name_span)
        inner = row.part()
        inner.values = row.values
        results = {**scope.results, **self._stage_results}
        if entry.between:
            between, indices = inner.part(), stage_indices(environment)
            known = dict(self._stage_results)
            between_scope = Scope(environment, scope.names, known, indices=indices)
            between_scope.decided = scope.decided
            self.elaborator.steps(entry.between, between, between_scope, span)
            inner.add(between.region("sequence"))
            results |= known
        names = Names(path, Counter())
        self._bound = {}
        first = environment["running_index"]
        for index in range(count):
            environment |= {"index": index, "running_index": first + index}
            block: Region | None = None
            with self.lookup.attempt():
                block = self._stage_block(entry, environment, index, count, inner, names, results)
            self._add(block, inner)
        return inner.region("stage", path, span=span, **repeated(entry, count, environment))

    def _stage_block(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        index: int,
        count: int,
        row: Row,
        names: Names,
        results: Mapping[str, Value],
    ) -> Region:
        lookup, span = self.lookup, entry.block_span
        given = arguments_of_block(entry, index, count, lookup.reader)
        block_name, block_span = entry.block, span
        if "block" in given:
            argument = given.pop("block")
            block_name, block_span = str(argument.value), argument.span
        value = require_known(self.environment.get(block_name))
        is_given = isinstance(value, BlockValue)
        definition = value.definition if is_given else lookup.find_block(block_name, block_span)
        check_parameters(definition, given)
        inputs = entering(entry, definition, index, row, results)
        source = inputs[0].type
        place = {**environment, "channels": source.channels, "size": list(source.size)}
        arguments = {name: for_block(argument, index, count) for name, argument in given.items()}
        key = key_of_call(definition, arguments, source, lookup.reader)
        values = self._bound.get(key) or bind_arguments(definition, arguments, place, span, lookup)
        self._bound |= {} if key is None else {key: values}
        name_span = entry.spans.find(("block_name",)) if entry.block_name != "{index}" else span
        block_path = fill_template(entry.block_name, place, name_span)
        if "." in block_path:
            message = f"`{block_path}` cannot name a block of a stage: it is one level of names"
            hint = "leave out the dot; the stage's `name` may have one"
            raise fail("NS221", message, name_span, help=hint)
        path = names.explicit(block_path, name_span)
        indices = stage_indices(environment)
        values = {name: counted(value, indices) for name, value in values.items()}
        formulas = lookup.reader.formulas(definition, arguments, NETWORK_SCOPE)
        call = Call(definition, values, span, (), formulas, indices)
        return self.elaborator.block(call, path, inputs)
