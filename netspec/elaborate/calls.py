"""Expands calls: slots, roles and blocks, each under the names that it sees."""

from __future__ import annotations

import ast
import dataclasses
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from netspec import tree
from netspec.elaborate.arguments import bind_arguments
from netspec.elaborate.choices import choose
from netspec.elaborate.combinators import identity
from netspec.elaborate.labels import count_labels
from netspec.elaborate.lookup import Calls, Lookup, check_definition
from netspec.elaborate.scope import (
    ROLES,
    BlockValue,
    Environment,
    Names,
    Scope,
    StepsValue,
    fill_template,
)
from netspec.errors import NetspecError, Span, fail
from netspec.expr import Expression
from netspec.schema.bind import bind_attributes
from netspec.schema.syntax import (
    Argument,
    AttributeValue,
    BlockDefinition,
    CallAction,
    OpAction,
    Step,
)
from netspec.symbolic import Varying
from netspec.types import TensorType
from netspec.unknown import UNKNOWN, require_known

MAX_TRACE = 8


class CallExpander(Lookup):
    """Expands the steps that call something; what is no call is left to its subclass."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._slots: list[StepsValue] = []

    @abstractmethod
    def steps(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None = None
    ) -> tree.Sequence:
        """Expand steps that run in order."""

    @abstractmethod
    def _action(self, step: Step, source: TensorType, scope: Scope) -> tree.Node:
        """Expand what a step does."""

    @abstractmethod
    def _op(
        self,
        step: Step,
        action: OpAction,
        source: TensorType,
        scope: Scope,
        role: Mapping[str, AttributeValue] | None = None,
    ) -> tree.Layer:
        """A layer; ``role`` holds the attributes that the spec's role gives below the step's own."""

    @abstractmethod
    def _container(self, step: Step, source: TensorType, scope: Scope) -> tree.Node:
        """What has no level of names of its own, as a sequence under the name that the step gives."""

    def count_labels(self, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
        """How many layers of each label these steps name automatically."""
        return count_labels(self, steps, environment)

    def _call(self, step: Step, action: CallAction, source: TensorType, scope: Scope) -> tree.Node:
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
    ) -> tree.Node:
        if action.arguments:
            raise fail("NS206", f"the slot `{action.target}` takes no arguments", step.span)
        if any(value is active for active in self._slots):
            raise fail("NS226", f"the slot `{action.target}` contains itself", step.span)
        if step.name is not None:
            return self._container(step, source, scope)
        written_in = scope.environment if value.environment is None else value.environment
        inner = Scope(dict(written_in), scope.names, {}, value.calls or ())

        def expand() -> tree.Sequence:
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
    ) -> tree.Node:
        role = self.role(action.target)
        inner = role.action
        if isinstance(inner, OpAction):
            own = _as_op(action, inner.kind)
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
    ) -> tree.Node:
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
        calls: Calls,
        span: Span,
    ) -> tree.Block:
        """An instance of a block under a path of its own."""
        environment = dict(arguments)
        names = Names(path, self.count_labels(definition.body, environment))
        body = self.expand(definition, arguments, source, names, calls, span)
        return tree.Block(
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
        calls: Calls,
        span: Span,
        local: dict[str, Varying] | None = None,
    ) -> tree.Sequence:
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


def _written_at(value: Any, scope: Scope) -> Any:
    """An argument that a step of ``scope`` gives; steps that it does not pass on are its own."""
    fresh = isinstance(value, StepsValue) and value.environment is not None and value.calls is None
    return dataclasses.replace(value, calls=scope.calls) if fresh else value


def _with_call(error: NetspecError, what: str, span: Span) -> NetspecError:
    """The same error with the call that led there."""
    return NetspecError(
        [
            dataclasses.replace(d, trace=(*d.trace, (what, span)))
            if len(d.trace) < MAX_TRACE
            else d
            for d in error.diagnostics
        ]
    )


_AS_OP: WeakKeyDictionary[CallAction, dict[str, OpAction]] = WeakKeyDictionary()


def _as_op(action: CallAction, kind: str) -> OpAction:
    """What a step gives to a role that is the op ``kind``; made once, for all blocks with the step."""
    known = _AS_OP.setdefault(action, {})
    if kind not in known:
        raw = {name: argument.value for name, argument in action.arguments.items()}
        attributes = bind_attributes(kind, raw, action.spans) if raw else {}
        known[kind] = OpAction(kind, attributes, action.spans)
    return known[kind]
