"""Expands a spec to find what is wrong with it: the elaborator, made to go on after a problem.

What a wrong step would have given is unknown, and what depends on that is passed over in silence. A
block that comes back with equal arguments on an equal input is not expanded again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from netspec.check.validate.known import Checked, Known
from netspec.check.validate.problems import Problems
from netspec.elaborate.bounds import MAX_LAYERS, RAISE_LAYERS, Bounds
from netspec.elaborate.instances import Call, Instance, again
from netspec.elaborate.layers import Filling, Typed, fill_attributes
from netspec.elaborate.lookup import Calls, Lookup
from netspec.elaborate.network import Builder
from netspec.elaborate.row import Row
from netspec.elaborate.scope import Scope
from netspec.elaborate.steps import Elaborator
from netspec.errors import NetspecError, Span, fail
from netspec.ir import Region, Value
from netspec.lang.expression.unknown import ANY_RANK, UNKNOWN, Poisoned, is_unknown
from netspec.lang.schema.recover import Broken
from netspec.lang.schema.syntax import (
    Argument,
    BlockDefinition,
    GateAction,
    ResidualAction,
    Spec,
    StageSyntax,
    Step,
)
from netspec.ops import OPS, Op, OpError
from netspec.ops.types import TensorType

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


class CheckingLookup(Lookup):
    """Finds blocks, collects problems, and passes over what is known to be broken."""

    def __init__(self, builder: CheckingBuilder, folder: Path | None) -> None:
        self._problems = builder.problems
        self._broken = builder.broken
        self._known = builder.known
        spec, environment = builder.spec, builder.environment
        super().__init__(spec.blocks, spec.defaults, environment, folder, self._known.reader)
        self._found = self._known.files

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


class Checker(Elaborator):
    """Expands steps, collects problems, and goes on."""

    def __init__(self, builder: CheckingBuilder, folder: Path | None, bounds: Bounds) -> None:
        super().__init__(CheckingLookup(builder, folder), bounds)
        self._problems = builder.problems
        self._work = builder.work
        self._known = builder.known
        self._lost = 0
        rank = len(builder.spec.size)
        self.unknown_type = TensorType(UNKNOWN, (ANY_RANK,) * rank)
        self.unknown_map = TensorType(UNKNOWN, (UNKNOWN,) * rank)

    # Going on after a problem

    def _in_order(self, steps: tuple[Step, ...], row: Row, scope: Scope, span: Span | None) -> None:
        self._work.add(1 + len(steps), span)
        for step in steps:
            length, source, done = len(row.items), row.type, False
            with self._problems.attempt(scope.calls) as attempt:
                self.step(step, row, scope)
                done = True
            if not done:
                self._lost += 1
                del row.items[length:]
                row.flow(self._likely_type(step, source, attempt.recovery))
            for name in (step.result, *step.results):
                if name:
                    scope.results.setdefault(name, row.value)

    def _likely_type(self, step: Step, source: TensorType, known: object) -> TensorType:
        """What to go on with behind a step that gave nothing."""
        if isinstance(known, TensorType):
            return known
        keeps_rank = isinstance(step.action, ResidualAction | GateAction)
        if keeps_rank and source.size and source.size[0] is not ANY_RANK:
            return self.unknown_map
        return self.unknown_type

    def make_op(self, filling: Filling, *sources: TensorType) -> Typed:
        source = sources[0]
        if source.channels is UNKNOWN and source.size and is_unknown(source.size[0]):
            return self._on_unknown(filling, source, sources[1:])
        return super().make_op(filling, *sources)

    def _on_unknown(
        self, filling: Filling, source: TensorType, others: tuple[TensorType, ...]
    ) -> Typed:
        """An op on an unknown input.

        Some ops give a known type whatever enters them: a pooling gives a vector, `linear` its size,
        and what takes maps alone gives a map. Raises :class:`NetspecError` for what is wrong on any
        input.
        """
        kind = OPS[filling.action.kind]
        values = fill_attributes(filling, source.rank)
        can_be_vector = source.size[0] is ANY_RANK
        refusals: list[OpError] = []
        for assumed in (source, TensorType(UNKNOWN, ()))[: 1 + can_be_vector]:
            try:
                op = kind(**values).resolve(assumed)
                return op, op.types(assumed, *others)
            except OpError as error:
                refusals.append(error)
            except Poisoned:
                continue
        if len(refusals) == 1 + can_be_vector:
            raise filling.misfit(refusals[0])
        if can_be_vector and not refusals:
            raise Poisoned
        count = len(filling.step.results) or 1  # as many as have a name
        return kind(**values), (self._type_behind(kind, values),) * count

    def _type_behind(self, kind: type[Op], values: Mapping[str, Any]) -> TensorType:
        """What is known of the type that an op gives on a map, tried out on a large one."""
        channels = PROBE_CHANNELS * (values.get("groups") or 1)
        probe = TensorType(channels, (PROBE_LENGTH,) * len(self.unknown_map.size))
        with suppress(OpError):
            target = kind(**values).resolve(probe).infer(probe)
            return self.unknown_map if target.size else TensorType(UNKNOWN, ())
        return self.unknown_type

    # Blocks that come back

    def block(self, call: Call, path: str, source: Value) -> Region:
        known = self._known
        key = known.key(call, source.type, self._nesting, self.lookup.environment)
        checked = known.find(key)
        if checked is None:
            layers, problems, trail = self.layer_count, self._problems.count, len(known.trail)
            lost = self._lost
            region = self.new_block(call, path, source)
            instance = Instance(call, region, self.layer_count - layers, 0)
            blocks, found = frozenset(known.trail[trail:]), self._problems.since(problems)
            known.add(key, Checked(instance, self._lost == lost, found, blocks))
            return region
        for name in checked.blocks:  # a file beside this spec may hide one
            self.lookup.find_block(name, call.span)
        self.count_layers(checked.instance.layers, call.span)
        self._problems.add_again(checked.problems)
        if checked.is_whole:
            return again(checked.instance, call, path, source, self.ids, self.names)
        self._lost += 1
        return replace(checked.instance.region, path=path, span=call.span)


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
        super().__init__(spec, variant, {}, folder, bounds)

    def make_elaborator(self, folder: Path | None, bounds: Bounds | None) -> Elaborator:
        return Checker(self, folder, bounds or Bounds())

    def _stage(
        self,
        entry: StageSyntax,
        environment: dict[str, Any],
        count: int,
        row: Row,
        scope: Scope,
    ) -> Region:
        self.work.add(STAGE_COST + count * BLOCK_COST, entry.block_span)
        return super()._stage(entry, environment, count, row, scope)

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
            with self.lookup.attempt():
                return super()._input()
        return self.elaborator.unknown_map
