"""Expands calls: slots, roles and blocks, each under the names that it sees."""

from __future__ import annotations

import ast
import dataclasses
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal
from weakref import WeakKeyDictionary

from netspec.codegen.second import tree
from netspec.codegen.second.arguments import bind_arguments
from netspec.codegen.second.choices import choose
from netspec.codegen.second.combinators import identity
from netspec.codegen.second.labels import count_labels
from netspec.codegen.second.layers import Noted
from netspec.codegen.second.lookup import Calls, Lookup, check_definition
from netspec.codegen.second.scope import (
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
from netspec.ir.formula import Formula, Formulas, of_arguments, of_attributes
from netspec.schema.bind import bind_attributes
from netspec.schema.syntax import (
    Action,
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

Attributes = Mapping[str, AttributeValue]


class CallExpander(Lookup):
    """Expands the steps that call something; what is no call is left to its subclass."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._slots: list[StepsValue] = []
        self._ops: dict[tuple[Any, ...], tuple[Attributes, Formulas]] = {}
        self._formulas: dict[tuple[Any, ...], Formulas] = {}
        self._tests: dict[tuple[Any, ...], Formula] = {}

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
        inner = Scope(
            dict(written_in),
            scope.names,
            calls=value.calls or (),
            label=value.label,
            indices=value.indices,
        )

        def expand() -> tree.Sequence:
            self._slots.append(value)
            try:
                return self.steps(value.steps, source, inner, step.span)
            finally:
                self._slots.pop()

        if value.flag is None:
            test = self.test(action, ast.Name(action.target), scope)
            decided = decision("slot", test, bool(value.steps), scope)
            return noted_at(expand(), decided)
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
        formulas = self.formulas_of_call(definition, action.arguments, scope.label)
        if definition.inline:
            body = self.expand(definition, given, source, scope.names, scope.calls, step.span)
            expansion = tree.Expansion(
                kind="inline",
                definition=definition,
                arguments=given,
                formulas=formulas,
                indices=scope.indices,
            )
            return noted_at(body, expansion)
        path = scope.path(step, definition.label, source)
        noted = (formulas, scope.indices)
        return self.block(definition, given, source, path, scope.calls, step.span, noted)

    # What is noted for formulas: made once for each place in the text

    def op_in_scope(
        self, action: OpAction, role: Attributes | None, label: str
    ) -> tuple[Attributes, Formulas]:
        """What fills the attributes that an op leaves open, and the formulas of all attributes.

        ``role`` holds those that the spec's role gives, ``label`` is the scope of the op's own.
        """
        key = (action, id(role), label)
        found = self._ops.get(key)
        if found is None:
            defaults = {**self.defaults.attributes.get(action.kind, {}), **(role or {})}
            formulas = of_attributes(action.attributes, label, defaults)
            found = self._ops[key] = (defaults, formulas)
        return found

    def formulas_of_call(
        self, definition: BlockDefinition, arguments: Mapping[str, Argument], label: str
    ) -> Formulas:
        """The formulas of a call's arguments, given in the scope called ``label`` or by default."""
        key = (definition, label, *arguments.values())
        found = self._formulas.get(key)
        if found is None:
            found = of_arguments(definition.params, arguments, label, definition.name)
            self._formulas[key] = found
        return found

    def test(self, action: Action, node: ast.expr, scope: Scope) -> Formula:
        """The formula of what decides about ``action``."""
        key = (action, scope.label)
        found = self._tests.get(key)
        if found is None:
            found = self._tests[key] = Formula(node, scope.label)
        return found

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
        """An instance of a block under a path of its own; ``noted`` is kept beside its arguments."""
        environment = dict(arguments)
        names = Names(path, self.count_labels(definition.body, environment))
        body = self.expand(definition, arguments, source, names, calls, span)
        formulas, indices = noted
        return tree.Block(
            source=source,
            target=body.target,
            path=path,
            definition=definition,
            arguments=arguments,
            body=body,
            span=span,
            formulas=formulas,
            indices=indices,
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
        calls = (*calls, (definition.name, span))
        scope = Scope(environment, names, {}, calls, local, definition.name)
        self.evaluate_let(definition.let, scope)
        for name, value in environment.items():
            if isinstance(value, StepsValue) and value.environment is None:
                environment[name] = dataclasses.replace(
                    value, environment=environment, calls=scope.calls, label=scope.label
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
    if not fresh:
        return value
    return dataclasses.replace(value, calls=scope.calls, label=scope.label, indices=scope.indices)


def noted_at(node: tree.Sequence, expansion: tree.Expansion) -> tree.Sequence:
    """The same steps, with a note of what they came from."""
    return tree.Sequence(
        source=node.source,
        target=node.target,
        span=node.span,
        items=node.items,
        path=node.path,
        expansion=expansion,
    )


def decision(
    kind: Literal["when", "slot", "repeat"], test: Formula, outcome: Any, scope: Scope
) -> tree.Expansion:
    """What was decided by ``test``, noted ahead of the steps that it concerns."""
    names = scope.names
    position = names.position if names.indexed else None
    return tree.Expansion(
        kind=kind, test=test, outcome=outcome, position=position, indices=scope.indices
    )


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
