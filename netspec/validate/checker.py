"""Expands a spec to find what is wrong with it: the elaborator, made to go on after a problem.

What a wrong step would have given is unknown, and what depends on that is passed over in silence. A
block that comes back with equal arguments on an equal input is not expanded again.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec import ir
from netspec.elaborate.bounds import RAISE_LAYERS, Bounds
from netspec.elaborate.layers import fill_attributes, misfit
from netspec.elaborate.lookup import Calls
from netspec.elaborate.network import Builder
from netspec.elaborate.scope import BlockValue, Environment, Scope, StepsValue
from netspec.elaborate.steps import Elaborator
from netspec.errors import NetspecError, Span, fail
from netspec.ops import OPS, OpError
from netspec.schema.recover import Broken
from netspec.schema.syntax import (
    Argument,
    AttributeValue,
    BlockDefinition,
    OpAction,
    Spec,
    StageSyntax,
    Step,
)
from netspec.types import TensorType
from netspec.unknown import UNKNOWN, Poisoned
from netspec.validate.problems import Key as ProblemKey
from netspec.validate.problems import Problems

Key = tuple[Any, ...]

STAGE_COST, BLOCK_COST = 4, 3
"""What a stage and a block of it cost at least, in steps, even when the block is known already."""

_WORD = re.compile(r"[A-Za-z_]\w*")


class Work:
    """What checking a file has cost so far, over its variants."""

    def __init__(self, bounds: Bounds) -> None:
        self._most = bounds.layers * 3 // 2
        self._done = 0

    def add(self, steps: int, span: Span | None) -> None:
        """Count ``steps``; raises :class:`NetspecError` beyond the bound."""
        self._done += steps
        if self._done > self._most:
            message = f"all variants together have more than {self._most:,} different steps"
            raise fail("NS502", message, span, help=RAISE_LAYERS)


@dataclass(frozen=True)
class Instance:
    """A block that was expanded.

    Attributes:
        block: the node, under the path where it was first.
        layers: how many layers it has.
        problems: what was found in it.
    """

    block: ir.Block
    layers: int
    problems: frozenset[ProblemKey]


class Known:
    """What checking one variant of a spec leaves for the next.

    Attributes:
        instances: the blocks that were expanded.
        origins: by the identity of a block's body, the path that it was expanded under.
        words: by the identity of steps as they are written, the words in them.
        files: the blocks that were found outside the spec.
        looked_for: the names of blocks that are not the spec's own.
        default_names: the names of the spec that its defaults may read.
    """

    def __init__(self, spec: Spec, defaults: Any, looked_for: set[str]) -> None:
        self.looked_for = looked_for
        self.instances: dict[Key, Instance] = {}
        self.origins: dict[int, str] = {}
        self.words: dict[int, frozenset[str]] = {}
        self.files: dict[str, BlockDefinition] = {}
        words = set(_WORD.findall(json.dumps(defaults, default=str)))
        self.default_names = sorted(words & {*spec.params, *spec.let})


class Checker(Elaborator):
    """Expands steps, collects problems, and goes on."""

    def __init__(self, builder: CheckingBuilder, folder: Path | None, bounds: Bounds) -> None:
        self._problems = builder.problems
        self._broken = builder.broken
        self._work = builder.work
        self._known = builder.known
        spec = builder.spec
        self.unknown_type = TensorType(UNKNOWN, (UNKNOWN,) * len(spec.size))
        super().__init__(spec.blocks, spec.defaults, builder.environment, folder, bounds)
        self._found = self._known.files

    # Going on after a problem

    def attempt(self, calls: Calls = ()) -> AbstractContextManager[Any]:
        return self._problems.attempt(calls)

    def overlooking(self) -> AbstractContextManager[None]:
        return suppress(NetspecError, Poisoned)

    def find_block(self, name: str, span: Span) -> BlockDefinition:
        if name in self._broken.blocks:
            raise Poisoned
        if name not in self.definitions:
            self._known.looked_for.add(name)
        return super().find_block(name, span)

    def _in_order(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None
    ) -> ir.Sequence:
        self._work.add(1 + len(steps), span)
        items: list[ir.Node] = []
        current = source
        for step in steps:
            node: ir.Node | None = None
            with self._problems.attempt(scope.calls) as attempt:
                node = self.step(step, current, scope)
            if node is None:
                known = attempt.recovery
                target = known if isinstance(known, TensorType) else self.unknown_type
                node = ir.Sequence(source=current, target=target, items=())
            if step.result and step.result not in scope.results:
                tap = ir.Tap(source=current, target=node.target, name=step.result, body=node)
                scope.results[step.result] = tap
            items.append(node)
            current = node.target
        return ir.Sequence(source=source, target=current, items=tuple(items), span=span)

    def layer(
        self,
        step: Step,
        action: OpAction,
        source: TensorType,
        path: str,
        environment: Environment,
        defaults: Mapping[str, AttributeValue],
        outer: Environment,
    ) -> ir.Layer:
        arguments = (path, environment, defaults, outer)
        if self._is_unknown(source):
            return self._on_unknown(step, action, *arguments)
        return super().layer(step, action, source, *arguments)

    def _on_unknown(
        self,
        step: Step,
        action: OpAction,
        path: str,
        environment: Environment,
        defaults: Mapping[str, AttributeValue],
        outer: Environment,
    ) -> ir.Layer:
        """A layer on an unknown input.

        Some ops give a known type whatever enters them: a pooling gives a vector, `linear` its size.
        Raises :class:`NetspecError` for what is wrong on any input.
        """
        source = self.unknown_type
        kind = OPS[action.kind]
        values = fill_attributes(kind, step, action, source, path, environment, defaults, outer)
        refusals: list[OpError] = []
        for assumed in (source, TensorType(UNKNOWN, ())):
            try:
                op = kind(**values).resolve(assumed)
                target = op.infer(assumed)
            except OpError as error:
                refusals.append(error)
            except Poisoned:
                continue
            else:
                return ir.Layer(source=source, target=target, path=path, op=op, span=step.span)
        if len(refusals) == 2:
            raise misfit(refusals[0], step, action, defaults, path)
        raise Poisoned

    @staticmethod
    def _is_unknown(value: TensorType) -> bool:
        return value.channels is UNKNOWN and value.size != () and value.size[0] is UNKNOWN

    # Blocks that come back

    def block(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Any],
        source: TensorType,
        path: str,
        calls: Calls,
        span: Span,
    ) -> ir.Block:
        key = (
            id(definition),
            self._seen_by_defaults(),
            tuple(self._frozen(value) for value in arguments.values()),
            _type_key(source),
            tuple(name for name, _ in calls),
        )
        known = self._known.instances.get(key)
        if known is None:
            layers, problems = self.layer_count, self._problems.count
            found = super().block(definition, arguments, source, path, calls, span)
            self._known.origins[id(found.body)] = path
            self._known.instances[key] = Instance(
                found, self.layer_count - layers, self._problems.since(problems)
            )
            return found
        self.count_layers(known.layers, span)
        self._problems.add_again(known.problems)
        return dataclasses.replace(known.block, path=path, span=span)

    def _seen_by_defaults(self) -> Key:
        """The values of the spec's names that its defaults read."""
        names = self._known.default_names
        return tuple(self._frozen(self.environment.get(name)) for name in names)

    def _frozen(self, value: Any) -> Key:
        """Equal for values that make a block expand alike."""
        if isinstance(value, list):
            return ("list", *(self._frozen(item) for item in value))
        if isinstance(value, BlockValue):
            return ("block", id(value.definition))
        if not isinstance(value, StepsValue):
            return (type(value).__name__, value if value is not UNKNOWN else None)
        if value.environment is None:
            return ("steps", id(value.raw))
        environment = value.environment
        names = sorted(self._names_in(value.raw) & environment.keys())
        calls = tuple(name for name, _ in value.calls or ())
        seen = tuple((name, self._frozen(environment[name])) for name in names)
        return ("steps", id(value.raw), calls, seen)

    def _names_in(self, raw: Any) -> frozenset[str]:
        words = self._known.words
        if id(raw) not in words:
            words[id(raw)] = frozenset(_WORD.findall(json.dumps(raw, default=str)))
        return words[id(raw)]


def _type_key(source: TensorType) -> Key:
    shape = tuple(None if number is UNKNOWN else number for number in source.shape)
    flat = source.flat
    layout = (flat.order, flat.channels, flat.size) if flat is not None else None
    return (shape, source.non_negative, layout)


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
    ) -> ir.Stage:
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
        if self.broken.is_untyped:
            raise Poisoned
        return super()._input()
