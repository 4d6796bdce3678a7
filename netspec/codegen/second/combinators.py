"""The combinators of the language, over steps that ``expand`` expands; each checks that shapes fit."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from netspec.codegen.second import tree
from netspec.codegen.second.labels import MERGE_LABELS
from netspec.codegen.second.scope import Names, Scope, check_declared
from netspec.elaborate.bounds import RAISE_LAYERS, Bounds
from netspec.errors import Span, did_you_mean, fail
from netspec.ir.formula import qualify
from netspec.schema.fields import show
from netspec.schema.syntax import (
    BranchesAction,
    ConcatAction,
    GateAction,
    PassAction,
    RepeatAction,
    ResidualAction,
    SequenceAction,
    Step,
)
from netspec.symbolic import Varying
from netspec.types import TensorType
from netspec.unknown import require_known


class Expand(Protocol):
    """Expands steps that run in order."""

    def __call__(
        self, steps: tuple[Step, ...], source: TensorType, scope: Scope, span: Span | None = None
    ) -> tree.Sequence: ...


def residual(
    expand: Expand, step: Step, action: ResidualAction, source: TensorType, scope: Scope
) -> tree.Residual:
    """body(x) + shortcut(x); the body comes first in names."""
    path = scope.path(step, "add", source)
    body = expand(action.body, source, scope, step.span)
    shortcut = expand(action.shortcut, source, scope, step.span)
    if not _same_shape(body.target, shortcut.target):
        raise fail(
            "NS402",
            f"the shortcut gives {shortcut.target} and the body gives {body.target}",
            step.span,
            path=path,
            help=_residual_help(source, body.target, bool(action.shortcut)),
            recovery=TensorType(body.target.channels, body.target.size),
        )
    positive = body.target.non_negative and shortcut.target.non_negative
    target = TensorType(body.target.channels, body.target.size, positive)
    return tree.Residual(
        source=source, target=target, path=path, body=body, shortcut=shortcut, span=step.span
    )


def gate(
    expand: Expand, step: Step, action: GateAction, source: TensorType, scope: Scope
) -> tree.Gate:
    """x * body(x), where the body gives x's shape or one value per channel."""
    path = scope.path(step, "mul", source)
    body = expand(action.body, source, scope, step.span)
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
            recovery=TensorType(source.channels, source.size),
        )
    positive = source.non_negative and body.target.non_negative
    target = TensorType(source.channels, source.size, positive)
    return tree.Gate(source=source, target=target, path=path, body=body, span=step.span)


def concat(
    expand: Expand, step: Step, action: ConcatAction, source: TensorType, scope: Scope
) -> tree.Branches:
    """[x, body(x)] along the channels."""
    path = scope.path(step, "cat", source)
    paths = (identity(source), expand(action.body, source, scope, step.span))
    target = merged_type([p.target for p in paths], "concat", step.span, path)
    return tree.Branches(
        source=source, target=target, path=path, paths=paths, merge="concat", span=step.span
    )


def branches(
    expand: Expand, step: Step, action: BranchesAction, source: TensorType, scope: Scope
) -> tree.Branches:
    """Several paths from one input, merged."""
    if len(action.paths) < 2:
        raise fail("NS404", "`branches` needs at least two paths", step.span)
    path = scope.path(step, MERGE_LABELS[action.merge], source)
    paths = tuple(expand(steps, source, scope, step.span) for steps in action.paths.values())
    target = merged_type([p.target for p in paths], action.merge, step.span, path)
    return tree.Branches(
        source=source, target=target, path=path, paths=paths, merge=action.merge, span=step.span
    )


def repeat(
    expand: Expand,
    step: Step,
    action: RepeatAction,
    source: TensorType,
    scope: Scope,
    bounds: Bounds,
) -> tree.Sequence:
    """The body, `times` times; its index is a name while it runs."""
    times = action.times.evaluate(scope.place(source))
    count = times.__index__() if isinstance(times, Varying) else times
    check_repeat(count, action.times.span, bounds)
    if action.index != "index":
        check_declared(action.index, step.place("repeat", "index"), "index")
        if action.index in scope.environment:
            place = step.place("repeat", "index")
            raise fail("NS223", f"index `{action.index}` hides another name", place)
    items: list[tree.Node] = []
    current = source
    environment, results = dict(scope.environment), dict(scope.results)
    indices, counter = scope.indices, qualify(scope.label, action.index)
    for index in range(count):
        scope.environment[action.index] = index
        scope.indices = {**indices, counter: index}
        node = expand(action.body, current, scope, step.span)
        items.append(node)
        current = node.target
        _restore(scope.results, results)  # what an iteration names is its own
    _restore(scope.environment, environment)
    scope.indices = indices
    return tree.Sequence(source=source, target=current, items=tuple(items), span=step.span)


def sequence(
    expand: Expand, step: Step, action: SequenceAction, source: TensorType, scope: Scope
) -> tree.Sequence:
    """Steps in a row; under a name of its own, each takes an index."""
    if step.name is None:
        return expand(action.steps, source, scope, step.span)
    path = scope.path(step, "", source)
    names = Names(path, Counter(), indexed=True)
    inner = dataclasses.replace(scope, names=names, local=None)
    body = expand(action.steps, source, inner, step.span)
    return dataclasses.replace(body, path=path)


def reference(step: Step, source: TensorType, scope: Scope) -> tree.Reference:
    """The named results that a step takes instead of what flows in."""
    types = []
    for name in step.inputs:
        if name not in scope.results:
            raise fail(
                "NS225",
                f"no earlier step of this block is named `{name}`",
                step.place("from", step.inputs.index(name)),
                help=did_you_mean(name, scope.results),
            )
        types.append(scope.results[name].target)
    is_alone = isinstance(step.action, PassAction)
    if is_alone and step.name is not None and len(types) == 1:
        raise fail(
            "NS221", "a step that only takes a result is no layer to name", step.place("name")
        )
    target = types[0]
    path = ""
    if len(types) > 1:
        named = step if is_alone else dataclasses.replace(step, name=None)
        path = scope.path(named, "join", source)
        target = merged_type(types, step.merge, step.span, path)
    return tree.Reference(
        source=source,
        target=target,
        path=path,
        names=step.inputs,
        merge=step.merge,
        span=step.span,
    )


def _restore(names: dict[str, Any], before: dict[str, Any]) -> None:
    names.clear()
    names.update(before)


def identity(source: TensorType) -> tree.Sequence:
    """No steps at all."""
    return tree.Sequence(source=source, target=source, items=())


def check_repeat(count: Any, span: Span | None, bounds: Bounds) -> None:
    """A number of repetitions within bounds."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        message = f"a number of repetitions is a whole number, got {show(require_known(count))}"
        raise fail("NS205", message, span)
    if count > bounds.layers:
        raise fail(
            "NS503",
            f"{count:,} repetitions; at most {bounds.layers:,}",
            span,
            help=RAISE_LAYERS,
        )


def merged_type(
    types: Sequence[TensorType], how: tree.Merge, span: Span | None, path: str
) -> TensorType:
    """The type of several results merged; they must agree in size, and but for concat in channels."""
    first = types[0]
    shapes = ", ".join(str(t) for t in types)
    positive = all(t.non_negative for t in types)
    if how == "concat":
        if any(not _same_size(t, first) for t in types):
            raise fail("NS405", f"maps of different sizes: {shapes}", span, path=path)
        channels = first.channels
        for other in types[1:]:
            channels = channels + other.channels
        return TensorType(channels, first.size, positive)
    if any(not _same_shape(t, first) for t in types):
        raise fail("NS405", f"inputs of different shapes: {shapes}", span, path=path)
    return TensorType(first.channels, first.size, positive)


def _same_size(a: TensorType, b: TensorType) -> bool:
    return a.rank == b.rank and all(bool(m == n) for m, n in zip(a.size, b.size, strict=True))


def _same_shape(a: TensorType, b: TensorType) -> bool:
    return bool(a.channels == b.channels) and _same_size(a, b)


def _residual_help(source: TensorType, body: TensorType, has_shortcut: bool) -> str | None:
    if body.rank != source.rank:
        return None
    strides = {(n + m - 1) // m for n, m in zip(source.size, body.size, strict=True) if m}
    stride = f" with stride {max(strides)}" if len(strides) == 1 and strides != {1} else ""
    verb = "the shortcut needs" if has_shortcut else "add a shortcut:"
    return f"{verb} a projection to {body.channels} channels{stride}"
