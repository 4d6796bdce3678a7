"""Expands steps into nodes of the IR: one method per kind of step.

The same code makes concrete networks and, on varying numbers, the generalised body of a block.
"""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netspec import ir, library
from netspec.elaborate.arguments import (
    default_attribute,
    evaluate_argument,
    evaluate_attribute,
    unknown_argument,
)
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
from netspec.errors import Diagnostic, NetspecError, Span, did_you_mean, fail
from netspec.ops import OPS, OpError, attributes_of
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
from netspec.source import SpanTree
from netspec.symbolic import Diverges, Varying, active, merge, only, vary
from netspec.types import TensorType

MAX_LAYERS = 50_000
MAX_REPEAT = 10_000
MAX_CHANNELS = 2**24

LANGUAGE_ROLES: Mapping[str, str] = {"norm": "batch_norm", "act": "relu"}


class Elaborator:
    """Expands the steps of one spec.

    Args:
        definitions: the blocks that the spec itself declares.
        defaults: attributes and roles of the spec.
        environment: the spec's parameters, which defaults are evaluated under.
        folder: where a user's own block files stand; None when the spec is no file.
    """

    def __init__(
        self,
        definitions: Mapping[str, BlockDefinition],
        defaults: Defaults,
        environment: Environment,
        folder: Path | None,
    ) -> None:
        self.definitions = definitions
        self.defaults = defaults
        self.environment = environment
        self.folder = folder
        self.layer_count = 0
        self._found: dict[str, BlockDefinition] = {}
        for name, definition in definitions.items():
            check_declared(name, definition.span, "block", is_step=True)
            if name in library.built_in_blocks():
                raise fail("NS303", f"block `{name}` hides a built-in block", definition.span)

    # Looking things up

    def find_block(self, name: str, span: Span) -> BlockDefinition:
        """The block called ``name``: the spec's own, built in, or beside the spec."""
        if name in self.definitions:
            return self.definitions[name]
        if name not in self._found:
            found = self._load_block(name)
            if found is None:
                known = {*self.definitions, *library.built_in_blocks()}
                raise fail("NS207", f"unknown block `{name}`", span, help=did_you_mean(name, known))
            self._found[name] = found
        return self._found[name]

    def _load_block(self, name: str) -> BlockDefinition | None:
        if name in library.built_in_blocks():
            return library.built_in_block(name)
        return library.user_block(self.folder, name) if self.folder else None

    def _role(self, name: str) -> Step:
        role = self.defaults.roles.get(name)
        if role is not None:
            return role
        kind = LANGUAGE_ROLES[name]
        span = Span("<language>", 1, 1, 1, 1)
        return Step(OpAction(kind, {}, _no_spans(span)), span)

    # Naming

    def count_labels(self, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
        """How many layers of each label these steps name automatically, both branches of `when` seen."""
        total: Counter[str] = Counter()
        for step in steps:
            total += self._count_step(step, environment)
        return total

    def _count_step(self, step: Step, environment: Environment) -> Counter[str]:
        action = step.action
        own = Counter[str]()
        if len(step.inputs) > 1:
            own["join"] += 1
        match action:
            case OpAction():
                return own + (Counter() if step.name else Counter([OPS[action.kind].label]))
            case ResidualAction():
                own["add"] += step.name is None
                return own + self.count_labels((*action.body, *action.shortcut), environment)
            case GateAction():
                own["mul"] += step.name is None
                return own + self.count_labels(action.body, environment)
            case ConcatAction():
                own["cat"] += step.name is None
                return own + self.count_labels(action.body, environment)
            case BranchesAction():
                own[_merge_label(action.merge)] += step.name is None
                for path in action.paths.values():
                    own += self.count_labels(path, environment)
                return own
            case RepeatAction():
                body = self.count_labels(action.body, environment)
                return own + body + body  # several, however many: that is all a name depends on
            case WhenAction():
                then = self.count_labels(action.then, environment)
                return own + (then | self.count_labels(action.other, environment))
            case SequenceAction():
                return own if step.name else own + self.count_labels(action.steps, environment)
            case CallAction():
                return own + self._count_call(step, action, environment)
            case PassAction():
                return own

    def _count_call(self, step: Step, action: CallAction, environment: Environment) -> Counter[str]:
        value = environment.get(action.target)
        if isinstance(value, StepsValue):
            written_in = environment if value.environment is None else value.environment
            return self.count_labels(value.steps, written_in)
        if isinstance(value, BlockValue):
            definition = value.definition
        elif action.target in ROLES:
            role = self._role(action.target)
            return self._count_step(dataclasses.replace(role, name=step.name), self.environment)
        else:
            definition = self.find_block(action.target, step.span)
        if not definition.inline:
            return Counter() if step.name else Counter([definition.label])
        return self.count_labels(
            definition.body, self._static_arguments(definition, action, environment)
        )

    def _static_arguments(
        self, definition: BlockDefinition, action: CallAction, environment: Environment
    ) -> Environment:
        """The slots and blocks that a call passes: all that names depend on."""
        result: dict[str, Any] = {}
        for param in definition.params.values():
            if param.type in ("steps", "block"):
                given = action.arguments.get(param.name)
                scope = environment if given else result
                argument = given or param.default
                if argument is not None:
                    result[param.name] = evaluate_argument(param, argument, scope, self.find_block)
        return result

    # Steps

    def steps(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None = None
    ) -> ir.Sequence:
        """Expand steps that run in order."""
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
            taken = self._reference(step, source, scope)
        node = self._action(step, taken.target if taken else source, scope)
        if taken:
            node = ir.Sequence(
                source=source, target=node.target, items=(taken, node), span=step.span
            )
        if step.result:
            if step.result in scope.results:
                raise fail("NS304", f"the name `{step.result}` is taken in this block", step.span)
            node = ir.Tap(
                source=source, target=node.target, name=step.result, body=node, span=step.span
            )
            scope.results[step.result] = node
        return node

    def _reference(self, step: Step, source: TensorType, scope: Scope) -> ir.Reference:
        types = []
        for name in step.inputs:
            if name not in scope.results:
                raise fail(
                    "NS305",
                    f"no earlier step of this block is named `{name}`",
                    step.span,
                    help=did_you_mean(name, scope.results),
                )
            types.append(scope.results[name].target)
        target = types[0]
        path = ""
        if len(types) > 1:
            path = scope.names.automatic("join", False)
            target = self._merged(types, step.merge, step.span, path)
        return ir.Reference(
            source=source,
            target=target,
            path=path,
            names=step.inputs,
            merge=step.merge,
            span=step.span,
        )

    def _action(self, step: Step, source: TensorType, scope: Scope) -> ir.Node:
        action = step.action
        match action:
            case OpAction():
                return self._op(step, action, source, scope, self._place(scope, source))
            case CallAction():
                return self._call(step, action, source, scope)
            case ResidualAction():
                return self._residual(step, action, source, scope)
            case GateAction():
                return self._gate(step, action, source, scope)
            case ConcatAction():
                return self._concat(step, action, source, scope)
            case BranchesAction():
                return self._branches(step, action, source, scope)
            case RepeatAction():
                return self._repeat(step, action, source, scope)
            case WhenAction():
                return self._when(step, action, source, scope)
            case SequenceAction():
                return self._sequence(step, action, source, scope)
            case PassAction():
                return ir.Sequence(source=source, target=source, items=(), span=step.span)

    @staticmethod
    def _place(scope: Scope, source: TensorType) -> dict[str, Any]:
        """The names that an expression sees at this place."""
        return {**scope.environment, "channels": source.channels, "size": list(source.size)}

    def _path(
        self, step: Step, label: str, numbered: bool, scope: Scope, source: TensorType
    ) -> str:
        if step.name is None:
            return scope.names.automatic(label, numbered)
        name = fill_template(step.name, self._place(scope, source), step.span)
        return scope.names.explicit(name, step.span)

    # Ops

    def _op(
        self,
        step: Step,
        action: OpAction,
        source: TensorType,
        scope: Scope,
        environment: Environment,
        role: Mapping[str, AttributeValue] | None = None,
    ) -> ir.Layer:
        """A layer; ``role`` holds the attributes that the spec's role gives below the step's own."""
        kind = OPS[action.kind]
        path = self._path(step, kind.label, kind.numbered, scope, source)
        defaults = {**self.defaults.attributes.get(action.kind, {}), **(role or {})}
        outer = {**self.environment, "channels": source.channels, "size": list(source.size)}
        rank = source.rank
        values: dict[str, Any] = {}
        for name, info in attributes_of(kind).items():
            own = action.attributes.get(name)
            if own is not None:
                values[name] = evaluate_attribute(name, info.type, own, environment, rank)
            elif name in defaults:
                values[name] = evaluate_attribute(name, info.type, defaults[name], outer, rank)
            elif info.required:
                raise fail(
                    "NS208", f"`{action.kind}` needs `{name}`: {info.doc}", step.span, path=path
                )
            else:
                values[name] = default_attribute(info.type, info.default, rank)
        self._count_layer(step.span)
        try:
            op = kind(**values).resolve(source)
            target = op.infer(source)
        except OpError as error:
            given = error.attribute in action.attributes if error.attribute else False
            span = action.spans.find((error.attribute,)) if given and error.attribute else step.span
            raise fail("NS401", error.message, span, help=error.help, path=path) from None
        if target.channels > MAX_CHANNELS * 256:
            raise fail("NS501", f"{target.channels:,} channels", step.span, path=path)
        return ir.Layer(source=source, target=target, path=path, op=op, span=step.span)

    def _count_layer(self, span: Span) -> None:
        self.layer_count += 1
        if self.layer_count > MAX_LAYERS:
            raise fail("NS501", f"more than {MAX_LAYERS:,} layers", span)

    # Calls

    def _call(self, step: Step, action: CallAction, source: TensorType, scope: Scope) -> ir.Node:
        value = scope.environment.get(action.target)
        if isinstance(value, StepsValue):
            return self._slot(step, action, value, source, scope)
        if action.target in ROLES and not isinstance(value, BlockValue):
            return self._role_step(step, action, source, scope)
        if isinstance(value, BlockValue):
            definition = value.definition
        else:
            definition = self._find_step(action, scope)
        return self._block(step, action, definition, source, scope)

    def _find_step(self, action: CallAction, scope: Scope) -> BlockDefinition:
        try:
            return self.find_block(action.target, action.spans.span)
        except NetspecError as error:
            if error.diagnostics[0].code != "NS207":
                raise
            slots = [n for n, v in scope.environment.items() if isinstance(v, StepsValue)]
            known = {*OPS, *ROLES, *slots, *self.definitions, *library.built_in_blocks()}
            raise fail(
                "NS207",
                f"`{action.target}` is no op, role, block or slot",
                action.spans.span,
                help=did_you_mean(action.target, known),
            ) from None

    def _slot(
        self, step: Step, action: CallAction, value: StepsValue, source: TensorType, scope: Scope
    ) -> ir.Node:
        if action.arguments:
            raise fail("NS206", f"the slot `{action.target}` takes no arguments", step.span)
        written_in = scope.environment if value.environment is None else value.environment
        inner = Scope(dict(written_in), scope.names, {}, scope.calls)

        def expand() -> ir.Sequence:
            return self.steps(value.steps, source, inner, step.span)

        if value.flag is None:
            return expand()
        width = self.count_labels(value.steps, written_in)
        return self._choose(value.flag, expand, lambda: _identity(source), width, Counter(), scope)

    def _role_step(
        self, step: Step, action: CallAction, source: TensorType, scope: Scope
    ) -> ir.Node:
        role = self._role(action.target)
        inner = role.action
        if isinstance(inner, OpAction):
            raw = {name: argument.value for name, argument in action.arguments.items()}
            own = OpAction(inner.kind, bind_attributes(inner.kind, raw, action.spans), action.spans)
            place = self._place(scope, source)
            return self._op(step, own, source, scope, place, inner.attributes)
        if action.arguments:
            raise fail(
                "NS206",
                f"the role `{action.target}` is no single op; it takes no arguments",
                step.span,
            )
        outer = Scope(dict(self.environment), scope.names, {}, scope.calls)
        return self._action(dataclasses.replace(role, name=step.name), source, outer)

    def _block(
        self,
        step: Step,
        action: CallAction,
        definition: BlockDefinition,
        source: TensorType,
        scope: Scope,
    ) -> ir.Node:
        given = self.bind_arguments(
            definition, action.arguments, self._place(scope, source), step.span
        )
        if definition.inline:
            return self.expand(definition, given, source, scope.names, scope.calls, step.span)
        path = self._path(step, definition.label, False, scope, source)
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
            raise fail("NS306", f"block `{definition.name}` calls itself: {route}", span)
        check_definition(definition)
        environment = dict(arguments)
        environment["in_channels"] = source.channels
        environment["in_size"] = list(source.size)
        scope = Scope(environment, names, {}, (*calls, (definition.name, span)), local)
        self.evaluate_let(definition.let, scope)
        for name, value in environment.items():
            if isinstance(value, StepsValue) and value.environment is None:
                environment[name] = dataclasses.replace(value, environment=environment)
        try:
            return self.steps(definition.body, source, scope, definition.span)
        except NetspecError as error:
            raise _with_call(error, f"block `{definition.name}`, called", span) from None

    @staticmethod
    def evaluate_let(let: Mapping[str, Any], scope: Scope) -> None:
        """Add the derived values to the scope, each seeing those before it."""
        for name, expression in let.items():
            value = expression.evaluate(scope.environment)
            if scope.local is not None and isinstance(value, Varying) and value.node is not None:
                if not isinstance(value.node, ast.Name):
                    scope.local[name] = value
                    value = Varying(ast.Name(name), value.values, value.kept)
            scope.environment[name] = value

    def bind_arguments(
        self,
        definition: BlockDefinition,
        arguments: Mapping[str, Argument],
        environment: Environment,
        span: Span,
    ) -> dict[str, Any]:
        """The value of every parameter of a block, given or by default."""
        for name, argument in arguments.items():
            if name not in definition.params:
                raise unknown_argument(
                    f"block `{definition.name}`", name, argument.span, definition.params
                )
        values: dict[str, Any] = {}
        for name, param in definition.params.items():
            given = arguments.get(name)
            if given is not None:
                values[name] = evaluate_argument(param, given, environment, self.find_block)
            elif param.default is not None:
                scope = values
                values[name] = evaluate_argument(param, param.default, scope, self.find_block)
                if isinstance(values[name], StepsValue):
                    # A slot's default is written in the block: it sees all of the block's names.
                    values[name] = dataclasses.replace(values[name], environment=None)
            else:
                raise fail(
                    "NS209", f"block `{definition.name}` needs `{name}` ({param.type})", span
                )
        return values

    # Combinators

    def _residual(
        self, step: Step, action: ResidualAction, source: TensorType, scope: Scope
    ) -> ir.Residual:
        path = self._path(step, "add", False, scope, source)
        body = self.steps(action.body, source, scope, step.span)
        shortcut = self.steps(action.shortcut, source, scope, step.span)
        if not _same_shape(body.target, shortcut.target):
            raise fail(
                "NS402",
                f"the shortcut gives {shortcut.target} and the body gives {body.target}",
                step.span,
                path=path,
                help=_residual_help(source, body.target, bool(action.shortcut)),
            )
        target = TensorType(
            body.target.channels,
            body.target.size,
            body.target.non_negative and shortcut.target.non_negative,
        )
        return ir.Residual(
            source=source, target=target, path=path, body=body, shortcut=shortcut, span=step.span
        )

    def _gate(self, step: Step, action: GateAction, source: TensorType, scope: Scope) -> ir.Gate:
        path = self._path(step, "mul", False, scope, source)
        body = self.steps(action.body, source, scope, step.span)
        one_value = body.target.rank == source.rank and all(n == 1 for n in body.target.size)
        if body.target.channels != source.channels or not (
            one_value or _same_shape(body.target, source)
        ):
            raise fail(
                "NS403",
                f"the gate gives {body.target} and multiplies {source}",
                step.span,
                path=path,
                help="a gate gives its input's shape, or one value per channel (keep_dims: true)",
            )
        positive = source.non_negative and body.target.non_negative
        target = TensorType(source.channels, source.size, positive)
        return ir.Gate(source=source, target=target, path=path, body=body, span=step.span)

    def _concat(
        self, step: Step, action: ConcatAction, source: TensorType, scope: Scope
    ) -> ir.Branches:
        path = self._path(step, "cat", False, scope, source)
        body = self.steps(action.body, source, scope, step.span)
        paths = (_identity(source), body)
        target = self._merged([p.target for p in paths], "concat", step.span, path)
        return ir.Branches(
            source=source, target=target, path=path, paths=paths, merge="concat", span=step.span
        )

    def _branches(
        self, step: Step, action: BranchesAction, source: TensorType, scope: Scope
    ) -> ir.Branches:
        if len(action.paths) < 2:
            raise fail("NS404", "`branches` needs at least two paths", step.span)
        path = self._path(step, _merge_label(action.merge), False, scope, source)
        paths = tuple(
            self.steps(steps, source, scope, step.span) for steps in action.paths.values()
        )
        target = self._merged([p.target for p in paths], action.merge, step.span, path)
        return ir.Branches(
            source=source, target=target, path=path, paths=paths, merge=action.merge, span=step.span
        )

    @staticmethod
    def _merged(types: list[TensorType], how: ir.Merge, span: Span, path: str) -> TensorType:
        first = types[0]
        shapes = ", ".join(str(t) for t in types)
        positive = all(t.non_negative for t in types)
        if how == "concat":
            if any(not _same_size(t, first) for t in types):
                raise fail("NS405", f"maps of different sizes: {shapes}", span, path=path)
            channels = types[0].channels
            for other in types[1:]:
                channels = channels + other.channels
            return TensorType(channels, first.size, positive)
        if any(not _same_shape(t, first) for t in types):
            raise fail("NS405", f"inputs of different shapes: {shapes}", span, path=path)
        return TensorType(first.channels, first.size, positive)

    def _repeat(
        self, step: Step, action: RepeatAction, source: TensorType, scope: Scope
    ) -> ir.Sequence:
        times = action.times.evaluate(self._place(scope, source))
        count = times.__index__() if isinstance(times, Varying) else times
        check_repeat(count, action.times.span)
        check_declared(action.index, step.span, "index") if action.index != "index" else None
        items: list[ir.Node] = []
        current = source
        before = dict(scope.environment)
        for index in range(count):
            scope.environment[action.index] = index
            node = self.steps(action.body, current, scope, step.span)
            items.append(node)
            current = node.target
        scope.environment.clear()
        scope.environment.update(before)
        return ir.Sequence(source=source, target=current, items=tuple(items), span=step.span)

    def _sequence(
        self, step: Step, action: SequenceAction, source: TensorType, scope: Scope
    ) -> ir.Sequence:
        if step.name is None:
            return self.steps(action.steps, source, scope, step.span)
        path = self._path(step, "", False, scope, source)
        names = Names(path, Counter(), indexed=True)
        inner = Scope(scope.environment, names, scope.results, scope.calls, None)
        body = self.steps(action.steps, source, inner, step.span)
        return dataclasses.replace(body, path=path)

    def _when(self, step: Step, action: WhenAction, source: TensorType, scope: Scope) -> ir.Node:
        place = self._place(scope, source)
        test = action.test.evaluate(place)
        values = test.values if isinstance(test, Varying) else (test,)
        if not all(isinstance(value, bool) for value in values if value is not None):
            raise fail(
                "NS205", "`test` must be true or false; write a comparison", action.test.span
            )

        def expand(steps: tuple[Step, ...]) -> Callable[[], ir.Sequence]:
            return lambda: self.steps(steps, source, scope, step.span)

        return self._choose(
            test,
            expand(action.then),
            expand(action.other),
            self.count_labels(action.then, scope.environment),
            self.count_labels(action.other, scope.environment),
            scope,
        )

    def _choose(
        self,
        test: Any,
        then: Callable[[], ir.Sequence],
        other: Callable[[], ir.Sequence],
        then_width: Counter[str],
        other_width: Counter[str],
        scope: Scope,
    ) -> ir.Node:
        """One branch, or both under a :class:`ir.Choice` where the test goes both ways."""
        width = then_width | other_width
        try:
            taken = bool(test)
        except Diverges:
            if test.node is None:
                raise
        else:
            with scope.names.alternative(width):
                return then() if taken else other()
        chosen = active(len(test.values))
        true = frozenset(i for i in chosen if test.values[i])
        counts, position = Counter(scope.names.counts), scope.names.position
        with scope.names.alternative(width):
            with only(true):
                first = then()
            scope.names.counts, scope.names.position = Counter(counts), position
            with only(chosen - true):
                second = other()
        return ir.Choice(
            source=first.source,
            target=_merge_types(test, first.target, second.target),
            test=test,
            then=first,
            other=second,
            span=first.span,
        )


def check_repeat(count: Any, span: Span | None) -> None:
    """A number of repetitions within bounds."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise fail("NS205", f"a number of repetitions is a whole number, got {count!r}", span)
    if count > MAX_REPEAT:
        raise fail("NS501", f"{count:,} repetitions; at most {MAX_REPEAT:,}", span)


def check_definition(definition: BlockDefinition) -> None:
    """The names that a block declares must not hide each other or words of the language."""
    for name, param in definition.params.items():
        check_declared(name, param.span, "parameter", is_step=param.type in ("steps", "block"))
    for name, value in definition.let.items():
        check_declared(name, value.span, "value")
        if name in definition.params:
            raise fail("NS303", f"value `{name}` hides a parameter", value.span)


def _identity(source: TensorType) -> ir.Sequence:
    return ir.Sequence(source=source, target=source, items=())


def _no_spans(span: Span) -> SpanTree:
    return SpanTree(span)


def _merge_label(how: str) -> str:
    return {"add": "add", "mul": "mul", "concat": "cat"}[how]


def _same_size(a: TensorType, b: TensorType) -> bool:
    return a.rank == b.rank and all(bool(m == n) for m, n in zip(a.size, b.size, strict=True))


def _same_shape(a: TensorType, b: TensorType) -> bool:
    return bool(a.channels == b.channels) and _same_size(a, b)


def _merge_types(test: Varying, then: TensorType, other: TensorType) -> TensorType:
    """The type behind a choice: `then`'s where the test holds, `other`'s elsewhere."""
    if then.rank != other.rank:
        raise Diverges(vary(None, [bool(value) for value in test.values]))
    size = tuple(merge(test, a, b) for a, b in zip(then.size, other.size, strict=True))
    channels = merge(test, then.channels, other.channels)
    return TensorType(channels, size, then.non_negative and other.non_negative)


def _residual_help(source: TensorType, body: TensorType, has_shortcut: bool) -> str | None:
    if body.rank != source.rank:
        return None
    strides = {(n + m - 1) // m for n, m in zip(source.size, body.size, strict=True) if m}
    stride = f" with stride {strides.pop()}" if len(strides) == 1 else ""
    verb = "the shortcut needs" if has_shortcut else "add a shortcut:"
    return f"{verb} a projection to {body.channels} channels{stride}"


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
