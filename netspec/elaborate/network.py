"""From a spec, a variant and overrides to a concrete network; and to the form that source shows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from netspec import ir
from netspec.elaborate.arguments import evaluate_argument
from netspec.elaborate.check import check_network
from netspec.elaborate.combinators import check_repeat
from netspec.elaborate.scope import (
    BlockValue,
    Names,
    Scope,
    StepsValue,
    check_declared,
    fill_template,
)
from netspec.elaborate.steps import Elaborator
from netspec.errors import Span, UsageError, did_you_mean, fail
from netspec.passes import absorb_flatten
from netspec.schema.fields import check_integer
from netspec.schema.models import STAGE_KEYS
from netspec.schema.syntax import Argument, Spec, StageSyntax, Step
from netspec.symbolic import named
from netspec.types import TensorType


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


def elaborate(
    spec: Spec,
    variant: str | None = None,
    overrides: Mapping[str, Argument] | None = None,
    folder: Path | None = None,
) -> ir.Network:
    """The network that ``spec`` describes: concrete, typed, checked."""
    network = Builder(spec, variant, overrides or {}, folder, keep=False).build()
    check_network(network)
    return network


class Builder:
    """Builds one network; with ``keep`` the kept arguments stay names."""

    def __init__(
        self,
        spec: Spec,
        variant: str | None,
        overrides: Mapping[str, Argument],
        folder: Path | None,
        keep: bool,
    ) -> None:
        self.spec = spec
        self.variant = choose_variant(spec, variant)
        self.overrides = overrides
        self.environment: dict[str, Any] = {}
        self.elaborator = Elaborator(spec.blocks, spec.defaults, self.environment, folder)
        self._parameters(keep)

    def _parameters(self, keep: bool) -> None:
        spec = self.spec
        for param in spec.params.values():
            self.elaborator.check_param(param)
        chosen = dict(spec.variants[self.variant]) if self.variant else {}
        for variant, values in spec.variants.items():
            for name, argument in values.items():
                self._require_param(f"variant `{variant}`", name, argument.span)
        for name, argument in self.overrides.items():
            self._require_param("the spec", name, argument.span)
            chosen[name] = argument
        for name, param in spec.params.items():
            given = chosen.get(name, param.default)
            if given is None:
                raise fail("NS209", f"parameter `{name}` has no default and no value", param.span)
            self.environment[name] = evaluate_argument(
                param, given, self.environment, self.elaborator.find_block
            )
            if isinstance(self.environment[name], StepsValue):
                value = dataclasses.replace(self.environment[name], environment=self.environment)
                self.environment[name] = value
        for name, span in spec.arguments.items():
            self._require_param("`arguments`", name, span)
            if spec.params[name].type not in ("int", "float"):
                raise fail("NS211", f"`{name}` is no number; it cannot stay an argument", span)
            if keep:
                self.environment[name] = named(name, [self.environment[name]], kept=True)
        for name, expression in spec.let.items():
            check_declared(name, expression.span, "value")
            if name in spec.params:
                raise fail("NS223", f"value `{name}` hides a parameter", expression.span)
            self.environment[name] = expression.evaluate(self.environment)

    def _require_param(self, what: str, name: str, span: Span) -> None:
        if name not in self.spec.params:
            raise fail(
                "NS206",
                f"{what} sets `{name}`, which is no parameter",
                span,
                help=did_you_mean(name, self.spec.params),
            )

    def build(self) -> ir.Network:
        spec = self.spec
        source = self._input()
        steps = (*spec.stem, *spec.head)
        names = Names(
            "", self.elaborator.count_labels((*steps, *self._between()), self.environment)
        )
        scope = Scope(self.environment, names)
        stem = self.elaborator.steps(spec.stem, source, scope, spec.spans.find(("stem",)))
        stages = self._stages(stem.target, scope)
        current = stages[-1].target if stages else stem.target
        head = self.elaborator.steps(spec.head, current, scope, spec.spans.find(("head",)))
        if not (steps or stages):
            raise fail("NS212", "a network needs a stem, stages or a head", spec.span)
        arguments = {name: self.environment[name] for name in spec.arguments}
        network = ir.Network(
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
            outputs=self._outputs(stages, scope),
        )
        return cast(ir.Network, absorb_flatten(network))

    def _input(self) -> TensorType:
        channels = self.spec.channels.evaluate(self.environment)
        size = [length.evaluate(self.environment) for length in self.spec.size]
        for value, expression in zip(
            (channels, *size), (self.spec.channels, *self.spec.size), strict=True
        ):
            check_integer(value, "input", expression.span)
            if value < 1:
                raise fail("NS213", f"an input of {value}", expression.span)
        return TensorType(channels, tuple(size))

    def _outputs(self, stages: tuple[ir.Stage, ...], scope: Scope) -> dict[str, str]:
        known = {*(stage.path for stage in stages), *scope.results}
        result = {}
        for name, argument in self.spec.outputs.items():
            if argument.value not in known:
                raise fail(
                    "NS214",
                    f"output `{name}` takes `{argument.value}`, which is no stage and no named result",
                    argument.span,
                    help=did_you_mean(argument.value, known),
                )
            if name == "output":
                raise fail(
                    "NS214", "`output` is the name of the network's own result", argument.span
                )
            result[name] = str(argument.value)
        return result

    # Stages

    def _between(self) -> tuple[Step, ...]:
        """The steps between blocks, which are named with the stem and the head.

        Those of an entry with `times` come twice: several, however many, is all a name depends on.
        """
        copies = [e.between * (1 if e.times is None else 2) for e in self.spec.stages]
        return tuple(step for steps in copies for step in steps)

    def _stages(self, source: TensorType, scope: Scope) -> tuple[ir.Stage, ...]:
        entries: list[tuple[StageSyntax, dict[str, Any]]] = []
        for entry in self.spec.stages:
            times = 1
            if entry.times is not None:
                times = entry.times.evaluate(self.environment)
                check_repeat(times, entry.times.span)
            for _ in range(times):
                entries.append((entry, {**self.environment, "stage": len(entries)}))
        counts = []
        for entry, environment in entries:
            count = entry.repeat.evaluate(environment)
            check_repeat(count, entry.repeat.span)
            counts.append(int(count))
        stages: list[ir.Stage] = []
        current, done = source, 0
        for (entry, environment), count in zip(entries, counts, strict=True):
            environment |= {"count": count, "total": sum(counts), "running_index": done, "index": 0}
            stage = self._stage(entry, environment, count, current, scope)
            stages.append(stage)
            current, done = stage.target, done + count
        return tuple(stages)

    def _stage(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        count: int,
        source: TensorType,
        scope: Scope,
    ) -> ir.Stage:
        span = entry.spans.span
        self._check_arguments(entry)
        path = fill_template(entry.name or "layer{stage + 1}", environment, span)
        Names("", Counter()).explicit(path, span)
        between_scope = Scope(environment, scope.names, {})
        between = self.elaborator.steps(entry.between, source, between_scope, span)
        current = between.target
        names = Names(path, Counter())
        blocks = []
        first = environment["running_index"]
        for index in range(count):
            environment |= {"index": index, "running_index": first + index}
            block = self._stage_block(entry, environment, index, count, current, names)
            blocks.append(block)
            current = block.target
        return ir.Stage(
            source=source,
            target=current,
            path=path,
            between=between,
            blocks=tuple(blocks),
            span=span,
        )

    @staticmethod
    def _check_arguments(entry: StageSyntax) -> None:
        for group in (entry.first, entry.last):
            for name in group:
                if name in STAGE_KEYS and name not in ("block", "stride"):
                    raise fail("NS206", f"`{name}` belongs to the stage", group[name].span)

    def _stage_block(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        index: int,
        count: int,
        source: TensorType,
        names: Names,
    ) -> ir.Block:
        place = {**environment, "channels": source.channels, "size": list(source.size)}
        span = entry.spans.span
        given = dict(entry.arguments)
        if entry.stride is not None:
            at = 0 if entry.stride_at == "first" else count - 1
            given["stride"] = entry.stride if index == at else Argument(1, entry.stride.spans)
        if index == 0:
            given |= entry.first
        if index == count - 1:
            given |= entry.last
        block_name, block_span = entry.block, entry.spans.find(("block",))
        if "block" in given:
            argument = given.pop("block")
            block_name, block_span = str(argument.value), argument.span
        value = self.environment.get(block_name)
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
                    argument.span,
                    help=did_you_mean(name, known),
                )
        arguments = {name: _each(argument, index, count) for name, argument in given.items()}
        values = self.elaborator.bind_arguments(definition, arguments, place, span)
        path = names.explicit(fill_template(entry.block_name, place, span), span)
        return self.elaborator.block(definition, values, source, path, (), span)


def _each(argument: Argument, index: int, count: int) -> Argument:
    """The value for one block: an entry of ``{each: […]}``, or the argument as it is."""
    value = argument.value
    if not (isinstance(value, dict) and set(value) == {"each"}):
        return argument
    values = value["each"]
    if not isinstance(values, list):
        raise fail("NS215", "`each` takes a list, one value for each block", argument.span)
    if len(values) != count:
        raise fail(
            "NS215", f"`each` has {len(values)} values, the stage {count} blocks", argument.span
        )
    return Argument(values[index], argument.spans.subtree(("each", index)))
