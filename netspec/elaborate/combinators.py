"""The combinators of the language, over steps that ``expand`` expands; each checks that shapes fit."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from netspec.elaborate.bounds import RAISE_LAYERS, Bounds
from netspec.elaborate.labels import MERGE_LABELS
from netspec.elaborate.lookup import Lookup
from netspec.elaborate.row import Row
from netspec.elaborate.scope import Names, Scope, check_declared, decision
from netspec.errors import Span, fail, suggest
from netspec.ir import Region, Value
from netspec.ir.formula import Formula, qualify
from netspec.ir.program import Kind
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.unknown import UNKNOWN, require_known
from netspec.lang.schema.fields import show
from netspec.lang.schema.several import ResultName
from netspec.lang.schema.syntax import (
    BlockDefinition,
    BranchesAction,
    ConcatAction,
    GateAction,
    OpAction,
    PassAction,
    RepeatAction,
    ResidualAction,
    SequenceAction,
    Step,
)
from netspec.ops.merge import MERGES, Add, Concat, Merge, Mul
from netspec.ops.types import TensorType

T = TypeVar("T")


class Expand(Protocol):
    """Adds what steps that run in order make to a row."""

    def __call__(
        self, steps: tuple[Step, ...], row: Row, scope: Scope, span: Span | None = None
    ) -> None: ...


def residual(expand: Expand, step: Step, action: ResidualAction, row: Row, scope: Scope) -> None:
    """body(x) + shortcut(x); the body comes first in names."""
    path = scope.path(step, "add", row.type)
    body = _part(expand, action.body, row, scope, step)
    shortcut = _part(expand, action.shortcut, row, scope, step)
    _check_sum(step, action, row.type, body.target, shortcut.target, path)
    _merge("residual", Add(), [body, shortcut], row, step, path)


def optional_residual(
    expand: Expand,
    step: Step,
    action: ResidualAction,
    row: Row,
    scope: Scope,
    formula: Formula,
    width: Counter[str],
) -> None:
    """The body, and the addition behind it where the test holds, whose formula is given.

    Names are those of a residual in any case; ``width`` counts what its shortcut names by label.
    """
    assert action.test is not None
    holds, noted = decide(action.test, "when", formula, row, scope)
    path, source = scope.path(step, "add", row.type), row.part()
    expand(action.body, row, scope, step.span)
    part = row.part()
    with scope.names.alternative(width, len(action.shortcut)):
        if holds:
            shortcut = _part(expand, action.shortcut, source, scope, step)
            _check_sum(step, action, source.type, row.type, shortcut.target, path)
            part.items += [shortcut] if shortcut.items else []
            op, values = Add(), (row.value, shortcut.result)
            part.op(op, values, op.types(*(value.type for value in values)), path, step.span)
    row.add(part.region("when", span=step.span, **noted))


def decide(
    test: Expression, key: str, formula: Formula, row: Row, scope: Scope
) -> tuple[bool, dict[str, Any]]:
    """Whether the test behind ``key`` holds for what flows in ``row``, and what is noted of that."""
    holds = test.evaluate(scope.place(row.type))
    if not isinstance(holds, bool):
        message = f"`{key}` must be true or false; write a comparison"
        raise fail("NS205", message, test.span)
    return holds, decision(formula, holds, scope)


def _check_sum(
    step: Step,
    action: ResidualAction,
    source: TensorType,
    body: TensorType,
    shortcut: TensorType,
    path: str,
) -> None:
    """A residual adds what has one shape."""
    if not _same_shape(body, shortcut):
        raise fail(
            "NS402",
            f"the shortcut gives {shortcut} and the body gives {body}",
            step.span,
            path=path,
            help=_residual_help(source, body, bool(action.shortcut)),
            recovery=TensorType(body.channels, body.size),
        )


def gate(expand: Expand, step: Step, action: GateAction, row: Row, scope: Scope) -> None:
    """x * body(x), where the body gives x's shape or one value per channel."""
    path, source = scope.path(step, "mul", row.type), row.type
    body = _part(expand, action.body, row, scope, step)
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
    _merge("gate", Mul(), [body], row, step, path, operands=[row.value, body.result])


def concat(expand: Expand, step: Step, action: ConcatAction, row: Row, scope: Scope) -> None:
    """[x, body(x)] along the channels."""
    path = scope.path(step, "cat", row.type)
    paths = [row.part().region("sequence"), _part(expand, action.body, row, scope, step)]
    check_merge([p.target for p in paths], "concat", step.span, path)
    _merge("branches", Concat(), paths, row, step, path)


def branches(expand: Expand, step: Step, action: BranchesAction, row: Row, scope: Scope) -> None:
    """Several paths from one input, merged."""
    if len(action.paths) < 2:
        raise fail("NS404", "`branches` needs at least two paths", step.span)
    path = scope.path(step, MERGE_LABELS[action.merge], row.type)
    paths = [_part(expand, steps, row, scope, step) for steps in action.paths.values()]
    check_merge([p.target for p in paths], action.merge, step.span, path)
    _merge("branches", MERGES[action.merge](), paths, row, step, path)


def _part(expand: Expand, steps: tuple[Step, ...], row: Row, scope: Scope, step: Step) -> Region:
    """Steps of a combinator, which take what flows in ``row``."""
    part = row.part()
    expand(steps, part, scope, step.span)
    return part.region("sequence", span=step.span)


def _merge(
    kind: Kind,
    op: Merge,
    parts: Sequence[Region],
    row: Row,
    step: Step,
    path: str,
    operands: Sequence[Value] = (),
) -> None:
    """Add the parts of a combinator and what merges them, as one region."""
    whole = row.part()
    whole.items += parts
    values = operands or [part.result for part in parts]
    whole.op(op, values, op.types(*(value.type for value in values)), path, step.span)
    row.add(whole.region(kind, span=step.span))


def repeat(
    expand: Expand, step: Step, action: RepeatAction, row: Row, scope: Scope, bounds: Bounds
) -> int:
    """The body, `times` times; its index is a name while it runs. Returns how often it ran."""
    count = action.times.evaluate(scope.place(row.type))
    check_repeat(count, action.times.span, bounds)
    if action.index != "index":
        check_declared(action.index, step.place("repeat", "index"), "index")
        if action.index in scope.environment:
            place = step.place("repeat", "index")
            raise fail("NS223", f"index `{action.index}` hides another name", place)
    environment, results = dict(scope.environment), dict(scope.results)
    indices, counter = scope.indices, qualify(scope.label, action.index)
    for index in range(count):
        scope.environment[action.index] = index
        scope.indices = {**indices, counter: index}
        expand(action.body, row, scope, step.span)
        _restore(scope.results, results)  # what an iteration names is its own
    _restore(scope.environment, environment)
    scope.indices = indices
    return int(count)


def sequence(expand: Expand, step: Step, action: SequenceAction, row: Row, scope: Scope) -> None:
    """Steps in a row; under a name of its own, each takes an index."""
    if step.name is None:
        expand(action.steps, row, scope, step.span)
        return
    path = scope.path(step, "", row.type)
    inner = dataclasses.replace(scope, names=Names(path, Counter(), indexed=True))
    part = row.part()
    expand(action.steps, part, inner, step.span)
    row.add(part.region("sequence", path, span=step.span))


def named_result(name: str, results: Mapping[str, T], place: Span | None) -> T:
    """The result of an earlier step by its name, which stands at ``place``."""
    if name not in results:
        raise fail(
            "NS225",
            f"no earlier step of this block is named `{name}`",
            place,
            help=suggest(name, results) or _what_can_be_taken(name, results),
        )
    return results[name]


def _what_can_be_taken(name: str, results: Iterable[str]) -> str:
    """What `from` takes here, and how more is named."""
    known = sorted(results)
    listed = ", ".join(f"`{each}`" for each in known[:12]) + ", …" * (len(known) > 12)
    can_take = f"`from` takes {listed} here; " if known else ""
    return f"{can_take}a step of this block gives its result a name by `as: {name}`"


def further_inputs(action: OpAction, scope: Scope) -> list[Value]:
    """The results that an op takes by the names among its attributes."""
    given = [value for value in action.attributes.values() if isinstance(value, ResultName)]
    return [named_result(str(value.value), scope.results, value.span) for value in given]


def _named(step: Step, scope: Scope) -> tuple[Value, ...]:
    """The results that a step lists behind `from`."""
    return tuple(
        named_result(name, scope.results, step.place("from", index))
        for index, name in enumerate(step.inputs)
    )


def inputs_of(step: Step, definition: BlockDefinition, row: Row, scope: Scope) -> tuple[Value, ...]:
    """What a called block takes: what flows, or each result that a block of several inputs is given."""
    count = definition.input_count
    if count == 1:
        return (row.value,)
    listed = ", ".join(definition.inputs)
    what = f"block `{definition.name}` takes {count} inputs ({listed})"
    example = f"list a result for each input, such as `from: [{listed}]`"
    if len(step.inputs) != count:
        given = f"`from` names {len(step.inputs)}" if step.inputs else "there is no `from`"
        raise fail("NS229", f"{what}, and {given}", step.place("from"), help=example)
    if step.spans is not None and "merge" in step.spans.children:
        raise fail("NS229", f"{what}, and merges none", step.place("merge"), help="leave it out")
    inputs = _named(step, scope)
    row.values = inputs[:1]
    return inputs


def results_of(
    definition: BlockDefinition, row: Row, scope: Scope, lookup: Lookup
) -> tuple[Value, ...]:
    """What a block gives: what flows out of its body, or each result that it lists."""
    if not definition.results:
        return row.values[:1]
    values = []
    for name, place in definition.results.items():
        value: Value | None = None
        with lookup.attempt(scope.calls):
            value = named_result(name, scope.results, place)
        values.append(value or row.flow(TensorType(UNKNOWN, (UNKNOWN,) * row.type.rank)))
    return tuple(values)


def take(step: Step, row: Row, scope: Scope) -> None:
    """Let the named results flow that a step takes instead of what flows in."""
    values = _named(step, scope)
    is_alone = isinstance(step.action, PassAction)
    if len(values) == 1:
        if is_alone and step.name is not None:
            raise fail(
                "NS221", "a step that only takes a result is no layer to name", step.place("name")
            )
        row.values = values
        return
    named = step if is_alone else dataclasses.replace(step, name=None)
    path = scope.path(named, "join", row.type)
    types = [value.type for value in values]
    check_merge(types, step.merge, step.span, path)
    op = MERGES[step.merge]()
    row.op(op, values, op.types(*types), path, step.span)


def name_results(
    step: Step, values: Sequence[Value], scope: Scope, names: dict[int, dict[str, str]]
) -> None:
    """Let later steps take the results of a step by the names that it gives them, and add these to ``names``."""
    if step.results:
        check_names(step, len(values))
    for index, name in enumerate((step.result,) if step.result else step.results):
        if name in scope.results:
            place = step.place("as") if step.result else step.place("as", index)
            raise fail("NS224", f"the name `{name}` is taken in this block", place)
        scope.results[name] = values[index]
        names.setdefault(values[index].id, {}).setdefault(scope.path_of_block, name)


def check_names(step: Step, count: int) -> None:
    """A step of several results names each of them; one of a single result has no list of names."""
    if len(step.results) == (count if count > 1 else 0):
        return
    given = len(step.results)
    if count == 1:
        message = f"`as` lists {given} name{'s' * (given > 1)}, and this step has one result"
        raise fail("NS228", message, step.place("as"), help=f"write `as: {step.results[0]}`")
    raise fail(
        "NS228",
        f"this step has {count} results, and `as` names {given or ('one' if step.result else 'none')}",
        step.place("as"),
        help="a list behind `as` names each of them, such as `as: [a, b]`",
    )


def _restore(names: dict[str, Any], before: Mapping[str, Any]) -> None:
    names.clear()
    names.update(before)


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


def check_merge(types: Sequence[TensorType], how: str, span: Span | None, path: str) -> None:
    """Results that are merged must agree in size, and but for concat in channels."""
    first = types[0]
    shapes = ", ".join(str(t) for t in types)
    if how == "concat":
        if any(not _same_size(t, first) for t in types):
            raise fail("NS405", f"maps of different sizes: {shapes}", span, path=path)
    elif any(not _same_shape(t, first) for t in types):
        raise fail("NS405", f"inputs of different shapes: {shapes}", span, path=path)


def _same_size(a: TensorType, b: TensorType) -> bool:
    return a.rank == b.rank and all(m == n for m, n in zip(a.size, b.size, strict=True))


def _same_shape(a: TensorType, b: TensorType) -> bool:
    return a.channels == b.channels and _same_size(a, b)


def _residual_help(source: TensorType, body: TensorType, has_shortcut: bool) -> str | None:
    if body.rank != source.rank:
        return None
    strides = {(n + m - 1) // m for n, m in zip(source.size, body.size, strict=True) if m}
    stride = f" with stride {max(strides)}" if len(strides) == 1 and strides != {1} else ""
    verb = "the shortcut needs" if has_shortcut else "add a shortcut:"
    return f"{verb} a projection to {body.channels} channels{stride}"
