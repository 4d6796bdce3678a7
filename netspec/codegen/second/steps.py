"""Expands steps into nodes of the IR.

The same code makes concrete networks and, on varying numbers, the generalised body of a block.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netspec.codegen.second import combinators, tree
from netspec.codegen.second.calls import CallExpander, decision, noted_at
from netspec.codegen.second.choices import choose
from netspec.codegen.second.combinators import reference
from netspec.codegen.second.layers import Noted, make_layer
from netspec.codegen.second.scope import (
    Environment,
    Scope,
)
from netspec.elaborate.bounds import MAX_NESTING, RAISE_LAYERS, Bounds
from netspec.errors import Span, fail
from netspec.ops import OPS
from netspec.schema.syntax import (
    AttributeValue,
    BlockDefinition,
    BranchesAction,
    CallAction,
    ConcatAction,
    Defaults,
    GateAction,
    OpAction,
    PassAction,
    RepeatAction,
    ResidualAction,
    SequenceAction,
    Step,
    WhenAction,
)
from netspec.symbolic import Varying
from netspec.types import TensorType


class Elaborator(CallExpander):
    """Expands the steps of one spec; its arguments are those of :class:`Lookup`."""

    def __init__(
        self,
        definitions: Mapping[str, BlockDefinition],
        defaults: Defaults,
        environment: Environment,
        folder: Path | None,
        bounds: Bounds | None = None,
    ) -> None:
        super().__init__(definitions, defaults, environment, folder)
        self.bounds = bounds or Bounds()
        self.restart_counts()

    def restart_counts(self) -> None:
        """Forget what was expanded: the bounds on layers and steps hold for what comes."""
        self.layer_count = 0
        self._step_count = 0
        self._nesting = 0

    # Steps

    def steps(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None = None
    ) -> tree.Sequence:
        """Expand steps that run in order."""
        self._step_count += 1 + len(steps)
        if self._step_count > self.bounds.steps:
            message = f"more than {self.bounds.steps:,} steps"
            raise fail("NS502", message, span, help=RAISE_LAYERS)
        if self._nesting == MAX_NESTING:
            raise fail("NS507", f"steps nested deeper than {MAX_NESTING} levels", span)
        self._nesting += 1
        try:
            return self._in_order(steps, source, scope, span)
        finally:
            self._nesting -= 1

    def _in_order(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None
    ) -> tree.Sequence:
        items: list[tree.Node] = []
        current = source
        for step in steps:
            node = self.step(step, current, scope)
            items.append(node)
            current = node.target
        return tree.Sequence(source=source, target=current, items=tuple(items), span=span)

    def step(self, step: Step, source: TensorType, scope: Scope) -> tree.Node:
        """Expand one step: its inputs, what it does, and the name of its result."""
        taken: tree.Node | None = None
        if step.inputs:
            taken = reference(step, source, scope)
        node = self._action(step, taken.target if taken else source, scope)
        if taken:
            node = tree.Sequence(
                source=source, target=node.target, items=(taken, node), span=step.span
            )
        if step.result:
            if step.result in scope.results:
                message = f"the name `{step.result}` is taken in this block"
                raise fail("NS224", message, step.place("as"))
            node = tree.Tap(
                source=source, target=node.target, name=step.result, body=node, span=step.span
            )
            scope.results[step.result] = node
        return node

    def _action(self, step: Step, source: TensorType, scope: Scope) -> tree.Node:
        action = step.action
        if step.name is not None and isinstance(action, RepeatAction | WhenAction):
            return self._container(step, source, scope)
        match action:
            case OpAction():
                return self._op(step, action, source, scope)
            case CallAction():
                return self._call(step, action, source, scope)
            case ResidualAction():
                return combinators.residual(self.steps, step, action, source, scope)
            case GateAction():
                return combinators.gate(self.steps, step, action, source, scope)
            case ConcatAction():
                return combinators.concat(self.steps, step, action, source, scope)
            case BranchesAction():
                return combinators.branches(self.steps, step, action, source, scope)
            case RepeatAction():
                return self._repeat(step, action, source, scope)
            case WhenAction():
                return self._when(step, action, source, scope)
            case SequenceAction():
                return combinators.sequence(self.steps, step, action, source, scope)
            case PassAction():
                return tree.Sequence(source=source, target=source, items=(), span=step.span)

    def _container(self, step: Step, source: TensorType, scope: Scope) -> tree.Node:
        """What has no level of names of its own, as a sequence under the name that the step gives."""
        inner = dataclasses.replace(step, name=None, result=None, inputs=())
        whole = SequenceAction((inner,))
        return combinators.sequence(self.steps, step, whole, source, scope)

    def _when(self, step: Step, action: WhenAction, source: TensorType, scope: Scope) -> tree.Node:
        place = scope.place(source)
        test = action.test.evaluate(place)
        values = test.values if isinstance(test, Varying) else (test,)
        if not all(isinstance(value, bool) for value in values if value is not None):
            raise fail(
                "NS205", "`test` must be true or false; write a comparison", action.test.span
            )

        def expand(steps: tuple[Step, ...]) -> Callable[[], tree.Sequence]:
            return lambda: self.steps(steps, source, scope, step.span)

        noted = decision("when", self.test(action, action.test.node, scope), test, scope)
        node = choose(
            test,
            expand(action.then),
            expand(action.other),
            self.count_labels(action.then, scope.environment),
            self.count_labels(action.other, scope.environment),
            scope,
        )
        return noted_at(node, noted) if isinstance(node, tree.Sequence) else node

    def _repeat(
        self, step: Step, action: RepeatAction, source: TensorType, scope: Scope
    ) -> tree.Sequence:
        test = self.test(action, action.times.node, scope)
        noted = decision("repeat", test, None, scope)
        node = combinators.repeat(self.steps, step, action, source, scope, self.bounds)
        return noted_at(node, dataclasses.replace(noted, outcome=len(node.items)))

    def _op(
        self,
        step: Step,
        action: OpAction,
        source: TensorType,
        scope: Scope,
        role: Mapping[str, AttributeValue] | None = None,
    ) -> tree.Layer:
        """A layer; ``role`` holds the attributes that the spec's role gives below the step's own."""
        self.count_layers(1, step.span)
        kind = OPS[action.kind]
        path = scope.path(step, kind.label, source, kind.numbered)
        defaults, formulas = self.op_in_scope(action, role, scope.label)
        outer: dict[str, Any] = {}
        if defaults:
            place = {"channels": source.channels, "size": list(source.size)}
            outer = {**self.environment, **place}
        noted = (formulas, scope.indices)
        return self.layer(step, action, source, path, scope.place(source), defaults, outer, noted)

    def count_layers(self, count: int, span: Span) -> None:
        """Count layers; raises :class:`NetspecError` beyond the bound."""
        self.layer_count += count
        if self.layer_count > self.bounds.layers:
            message = f"more than {self.bounds.layers:,} layers"
            raise fail("NS502", message, span, help=RAISE_LAYERS)

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
        """A layer at ``path``; see :func:`~netspec.codegen.second.layers.make_layer`."""
        return make_layer(step, action, source, path, environment, defaults, outer, noted)
