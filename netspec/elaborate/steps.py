"""Expands steps: what they make, under which names, and what flows on."""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Any

from netspec.elaborate import combinators
from netspec.elaborate.arguments import bind_arguments
from netspec.elaborate.bounds import MAX_NESTING, RAISE_LAYERS, Bounds
from netspec.elaborate.instances import Call, Instance, Key, Keys, again
from netspec.elaborate.labels import count_labels
from netspec.elaborate.layers import Filling, Typed, make_op
from netspec.elaborate.lookup import Lookup, check_definition, tracing
from netspec.elaborate.row import Row
from netspec.elaborate.scope import (
    ROLES,
    BlockValue,
    Names,
    Scope,
    StepsValue,
    decision,
    given,
    written_at,
)
from netspec.errors import Span, fail
from netspec.ir import Region, Value
from netspec.ir.formula import Formula
from netspec.ir.program import Decided
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.unknown import UNKNOWN, require_known
from netspec.lang.schema.syntax import (
    BlockDefinition,
    BranchesAction,
    CallAction,
    ConcatAction,
    GateAction,
    OpAction,
    PassAction,
    RepeatAction,
    ResidualAction,
    SequenceAction,
    Step,
    WhenAction,
)
from netspec.ops import OPS
from netspec.ops.types import TensorType


class Elaborator:
    """Expands the steps of one spec.

    Attributes:
        lookup: finds what they call.
        ids: counts the values of the program.
        layer_count: how many layers there are so far.
        names: what results are called; see :class:`Program`.
    """

    def __init__(self, lookup: Lookup, bounds: Bounds | None = None) -> None:
        self.lookup = lookup
        self.bounds = bounds or Bounds()
        self.keys = Keys(lookup.defaults)
        self.ids = count()
        self.layer_count = 0
        self.names: dict[int, dict[str, str]] = {}
        self._step_count = 0
        self._nesting = 0
        self._slots: list[StepsValue] = []
        self._instances: dict[Key, Instance] = {}

    # Steps

    def steps(
        self, steps: tuple[Step, ...], row: Row, scope: Scope, span: Span | None = None
    ) -> None:
        """Add to ``row`` what steps make that run in order."""
        self._step_count += 1 + len(steps)
        if self._step_count > self.bounds.steps:
            message = f"more than {self.bounds.steps:,} steps"
            raise fail("NS502", message, span, help=RAISE_LAYERS)
        if self._nesting == MAX_NESTING:
            raise fail("NS507", f"steps nested deeper than {MAX_NESTING} levels", span)
        self._nesting += 1
        try:
            self._in_order(steps, row, scope, span)
        finally:
            self._nesting -= 1

    def _in_order(self, steps: tuple[Step, ...], row: Row, scope: Scope, span: Span | None) -> None:
        for step in steps:
            self.step(step, row, scope)

    def step(self, step: Step, row: Row, scope: Scope) -> None:
        """Expand one step: its inputs, what it does, and the name of its result."""
        source, called = row.value, None
        row.values = (source,)
        with self.lookup.overlooking():
            called = self.lookup.block_of(step.action, scope.environment, step.span)
        takes_each = called is not None and called.input_count > 1
        is_named = called is not None and called.inline and step.name is not None
        if called is not None and is_named and (takes_each or len(called.results) > 1):
            inner = dataclasses.replace(step, name=None)
            combinators.sequence(self.steps, step, SequenceAction((inner,)), row, scope)
            return
        if step.inputs and not takes_each:
            combinators.take(step, row, scope)
        self._action(step, row, scope)
        if step.result or step.results:
            # What a step passes on has the name that it was given.
            names = self.names if row.value is not source else {}
            combinators.name_results(step, row.values, scope, names)

    def _action(self, step: Step, row: Row, scope: Scope) -> None:
        match step.action:
            case OpAction() as action:
                self._op(step, action, row, scope)
            case CallAction() as action:
                self._call(step, action, row, scope)
            case ResidualAction(test=Expression() as test) as action:
                formula, width = (
                    self._test(step, test.node, scope),
                    self._labels(action.shortcut, scope),
                )
                combinators.optional_residual(self.steps, step, action, row, scope, formula, width)
            case ResidualAction() as action:
                combinators.residual(self.steps, step, action, row, scope)
            case GateAction() as action:
                combinators.gate(self.steps, step, action, row, scope)
            case ConcatAction() as action:
                combinators.concat(self.steps, step, action, row, scope)
            case BranchesAction() as action:
                combinators.branches(self.steps, step, action, row, scope)
                self._name_paths(action, row, scope)
            case RepeatAction() | WhenAction() if step.name is not None:
                self._container(step, row, scope)
            case RepeatAction() as action:
                self._repeat(step, action, row, scope)
            case WhenAction() as action:
                self._when(step, action, row, scope)
            case SequenceAction() as action:
                combinators.sequence(self.steps, step, action, row, scope)
            case PassAction():
                pass

    def _name_paths(self, action: BranchesAction, row: Row, scope: Scope) -> None:
        """Call what the paths of `branches` give as the spec calls the paths, where several do anything."""
        *paths, _ = row.items[-1].items  # type: ignore[union-attr]
        named = zip(action.paths, paths, strict=True)
        found = {name: path.result for name, path in named if path.result is not path.source}
        for name, result in found.items() if len(found) > 1 else ():
            self._name(result, name, scope)

    def _name(self, value: Value, name: str, scope: Scope) -> None:
        self.names.setdefault(value.id, {}).setdefault(scope.path_of_block, name)

    def _container(self, step: Step, row: Row, scope: Scope) -> None:
        """What has no level of names of its own, as a sequence under the name that the step gives."""
        inner = dataclasses.replace(step, name=None, result=None, results=(), inputs=())
        combinators.sequence(self.steps, step, SequenceAction((inner,)), row, scope)

    def _when(self, step: Step, action: WhenAction, row: Row, scope: Scope) -> None:
        formula = self._test(step, action.test.node, scope)
        test, noted = combinators.decide(action.test, "test", formula, row, scope)
        width = self._labels(action.then, scope) | self._labels(action.other, scope)
        part = row.part()
        with scope.names.alternative(width, max(len(action.then), len(action.other))):
            self.steps(action.then if test else action.other, part, scope, step.span)
        row.add(part.region("when", span=step.span, **noted))

    def _repeat(self, step: Step, action: RepeatAction, row: Row, scope: Scope) -> None:
        noted = decision(self._test(step, action.times.node, scope), None, scope)
        part = row.part()
        times = combinators.repeat(self.steps, step, action, part, scope, self.bounds)
        row.add(part.region("repeat", span=step.span, **{**noted, "outcome": times}))

    def _test(self, step: Step, node: ast.expr, scope: Scope) -> Formula:
        return self.lookup.reader.test(step.action, node, scope.label)

    def _labels(self, steps: tuple[Step, ...], scope: Scope) -> Counter[str]:
        return count_labels(self.lookup, steps, scope.environment)

    # Ops

    def _op(
        self, step: Step, action: OpAction, row: Row, scope: Scope, role: OpAction | None = None
    ) -> None:
        """Add an op; ``role`` holds the attributes that the spec's role gives below the step's own."""
        self.count_layers(1, step.span)
        kind, lookup, source = OPS[action.kind], self.lookup, row.type
        path = scope.path(step, kind.label, source, kind.numbered)
        defaults, formulas = lookup.reader.attributes(action, role, lookup.defaults, scope.label)
        outer: dict[str, Any] = {}
        if defaults:
            place = {"channels": source.channels, "size": list(source.size)}
            outer = {**lookup.environment, **place}
        filling = Filling(step, action, path, scope.place(source), defaults, outer)
        inputs = (row.value, *combinators.further_inputs(action, scope))
        op, types = self.make_op(filling, *[value.type for value in inputs])
        if len(types) > 1:
            combinators.check_names(step, len(types))
        noted = {"formulas": formulas, "indices": scope.indices}
        row.op(op, inputs, types, path, step.span, **noted)

    def make_op(self, filling: Filling, *sources: TensorType) -> Typed:
        """The op of a step; see :func:`~netspec.elaborate.layers.make_op`."""
        return make_op(filling, *sources)

    def count_layers(self, count: int, span: Span) -> None:
        """Count layers; raises :class:`NetspecError` beyond the bound."""
        self.layer_count += count
        if self.layer_count > self.bounds.layers:
            message = f"more than {self.bounds.layers:,} layers"
            raise fail("NS502", message, span, help=RAISE_LAYERS)

    # Calls

    def _call(self, step: Step, action: CallAction, row: Row, scope: Scope) -> None:
        value = require_known(scope.environment.get(action.target))
        if isinstance(value, StepsValue):
            self._slot(step, action, value, row, scope)
        elif isinstance(value, BlockValue):
            self._block(step, action, value.definition, row, scope)
        elif action.target in ROLES:
            self._role(step, action, row, scope)
        else:
            definition = self.lookup.find_step(action.target, scope.environment, step.span)
            self._block(step, action, definition, row, scope)

    def _slot(
        self, step: Step, action: CallAction, value: StepsValue, row: Row, scope: Scope
    ) -> None:
        if action.arguments:
            raise fail("NS206", f"the slot `{action.target}` takes no arguments", step.span)
        if any(value is active for active in self._slots):
            raise fail("NS226", f"the slot `{action.target}` contains itself", step.span)
        if step.name is not None:
            self._container(step, row, scope)
            return
        written_in = scope.environment if value.environment is None else value.environment
        inner = Scope(
            dict(written_in),
            scope.names,
            calls=value.calls or (),
            label=value.label,
            indices=value.indices,
            path_of_block=scope.path_of_block,
            decided=scope.decided,
        )
        test = self._test(step, ast.Name(action.target), scope)
        noted = decision(test, bool(value.steps), scope)
        part = row.part()
        self._slots.append(value)
        try:
            with scope.names.alternative(Counter(), len(value.steps)):
                self.steps(value.steps, part, inner, step.span)
        finally:
            self._slots.pop()
        row.add(part.region("when", span=step.span, **noted))

    def _role(self, step: Step, action: CallAction, row: Row, scope: Scope) -> None:
        role = self.lookup.role(action.target)
        inner = role.action
        if isinstance(inner, OpAction):
            own = self.lookup.reader.as_op(action, inner.kind)
            self._op(step, own, row, scope, inner)
            return
        if action.arguments:
            raise fail(
                "NS206",
                f"the role `{action.target}` is no single op; it takes no arguments",
                step.span,
            )
        if any(name == action.target for name, _ in scope.calls):
            raise fail("NS226", f"the role `{action.target}` calls itself", step.span)
        calls = (*scope.calls, (action.target, step.span))
        outer = Scope(
            dict(self.lookup.environment),
            scope.names,
            calls=calls,
            path_of_block=scope.path_of_block,
            decided=scope.decided,
        )
        name = step.name and scope.fill(step, row.type)
        self._action(dataclasses.replace(role, name=name), row, outer)

    def _block(
        self, step: Step, action: CallAction, definition: BlockDefinition, row: Row, scope: Scope
    ) -> None:
        if definition.inline and step.name is not None:
            self._container(step, row, scope)
            return
        if len(definition.results) > 1:
            combinators.check_names(step, len(definition.results))
        inputs = combinators.inputs_of(step, definition, row, scope)
        place, given = scope.place(row.type), action.arguments
        bound = bind_arguments(definition, given, place, step.span, self.lookup)
        call = Call(
            definition,
            {name: written_at(value, scope) for name, value in bound.items()},
            step.span,
            scope.calls,
            self.lookup.reader.formulas(definition, given, scope.label),
            scope.indices,
        )
        if definition.inline:
            part = Row(inputs, self.ids)
            self._expand(call, part, scope.names, scope.path_of_block, scope.decided)
            row.add(self._called("inline", call, part))
        else:
            path = scope.path(step, definition.label, row.type)
            row.add(self.block(call, path, inputs))

    def block(self, call: Call, path: str, inputs: tuple[Value, ...]) -> Region:
        """An instance of a block under a path of its own, on what enters it."""
        key = self.keys.of(call, inputs, self._nesting)
        known = self._instances.get(key)
        if known is not None and self._has_room(known):
            self.layer_count += known.layers
            self._step_count += known.steps
            return again(known, call, path, inputs, self.ids, self.names)
        layers, steps = self.layer_count, self._step_count
        region = self.new_block(call, path, inputs)
        layers, steps = self.layer_count - layers, self._step_count - steps
        self._instances[key] = Instance(call, region, layers, steps)
        return region

    def _has_room(self, known: Instance) -> bool:
        """Whether the bounds allow for all of a block; else they are to be told where they are met."""
        layers, steps = self.layer_count + known.layers, self._step_count + known.steps
        return layers <= self.bounds.layers and steps <= self.bounds.steps

    def new_block(self, call: Call, path: str, inputs: tuple[Value, ...]) -> Region:
        """A block that is expanded here."""
        row = Row(inputs, self.ids)
        labels = count_labels(self.lookup, call.definition.body, call.arguments)
        decided: list[Decided] = []
        self._expand(call, row, Names(path, labels), path, decided)
        return self._called("block", call, row, path, tuple(decided))

    def _expand(
        self, call: Call, row: Row, names: Names, path: str, decided: list[Decided]
    ) -> None:
        """Add the body of a block to a row.

        ``path`` is that of the block that is no inline one, to ``decided`` is added what decides about it.
        """
        definition, calls = call.definition, call.calls
        if any(name == definition.name for name, _ in calls):
            route = " → ".join([*(name for name, _ in calls), definition.name])
            raise fail("NS226", f"block `{definition.name}` calls itself: {route}", call.span)
        check_definition(definition)
        environment = dict(call.arguments)
        environment["in_channels"] = row.type.channels
        environment["in_size"] = list(row.type.size)
        calls = (*calls, (definition.name, call.span))
        entering = dict(zip(definition.inputs, row.inputs, strict=False))
        scope = Scope(environment, names, entering, calls, definition.name, path_of_block=path)
        scope.decided = decided
        self._evaluate_let(definition.let, scope)
        for name, value in environment.items():
            if isinstance(value, StepsValue) and value.environment is None:
                environment[name] = dataclasses.replace(
                    value, environment=environment, calls=scope.calls, label=scope.label
                )
        with tracing(calls):
            self.steps(definition.body, row, scope, definition.span)
            row.values = combinators.results_of(definition, row, scope, self.lookup)

    def _evaluate_let(self, let: Mapping[str, Expression], scope: Scope) -> None:
        """Add the derived values to the scope, each seeing those before it."""
        for name, expression in let.items():
            with self.lookup.attempt(scope.calls):
                scope.environment[name] = expression.evaluate(scope.environment)
            scope.environment.setdefault(name, UNKNOWN)

    def _called(
        self,
        kind: Any,
        call: Call,
        row: Row,
        path: str = "",
        decided: tuple[Decided, ...] = (),
    ) -> Region:
        """What a call came to."""
        return row.region(
            kind,
            path,
            definition=self.lookup.reader.definition(call.definition),
            arguments=given(call.arguments),
            span=call.span,
            formulas=call.formulas,
            indices=call.indices,
            decided=decided,
        )
