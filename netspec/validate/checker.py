"""Expands a spec to find what is wrong with it: the elaborator, made to go on after a problem.

What a wrong step would have given is unknown, and what depends on that is passed over in silence. A
block that comes back with equal arguments on an equal input is not expanded again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from netspec import tree
from netspec.elaborate.bounds import MAX_LAYERS, RAISE_LAYERS, Bounds
from netspec.elaborate.layers import Noted, fill_attributes, misfit
from netspec.elaborate.lookup import Calls
from netspec.elaborate.network import Builder
from netspec.elaborate.scope import Environment, Names, Scope
from netspec.elaborate.steps import Elaborator
from netspec.errors import NetspecError, Span, fail
from netspec.ops import OPS, Op, OpError
from netspec.schema.recover import Broken
from netspec.schema.syntax import (
    Argument,
    AttributeValue,
    BlockDefinition,
    GateAction,
    OpAction,
    ResidualAction,
    Spec,
    StageSyntax,
    Step,
)
from netspec.symbolic import Varying
from netspec.types import TensorType
from netspec.unknown import ANY_RANK, UNKNOWN, Poisoned, is_unknown
from netspec.validate.known import Instance, Known
from netspec.validate.problems import Problems
from netspec.validate.survey import remember_origin

STAGE_COST, BLOCK_COST = 4, 3
"""What a stage and a block of it cost at least, in steps, even when the block is known already."""


PROBE_CHANNELS, PROBE_LENGTH = 2**10, 2**20


class Work:
    """What checking a file has cost so far, over its variants."""

    def __init__(self, bounds: Bounds) -> None:
        self._most = max(bounds.layers, MAX_LAYERS) * 3 // 2
        self._done = 0

    def add(self, steps: int, span: Span | None) -> None:
        """Count ``steps``; raises :class:`NetspecError` beyond the bound."""
        self._done += steps
        if self._done > self._most:
            message = f"all variants together have more than {self._most:,} different steps"
            raise fail("NS502", message, span, help=RAISE_LAYERS)


class Checker(Elaborator):
    """Expands steps, collects problems, and goes on."""

    def __init__(self, builder: CheckingBuilder, folder: Path | None, bounds: Bounds) -> None:
        self._problems = builder.problems
        self._broken = builder.broken
        self._work = builder.work
        self._known = builder.known
        spec = builder.spec
        rank = len(spec.size)
        self.unknown_type = TensorType(UNKNOWN, (ANY_RANK,) * rank)
        self.unknown_map = TensorType(UNKNOWN, (UNKNOWN,) * rank)
        super().__init__(spec.blocks, spec.defaults, builder.environment, folder, bounds)
        self._found = self._known.files

    # Going on after a problem

    def attempt(self, calls: Calls = ()) -> AbstractContextManager[Any]:
        return self._problems.attempt(calls)

    def overlooking(self) -> AbstractContextManager[None]:
        return suppress(NetspecError, Poisoned)

    def look_up(self, name: str, span: Span) -> BlockDefinition | None:
        if name in self._broken.blocks:
            raise Poisoned
        found = super().look_up(name, span)
        if found is not None and name not in self.definitions:
            self._known.trail.append(name)
        return found

    def _in_order(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None
    ) -> tree.Sequence:
        self._work.add(1 + len(steps), span)
        items: list[tree.Node] = []
        current = source
        for step in steps:
            node: tree.Node | None = None
            with self._problems.attempt(scope.calls) as attempt:
                node = self.step(step, current, scope)
            if node is None:
                target = self._likely_type(step, current, attempt.recovery)
                node = tree.Sequence(source=current, target=target, items=())
            if step.result and step.result not in scope.results:
                tap = tree.Tap(source=current, target=node.target, name=step.result, body=node)
                scope.results[step.result] = tap
            items.append(node)
            current = node.target
        return tree.Sequence(source=source, target=current, items=tuple(items), span=span)

    def _likely_type(self, step: Step, source: TensorType, known: object) -> TensorType:
        """What to go on with behind a step that gave nothing."""
        if isinstance(known, TensorType):
            return known
        keeps_rank = isinstance(step.action, ResidualAction | GateAction)
        if keeps_rank and source.size and source.size[0] is not ANY_RANK:
            return self.unknown_map
        return self.unknown_type

    def layer(
        self,
        step: Step,
        action: OpAction,
        source: TensorType,
        path: str,
        environment: Environment,
        defaults: Mapping[str, AttributeValue],
        outer: Environment,
        noted: Noted,
    ) -> tree.Layer:
        arguments = (path, environment, defaults, outer)
        if source.channels is UNKNOWN and source.size and is_unknown(source.size[0]):
            return self._on_unknown(step, action, source, *arguments)
        return super().layer(step, action, source, *arguments, noted)

    def _on_unknown(
        self,
        step: Step,
        action: OpAction,
        source: TensorType,
        path: str,
        environment: Environment,
        defaults: Mapping[str, AttributeValue],
        outer: Environment,
    ) -> tree.Layer:
        """A layer on an unknown input.

        Some ops give a known type whatever enters them: a pooling gives a vector, `linear` its size,
        and what takes maps alone gives a map. Raises :class:`NetspecError` for what is wrong on any
        input.
        """
        kind = OPS[action.kind]
        values = fill_attributes(kind, step, action, source, path, environment, defaults, outer)
        can_be_vector = source.size[0] is ANY_RANK
        refusals: list[OpError] = []
        for assumed in (source, TensorType(UNKNOWN, ()))[: 1 + can_be_vector]:
            try:
                op = kind(**values).resolve(assumed)
                target = op.infer(assumed)
            except OpError as error:
                refusals.append(error)
            except Poisoned:
                continue
            else:
                return tree.Layer(source=source, target=target, path=path, op=op, span=step.span)
        if len(refusals) == 1 + can_be_vector:
            raise misfit(refusals[0], step, action, defaults, path)
        if can_be_vector and not refusals:
            raise Poisoned
        return tree.Layer(
            source=source,
            target=self._type_behind(kind, values),
            path=path,
            op=kind(**values),
            span=step.span,
        )

    def _type_behind(self, kind: type[Op], values: Mapping[str, Any]) -> TensorType:
        """What is known of the type that an op gives on a map, tried out on a large one."""
        channels = PROBE_CHANNELS * (values.get("groups") or 1)
        probe = TensorType(channels, (PROBE_LENGTH,) * len(self.unknown_map.size))
        with suppress(OpError):
            target = kind(**values).resolve(probe).infer(probe)
            return self.unknown_map if target.size else TensorType(UNKNOWN, ())
        return self.unknown_type

    def expand(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Any],
        source: TensorType,
        names: Names,
        calls: Calls,
        span: Span,
        local: dict[str, Varying] | None = None,
    ) -> tree.Sequence:
        found = super().expand(definition, arguments, source, names, calls, span, local)
        # An inline block leaves no node of its own; its steps are to know where it was called.
        return dataclasses.replace(found, span=span) if definition.inline else found

    # Blocks that come back

    def block(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Any],
        source: TensorType,
        path: str,
        calls: Calls,
        span: Span,
        noted: Noted,
    ) -> tree.Block:
        known = self._known
        key = known.key(definition, arguments, source, calls, self.environment)
        instance = known.find(key)
        if instance is None:
            layers, problems, trail = self.layer_count, self._problems.count, len(known.trail)
            found = super().block(definition, arguments, source, path, calls, span, noted)
            instance = Instance(
                found,
                self.layer_count - layers,
                self._problems.since(problems),
                frozenset(known.trail[trail:]),
            )
            remember_origin(found)
            known.add(key, definition, arguments, instance)
            return found
        for name in instance.blocks:  # a file beside this spec may hide one
            self.find_block(name, span)
        self.count_layers(instance.layers, span)
        self._problems.add_again(instance.problems)
        return dataclasses.replace(instance.block, path=path, span=span)


class CheckingBuilder(Builder):
    """Builds the network of one variant to find what is wrong with it.

    Args:
        is_first: whether this is the first variant of the spec: what concerns them all is checked once.
    """

    elaborator: Checker

    def __init__(
        self,
        spec: Spec,
        variant: str | None,
        folder: Path | None,
        problems: Problems,
        broken: Broken,
        work: Work,
        known: Known,
        bounds: Bounds,
        is_first: bool,
    ) -> None:
        self.problems = problems
        self.broken = broken
        self.work = work
        self.known = known
        self._is_first = is_first
        super().__init__(spec, variant, {}, folder, keep=False, bounds=bounds)

    def make_elaborator(self, folder: Path | None, bounds: Bounds | None) -> Elaborator:
        return Checker(self, folder, bounds or Bounds())

    def _stage(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        count: int,
        source: TensorType,
        scope: Scope,
    ) -> tree.Stage:
        self.work.add(STAGE_COST + count * BLOCK_COST, entry.block_span)
        return super()._stage(entry, environment, count, source, scope)

    def check_variants(self) -> None:
        self.environment.update(dict.fromkeys(self.broken.names, UNKNOWN))
        if self._is_first:
            with self.problems.of_every_variant():
                super().check_variants()

    def _require_param(self, what: str, name: str, argument: Argument) -> None:
        if name not in self.broken.names:
            super()._require_param(what, name, argument)

    def _input(self) -> TensorType:
        if self.broken.is_rank_lost:
            return self.elaborator.unknown_type
        if not self.broken.is_untyped:
            with self.elaborator.attempt():
                return super()._input()
        return self.elaborator.unknown_map
