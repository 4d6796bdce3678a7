"""From a spec, a variant and overrides to a concrete network; and to the form that source shows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

from netspec.arithmetic import COPIED
from netspec.codegen.second import tree
from netspec.codegen.second.arguments import evaluate_argument, for_block
from netspec.codegen.second.combinators import check_repeat
from netspec.codegen.second.layers import check_extent
from netspec.codegen.second.passes import absorb_flatten
from netspec.codegen.second.schedules import schedule
from netspec.codegen.second.scope import (
    BlockValue,
    Names,
    Scope,
    StepsValue,
    check_declared,
    counted,
    fill_template,
    stage_indices,
)
from netspec.codegen.second.stages import arguments_of_block, check_keys
from netspec.codegen.second.steps import Elaborator
from netspec.elaborate.bounds import Bounds
from netspec.errors import Span, UsageError, did_you_mean, fail
from netspec.expr import Expression
from netspec.ir.formula import NETWORK_SCOPE, of_values
from netspec.schema.fields import check_integer
from netspec.schema.models import STAGE_KEYS
from netspec.schema.syntax import Argument, Param, Spec, StageSyntax, Step
from netspec.symbolic import named
from netspec.types import TensorType
from netspec.unknown import UNKNOWN, require_known


def choose_variant(spec: Spec, variant: str | None) -> str | None:
    """The variant to take: the one asked for, or the spec's default."""
    chosen = variant or spec.default
    if chosen is not None and chosen not in spec.variants:
        if variant is None:
            raise fail(
                "NS210",
                f"`default` names no variant: `{chosen}`",
                spec.spans.find(("default",)),
                help=did_you_mean(chosen, spec.variants),
            )
        hint = did_you_mean(chosen, spec.variants)
        raise UsageError(f"`{spec.name}` has no variant `{chosen}`" + (f"; {hint}" if hint else ""))
    return chosen


class Builder:
    """Builds one network; with ``keep`` the kept arguments stay names."""

    def __init__(
        self,
        spec: Spec,
        variant: str | None,
        overrides: Mapping[str, Argument],
        folder: Path | None,
        keep: bool,
        bounds: Bounds | None = None,
    ) -> None:
        self.spec = spec
        self.overrides = overrides
        self.environment: dict[str, Any] = {}
        self._stage_results: dict[str, tree.Node] = {}
        self.elaborator = self.make_elaborator(folder, bounds)
        self.variant = choose_variant(spec, variant)
        self.keep = keep
        self._parameters(keep)

    def make_elaborator(self, folder: Path | None, bounds: Bounds | None) -> Elaborator:
        """What expands the spec's steps."""
        spec = self.spec
        return Elaborator(spec.blocks, spec.defaults, self.environment, folder, bounds)

    def _parameters(self, keep: bool) -> None:
        spec, attempt = self.spec, self.elaborator.attempt
        for param in spec.params.values():
            with attempt():
                self.elaborator.check_param(param)
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
                if keep:
                    self.environment[name] = named(name, [self.environment[name]], kept=True)
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
            with self.elaborator.attempt():
                message = f"a network called `{name}` hides a function of the language"
                raise fail("NS223", message, names[name])
        for variant, values in self.spec.variants.items():
            for name, argument in values.items():
                with self.elaborator.attempt():
                    self._require_param(f"variant `{variant}`", name, argument)

    def _value(self, param: Param, given: Argument | None) -> Any:
        if given is None:
            message = f"parameter `{param.name}` has no default and no value"
            raise fail("NS209", message, param.span)
        value = evaluate_argument(param, given, self.environment, self.elaborator.find_block)
        if isinstance(value, StepsValue):
            return dataclasses.replace(value, environment=self.environment)
        return value

    def _check_kept(self, name: str, span: Span) -> None:
        if name not in self.spec.params:
            hint = did_you_mean(name, self.spec.params)
            raise fail(
                "NS206", f"`arguments` names `{name}`, which is no parameter", span, help=hint
            )
        if self.spec.params[name].type not in ("int", "float"):
            raise fail("NS211", f"`{name}` is no number; it cannot stay an argument", span)

    def _require_param(self, what: str, name: str, argument: Argument) -> None:
        if name not in self.spec.params:
            raise fail(
                "NS206",
                f"{what} sets `{name}`, which is no parameter",
                argument.key_span,
                help=did_you_mean(name, self.spec.params),
            )

    def build(self) -> tree.Network:
        """The network, ready for the backends."""
        return cast(tree.Network, absorb_flatten(self.expand()))

    def expand(self) -> tree.Network:
        """The network as its steps give it."""
        spec = self.spec
        source = self._unknown_type
        with self.elaborator.attempt():
            source = self._input()
        steps = (*spec.stem, *spec.head)
        names = Names(
            "", self.elaborator.count_labels((*steps, *self._between()), self.environment)
        )
        scope = Scope(self.environment, names)
        stem = self.elaborator.steps(spec.stem, source, scope, spec.spans.find(("stem",)))
        entries = self._entries()
        stages, current = self._stages(entries, stem.target, scope)
        scope.results.update(self._stage_results)
        head = self.elaborator.steps(spec.head, current, scope, spec.spans.find(("head",)))
        if not (steps or entries):
            raise fail("NS212", "a network needs a stem, stages or a head", spec.span)
        kept = [name for name in spec.arguments if name in self.environment]
        arguments = {name: self.environment[name] for name in kept}
        return tree.Network(
            source=source,
            target=head.target,
            span=spec.span,
            name=spec.name,
            variant=self.variant,
            title=spec.title or "".join(part.capitalize() for part in spec.name.split("_")),
            doc=spec.doc,
            stem=stem,
            stages=stages,
            head=head,
            arguments=arguments,
            outputs=self._outputs(scope),
            values=dict(self.environment),
            formulas=of_values(spec.let, NETWORK_SCOPE),
        )

    def _input(self) -> TensorType:
        channels = self.spec.channels.evaluate(self.environment)
        size = [length.evaluate(self.environment) for length in self.spec.size]
        for value, expression in zip(
            (channels, *size), (self.spec.channels, *self.spec.size), strict=True
        ):
            check_integer(value, "input", expression.span)
            if value < 1:
                message = f"channels and sizes of the input are at least 1, got {value}"
                raise fail("NS213", message, expression.span)
        check_extent(TensorType(channels, (1,)), self.spec.channels.span, None)
        for value, expression in zip(size, self.spec.size, strict=True):
            check_extent(TensorType(1, (value,)), expression.span, None)
        return TensorType(channels, tuple(size))

    def _outputs(self, scope: Scope) -> dict[str, str]:
        known = set(scope.results)  # those of stages among them
        result = {}
        for name, argument in self.spec.outputs.items():
            with self.elaborator.attempt():
                _check_output(name, argument, known)
                result[name] = str(argument.value)
        return result

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
        self, entries: list[tuple[StageSyntax, dict[str, Any]]], source: TensorType, scope: Scope
    ) -> tuple[tuple[tree.Stage, ...], TensorType]:
        """The stages, and what leaves the last."""
        counts = [self._count(entry.repeat, environment) for entry, environment in entries]
        stages: list[tree.Stage] = []
        current, done, total = source, 0, sum(counts)
        for (entry, environment), count in zip(entries, counts, strict=True):
            environment |= {"count": count, "total": total, "running_index": done, "index": 0}
            following = self._unknown_type
            with self.elaborator.attempt():
                stage = self._stage(entry, environment, count, current, scope)
                stages.append(stage)
                following = stage.target
                self._name_result(stage, scope)
            current, done = following, done + count
        return tuple(stages), current

    def _name_result(self, stage: tree.Stage, scope: Scope) -> None:
        """Let later steps take the result of ``stage`` by its name."""
        if stage.path in scope.results:
            message = f"the stage is called `{stage.path}`, as an earlier result is"
            raise fail("NS224", message, stage.span)
        self._stage_results[stage.path] = stage

    def _count(self, expression: Expression, environment: Mapping[str, Any]) -> int:
        """How often to repeat something; once where that is wrong and the work goes on."""
        count = 1
        with self.elaborator.attempt():
            value = expression.evaluate(environment)
            check_repeat(value, expression.span, self.elaborator.bounds)
            count = int(value)
        return count

    def _stage(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        count: int,
        source: TensorType,
        scope: Scope,
    ) -> tree.Stage:
        span = entry.block_span
        check_keys(entry)
        name_span = entry.spans.find(("name",)) if entry.name else span
        path = fill_template(entry.name or "layer{stage + 1}", environment, name_span)
        Names("", Counter()).explicit(path, name_span)
        between_scope = Scope(
            environment,
            scope.names,
            dict(self._stage_results),
            indices=stage_indices(environment),
        )
        between = self.elaborator.steps(entry.between, source, between_scope, span)
        current = between.target
        names = Names(path, Counter())
        blocks = []
        first = environment["running_index"]
        for index in range(count):
            environment |= {"index": index, "running_index": first + index}
            following = self._unknown_type
            with self.elaborator.attempt():
                block = self._stage_block(entry, environment, index, count, current, names)
                blocks.append(block)
                following = block.target
            current = following
        return tree.Stage(
            source=source,
            target=current,
            path=path,
            between=between,
            blocks=tuple(blocks),
            schedule=schedule(entry, environment, first, count) if self.keep else {},
            span=span,
        )

    def _stage_block(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        index: int,
        count: int,
        source: TensorType,
        names: Names,
    ) -> tree.Block:
        place = {**environment, "channels": source.channels, "size": list(source.size)}
        span = entry.block_span
        given = arguments_of_block(entry, index, count)
        block_name, block_span = entry.block, span
        if "block" in given:
            argument = given.pop("block")
            block_name, block_span = str(argument.value), argument.span
        value = require_known(self.environment.get(block_name))
        if isinstance(value, BlockValue):
            definition = value.definition
        else:
            definition = self.elaborator.find_block(block_name, block_span)
        for name, argument in given.items():
            if name not in definition.params:
                known = {*definition.params, *STAGE_KEYS, "between", "first", "last"}
                raise fail(
                    "NS206",
                    f"block `{definition.name}` has no parameter `{name}`",
                    argument.key_span,
                    help=did_you_mean(name, known),
                )
        arguments = {name: for_block(argument, index, count) for name, argument in given.items()}
        values = self.elaborator.bind_arguments(definition, arguments, place, span)
        name_span = entry.spans.find(("block_name",)) if entry.block_name != "{index}" else span
        block_path = fill_template(entry.block_name, place, name_span)
        if "." in block_path:
            message = f"`{block_path}` cannot name a block of a stage: it is one level of names"
            hint = "leave out the dot; the stage's `name` may have one"
            raise fail("NS221", message, name_span, help=hint)
        path = names.explicit(block_path, name_span)
        indices = stage_indices(environment)
        values = {name: counted(value, indices) for name, value in values.items()}
        formulas = self.elaborator.formulas_of_call(definition, arguments, NETWORK_SCOPE)
        noted = (formulas, indices)
        return self.elaborator.block(definition, values, source, path, (), span, noted)


def _check_output(name: str, argument: Argument, known: Collection[str]) -> None:
    if name == "output":
        message = "`output` is the name of the network's own result"
        raise fail("NS214", message, argument.key_span)
    if argument.value not in known:
        raise fail(
            "NS214",
            f"output `{name}` takes `{argument.value}`, which is no stage and no named result",
            argument.span,
            help=did_you_mean(argument.value, known),
        )
