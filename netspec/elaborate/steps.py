"""Expands steps into nodes of the IR.

The same code makes concrete networks and, on varying numbers, the generalised body of a block.
"""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netspec import ir
from netspec.elaborate import combinators
from netspec.elaborate.arguments import bind_arguments
from netspec.elaborate.bounds import MAX_NESTING, RAISE_LAYERS, Bounds
from netspec.elaborate.choices import choose
from netspec.elaborate.combinators import identity, reference
from netspec.elaborate.labels import count_labels
from netspec.elaborate.layers import make_layer
from netspec.elaborate.lookup import Lookup, check_param
from netspec.elaborate.scope import (
    ROLES,
    BlockValue,
    Environment,
    Names,
    Scope,
    StepsValue,
    check_declared,
    fill_template,
)
from netspec.errors import Diagnostic, NetspecError, Span, fail
from netspec.expr import Expression
from netspec.ops import OPS
from netspec.schema.bind import bind_attributes
from netspec.schema.syntax import (
    Argument,
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
from netspec.unknown import UNKNOWN, require_known


class Elaborator(Lookup):
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
        self._slots: list[StepsValue] = []

    def count_labels(self, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
        """How many layers of each label these steps name automatically."""
        return count_labels(self, steps, environment)

    # Steps

    def steps(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None = None
    ) -> ir.Sequence:
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
    ) -> ir.Sequence:
        items: list[ir.Node] = []
        current = source
        for step in steps:
            node = self.step(step, current, scope)
            items.append(node)
            current = node.target
        return ir.Sequence(source=source, target=current, items=tuple(items), span=span)

    def step(self, step: Step, source: TensorType, scope: Scope) -> ir.Node:
        """Expand one step: its inputs, what it does, and the name of its result."""
        taken: ir.Node | None = None
        if step.inputs:
            taken = reference(step, source, scope)
        node = self._action(step, taken.target if taken else source, scope)
        if taken:
            node = ir.Sequence(
                source=source, target=node.target, items=(taken, node), span=step.span
            )
        if step.result:
            if step.result in scope.results:
                message = f"the name `{step.result}` is taken in this block"
                raise fail("NS224", message, step.place("as"))
            node = ir.Tap(
                source=source, target=node.target, name=step.result, body=node, span=step.span
            )
            scope.results[step.result] = node
        return node

    def _action(self, step: Step, source: TensorType, scope: Scope) -> ir.Node:
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
                return combinators.repeat(self.steps, step, action, source, scope, self.bounds)
            case WhenAction():
                return self._when(step, action, source, scope)
            case SequenceAction():
                return combinators.sequence(self.steps, step, action, source, scope)
            case PassAction():
                return ir.Sequence(source=source, target=source, items=(), span=step.span)

    def _container(self, step: Step, source: TensorType, scope: Scope) -> ir.Node:
        """What has no level of names of its own, as a sequence under the name that the step gives."""
        inner = dataclasses.replace(step, name=None, result=None, inputs=())
        whole = SequenceAction((inner,))
        return combinators.sequence(self.steps, step, whole, source, scope)

    def _when(self, step: Step, action: WhenAction, source: TensorType, scope: Scope) -> ir.Node:
        place = scope.place(source)
        test = action.test.evaluate(place)
        values = test.values if isinstance(test, Varying) else (test,)
        if not all(isinstance(value, bool) for value in values if value is not None):
            raise fail(
                "NS205", "`test` must be true or false; write a comparison", action.test.span
            )

        def expand(steps: tuple[Step, ...]) -> Callable[[], ir.Sequence]:
            return lambda: self.steps(steps, source, scope, step.span)

        return choose(
            test,
            expand(action.then),
            expand(action.other),
            self.count_labels(action.then, scope.environment),
            self.count_labels(action.other, scope.environment),
            scope,
        )

    def _op(
        self,
        step: Step,
        action: OpAction,
        source: TensorType,
        scope: Scope,
        role: Mapping[str, AttributeValue] | None = None,
    ) -> ir.Layer:
        """A layer; ``role`` holds the attributes that the spec's role gives below the step's own."""
        self.count_layers(1, step.span)
        kind = OPS[action.kind]
        path = scope.path(step, kind.label, source, kind.numbered)
        defaults = {**self.defaults.attributes.get(action.kind, {}), **(role or {})}
        outer = {**self.environment, "channels": source.channels, "size": list(source.size)}
        return self.layer(step, action, source, path, scope.place(source), defaults, outer)

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
    ) -> ir.Layer:
        """A layer at ``path``; see :func:`~netspec.elaborate.layers.make_layer`."""
        return make_layer(step, action, source, path, environment, defaults, outer)

    # Calls

    def _call(self, step: Step, action: CallAction, source: TensorType, scope: Scope) -> ir.Node:
        value = require_known(scope.environment.get(action.target))
        if isinstance(value, StepsValue):
            return self._slot(step, action, value, source, scope)
        if action.target in ROLES and not isinstance(value, BlockValue):
            return self._role_step(step, action, source, scope)
        if isinstance(value, BlockValue):
            definition = value.definition
        else:
            definition = self.find_step(action.target, scope.environment, step.span)
        return self._block(step, action, definition, source, scope)

    def _slot(
        self, step: Step, action: CallAction, value: StepsValue, source: TensorType, scope: Scope
    ) -> ir.Node:
        if action.arguments:
            raise fail("NS206", f"the slot `{action.target}` takes no arguments", step.span)
        if any(value is active for active in self._slots):
            raise fail("NS226", f"the slot `{action.target}` contains itself", step.span)
        if step.name is not None:
            return self._container(step, source, scope)
        written_in = scope.environment if value.environment is None else value.environment
        inner = Scope(dict(written_in), scope.names, {}, value.calls or ())

        def expand() -> ir.Sequence:
            self._slots.append(value)
            try:
                return self.steps(value.steps, source, inner, step.span)
            finally:
                self._slots.pop()

        if value.flag is None:
            return expand()
        width = self.count_labels(value.steps, written_in)
        return choose(value.flag, expand, lambda: identity(source), width, Counter(), scope)

    def _role_step(
        self, step: Step, action: CallAction, source: TensorType, scope: Scope
    ) -> ir.Node:
        role = self.role(action.target)
        inner = role.action
        if isinstance(inner, OpAction):
            raw = {name: argument.value for name, argument in action.arguments.items()}
            own = OpAction(inner.kind, bind_attributes(inner.kind, raw, action.spans), action.spans)
            return self._op(step, own, source, scope, inner.attributes)
        if action.arguments:
            raise fail(
                "NS206",
                f"the role `{action.target}` is no single op; it takes no arguments",
                step.span,
            )
        if any(name == action.target for name, _ in scope.calls):
            raise fail("NS226", f"the role `{action.target}` calls itself", step.span)
        calls = (*scope.calls, (action.target, step.span))
        outer = Scope(dict(self.environment), scope.names, {}, calls)
        place = scope.place(source)
        name = step.name and fill_template(step.name, place, step.place("name"))
        return self._action(dataclasses.replace(role, name=name), source, outer)

    def _block(
        self,
        step: Step,
        action: CallAction,
        definition: BlockDefinition,
        source: TensorType,
        scope: Scope,
    ) -> ir.Node:
        if definition.inline and step.name is not None:
            return self._container(step, source, scope)
        bound = self.bind_arguments(definition, action.arguments, scope.place(source), step.span)
        given = {name: _written_at(value, scope) for name, value in bound.items()}
        if definition.inline:
            return self.expand(definition, given, source, scope.names, scope.calls, step.span)
        path = scope.path(step, definition.label, source)
        return self.block(definition, given, source, path, scope.calls, step.span)

    def block(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Any],
        source: TensorType,
        path: str,
        calls: tuple[tuple[str, Span], ...],
        span: Span,
    ) -> ir.Block:
        """An instance of a block under a path of its own."""
        environment = dict(arguments)
        names = Names(path, self.count_labels(definition.body, environment))
        body = self.expand(definition, arguments, source, names, calls, span)
        return ir.Block(
            source=source,
            target=body.target,
            path=path,
            definition=definition,
            arguments=arguments,
            body=body,
            span=span,
        )

    def expand(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Any],
        source: TensorType,
        names: Names,
        calls: tuple[tuple[str, Span], ...],
        span: Span,
        local: dict[str, Varying] | None = None,
    ) -> ir.Sequence:
        """The body of a block at these arguments."""
        if any(name == definition.name for name, _ in calls):
            route = " → ".join([*(name for name, _ in calls), definition.name])
            raise fail("NS226", f"block `{definition.name}` calls itself: {route}", span)
        check_definition(definition)
        environment = dict(arguments)
        environment["in_channels"] = source.channels
        environment["in_size"] = list(source.size)
        scope = Scope(environment, names, {}, (*calls, (definition.name, span)), local)
        self.evaluate_let(definition.let, scope)
        for name, value in environment.items():
            if isinstance(value, StepsValue) and value.environment is None:
                environment[name] = dataclasses.replace(
                    value, environment=environment, calls=scope.calls
                )
        try:
            return self.steps(definition.body, source, scope, definition.span)
        except NetspecError as error:
            raise _with_call(error, f"block `{definition.name}`, called", span) from None

    def evaluate_let(self, let: Mapping[str, Any], scope: Scope) -> None:
        """Add the derived values to the scope, each seeing those before it."""
        for name, expression in let.items():
            with self.attempt(scope.calls):
                scope.environment[name] = self._let_value(name, expression, scope)
            scope.environment.setdefault(name, UNKNOWN)

    @staticmethod
    def _let_value(name: str, expression: Expression, scope: Scope) -> Any:
        value = expression.evaluate(scope.environment)
        if (
            scope.local is not None
            and isinstance(value, Varying)
            and not isinstance(value.node, ast.Name | None)
        ):
            scope.local[name] = value
            return Varying(ast.Name(name), value.values, value.kept)
        return value

    def bind_arguments(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Argument],
        environment: Environment,
        span: Span,
    ) -> dict[str, Any]:
        """The value of every parameter of a block, given or by default."""
        return bind_arguments(definition, arguments, environment, span, self.find_block)


def check_definition(definition: BlockDefinition) -> None:
    """The names that a block declares must not hide each other or words of the language."""
    for param in definition.params.values():
        check_param(param)
    for name, value in definition.let.items():
        check_declared(name, value.span, "value")
        if name in definition.params:
            raise fail("NS223", f"value `{name}` hides a parameter", value.span)


def _written_at(value: Any, scope: Scope) -> Any:
    """An argument that a step of ``scope`` gives; steps that it does not pass on are its own."""
    fresh = isinstance(value, StepsValue) and value.environment is not None and value.calls is None
    return dataclasses.replace(value, calls=scope.calls) if fresh else value


def _with_call(error: NetspecError, what: str, span: Span) -> NetspecError:
    """The same error with the call that led there."""
    return NetspecError(
        [
            dataclasses.replace(d, trace=(*d.trace, (what, span)))
            if isinstance(d, Diagnostic) and len(d.trace) < 8
            else d
            for d in error.diagnostics
        ]
    )
