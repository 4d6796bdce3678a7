"""Validate plain values against the models, and give every part its place in the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from netspec.errors import NetspecError, Span, fail
from netspec.lang.expression.expr import Expression
from netspec.lang.schema import models
from netspec.lang.schema.attributes import op_model
from netspec.lang.schema.parameters import ParamModel
from netspec.lang.schema.problems import diagnostics
from netspec.lang.schema.syntax import (
    Action,
    Argument,
    AttributeValue,
    BlockDefinition,
    BranchesAction,
    CallAction,
    Checkpoint,
    ConcatAction,
    Defaults,
    GateAction,
    Input,
    OpAction,
    Output,
    Param,
    PassAction,
    PublishedTensor,
    RepeatAction,
    ResidualAction,
    SequenceAction,
    Spec,
    StageSyntax,
    Step,
    WhenAction,
    with_names,
)
from netspec.lang.source import Document, Location, SpanTree
from netspec.ops import OPS, attributes_of
from netspec.ops.words import ROLES


def bind_spec(document: Document) -> Spec:
    """A document as a spec; raises :class:`NetspecError` with every problem of the schema."""
    require_mapping(document, "a spec", ("netspec", "name", "input"))
    return to_spec(_validate(models.SpecModel, document), document)


def to_spec(model: models.SpecModel, document: Document) -> Spec:
    """A validated model with every part knowing its place in the document."""
    spans = document.spans
    inputs = _inputs(model.input, spans)
    first_name, first = next(iter(inputs.items()))
    return Spec(
        name=model.name,
        title=model.title,
        doc=model.doc,
        params=_params(model.params, document.data.get("params"), spans.subtree(("params",))),
        let=_let(model.let, spans),
        arguments={
            name: spans.find(("arguments", index)) for index, name in enumerate(model.arguments)
        },
        default=model.default,
        variants={
            name: _arguments(values or {}, spans.subtree(("variants", name)))
            for name, values in model.variants.items()
        },
        channels=first.channels,
        size=first.size,
        input_name=first_name or None,
        more_inputs={name: each for name, each in inputs.items() if name != first_name},
        defaults=_defaults(model.defaults, spans.subtree(("defaults",))),
        blocks={
            name: _block(
                name,
                block,
                document.data["blocks"][name],
                spans.subtree(("blocks", name)),
                spans.find_key(("blocks", name)),
            )
            for name, block in model.blocks.items()
        },
        stem=_steps(model.stem, spans.subtree(("stem",))),
        stages=_stages(model.stages, spans.subtree(("stages",))),
        head=_steps(model.head, spans.subtree(("head",))),
        outputs={
            name: Output(
                result=output.from_,
                is_training=output.when == "training",
                span=spans.find(("outputs", name, "from")),
                key_span=spans.find_key(("outputs", name)),
            )
            for name, output in model.outputs.items()
        },
        spans=spans,
        checkpoints={
            name: _checkpoint(name, found, spans.subtree(("checkpoints", name)))
            for name, found in model.checkpoints.items()
        },
    )


def _checkpoint(name: str, found: models.CheckpointModel, spans: SpanTree) -> Checkpoint:
    tensors = {
        pattern: PublishedTensor(each.name, tuple(each.shape))
        for pattern, each in found.tensors.items()
    }
    return Checkpoint(name=name, spans=spans, **{**vars(found), "tensors": tensors})


def _inputs(
    given: models.InputModel | Mapping[str, models.InputModel], spans: SpanTree
) -> dict[str, Input]:
    """The inputs by name; an empty one where the only input has none."""
    if isinstance(given, models.InputModel):
        return {"": _input(given, spans, ("input",))}
    return {name: _input(each, spans, ("input", name)) for name, each in given.items()}


def _input(given: models.InputModel, spans: SpanTree, place: Location) -> Input:
    size = (_place(n, spans, (*place, "size", i)) for i, n in enumerate(given.size))
    return Input(_place(given.channels, spans, (*place, "channels")), tuple(size))


def bind_block_file(document: Document) -> BlockDefinition:
    """A document as the block that it defines."""
    require_mapping(document, "a block file", ("block", "body"))
    return to_block(_validate(models.BlockFile, document), document)


def to_block(model: models.BlockFile, document: Document) -> BlockDefinition:
    """The same for a validated model: every part knows its place in the document."""
    name_span = document.spans.find(("block",))
    return _block(model.block, model, document.data, document.spans, name_span)


def bind_steps(value: Any, spans: SpanTree) -> tuple[Step, ...]:
    """A value given to a parameter of type `steps`."""
    try:
        steps = _steps_adapter().validate_python(value)
    except ValidationError as error:
        raise NetspecError(diagnostics(error, value, spans)) from None
    return _steps(steps, spans)


def bind_attributes(
    kind: str, values: Mapping[str, Any], spans: SpanTree
) -> dict[str, AttributeValue]:
    """Plain values as attributes of an op: what a step gives to a role."""
    try:
        model = op_model(kind).model_validate(dict(values))
    except ValidationError as error:
        raise NetspecError(diagnostics(error, dict(values), spans, (kind,))) from None
    return _attributes(kind, model, spans)


@cache
def _steps_adapter() -> TypeAdapter[Any]:
    return TypeAdapter(models.Steps)


def require_mapping(document: Document, what: str, keys: tuple[str, ...]) -> None:
    """Raise :class:`NetspecError` unless the document is a mapping."""
    if not isinstance(document.data, dict):
        listed = ", ".join(f"`{key}`" for key in keys)
        raise fail("NS106", f"{what} is a mapping with {listed}", document.spans.span)


def _validate(model: type[Any], document: Document) -> Any:
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise NetspecError(diagnostics(error, document.data, document.spans)) from None


def _place(expression: Expression, spans: SpanTree, location: Location) -> Expression:
    return replace(expression, span=spans.find(location))


def _let(let: Mapping[str, Expression], spans: SpanTree) -> dict[str, Expression]:
    return {name: _place(value, spans, ("let", name)) for name, value in let.items()}


def _arguments(values: Mapping[str, Any], spans: SpanTree) -> dict[str, Argument]:
    return {
        name: Argument(value, spans.subtree((name,)), spans.key_spans.get(name))
        for name, value in values.items()
    }


def _params(params: Mapping[str, ParamModel], data: Any, spans: SpanTree) -> dict[str, Param]:
    result = {}
    for name, param in params.items():
        place = spans.subtree((name,))
        default = None
        if not param.required:
            written_out = isinstance(data[name], dict)
            value_place = place.subtree(("default",)) if written_out else place
            default = Argument(param.default, value_place)
        result[name] = Param(name, param.type, param.doc, spans.find_key((name,)), default)
    return result


def _block(
    name: str, model: models.BlockBody, data: Any, spans: SpanTree, name_span: Span
) -> BlockDefinition:
    return BlockDefinition(
        name=name,
        doc=model.doc,
        title=model.title,
        label=model.label or name,
        inline=model.inline,
        params=_params(model.params, data.get("params"), spans.subtree(("params",))),
        let=_let(model.let, spans),
        body=_steps(model.body, spans.subtree(("body",))),
        span=spans.span,
        name_span=name_span,
        inputs={n: spans.find(("inputs", i)) for i, n in enumerate(model.inputs or ())},
        results={n: spans.find(("results", i)) for i, n in enumerate(model.results or ())},
    )


def _stages(stages: list[models.Stage], spans: SpanTree) -> tuple[StageSyntax, ...]:
    result = []
    for index, stage in enumerate(stages):
        place = spans.subtree((index,))
        stride = None
        if stage.stride is not None:
            stride = Argument(stage.stride, place.subtree(("stride",)))
        result.append(
            StageSyntax(
                times=_place(stage.times, place, ("times",)) if stage.times else None,
                name=stage.name,
                block=stage.block,
                block_name=stage.block_name or "{index}",
                repeat=_place(stage.repeat, place, ("repeat",)),
                stride=stride,
                stride_at=stage.stride_at,
                between=_steps(stage.between, place.subtree(("between",))),
                arguments=_arguments(stage.model_extra or {}, place),
                first=_arguments(stage.first, place.subtree(("first",))),
                last=_arguments(stage.last, place.subtree(("last",))),
                spans=place,
                inputs=_taken(stage.from_, place),
            )
        )
    return tuple(result)


def _taken(names: str | list[str] | None, spans: SpanTree) -> tuple[tuple[str, Span], ...]:
    """The names behind `from`, each with its place."""
    if isinstance(names, list):
        return tuple((name, spans.find(("from", index))) for index, name in enumerate(names))
    return () if names is None else ((names, spans.find(("from",))),)


def _defaults(model: Any, spans: SpanTree) -> Defaults:
    given = model.model_extra or {}
    return Defaults(
        attributes={
            kind: _attributes(kind, given[kind], spans.subtree((kind,)))
            for kind in OPS
            if kind in given
        },
        roles={
            role: _step(step, spans.subtree((role,)))
            for role in ROLES
            if (step := getattr(model, role)) is not None
        },
    )


def _attributes(kind: str, model: BaseModel, spans: SpanTree) -> dict[str, AttributeValue]:
    result: dict[str, AttributeValue] = {}
    for name in attributes_of(OPS[kind]):
        value = getattr(model, name)
        if isinstance(value, Expression):
            result[name] = _place(value, spans, (name,))
        elif value is not None:
            result[name] = value.at(spans.subtree((name,)))
    return result


def _steps(steps: Any, spans: SpanTree) -> tuple[Step, ...]:
    return tuple(_step(step, spans.subtree((index,))) for index, step in enumerate(steps))


def _step(model: Any, spans: SpanTree) -> Step:
    inputs = model.from_ if isinstance(model.from_, list) else [model.from_]
    return Step(
        action=_action(model, spans),
        span=with_names(spans.find_key((model.action or "from",)), spans, "name"),
        name=model.name,
        result=model.as_ if isinstance(model.as_, str) else None,
        results=tuple(model.as_) if isinstance(model.as_, list) else (),
        inputs=tuple(name for name in inputs if name is not None),
        merge=model.merge or "add",
        spans=spans,
    )


def _action(model: Any, spans: SpanTree) -> Action:
    key = model.action
    if key is None:
        return PassAction()
    place = spans.subtree((key,))
    arguments: Any = (model.model_extra or {}).get(key)
    if key in OPS:
        return OpAction(key, _attributes(key, arguments, place), place)
    value: Any = getattr(model, key) if key in models.COMBINATORS else None
    match key:
        case "residual":
            body = _steps(value.body, place.subtree(("body",)))
            shortcut = _steps(value.shortcut, place.subtree(("shortcut",)))
            test = None if value.when is None else _place(value.when, place, ("when",))
            return ResidualAction(body, shortcut, test)
        case "gate":
            return GateAction(_steps(value.body, place.subtree(("body",))))
        case "concat":
            return ConcatAction(_steps(value.body, place.subtree(("body",))))
        case "branches":
            paths = value.model_extra or {}
            bound = {name: _steps(steps, place.subtree((name,))) for name, steps in paths.items()}
            return BranchesAction(bound, value.merge)
        case "repeat":
            times = _place(value.times, place, ("times",))
            return RepeatAction(times, value.index, _steps(value.body, place.subtree(("body",))))
        case "when":
            return WhenAction(
                _place(value.test, place, ("test",)),
                _steps(value.then, place.subtree(("then",))),
                _steps(value.else_, place.subtree(("else",))),
            )
        case "sequence":
            return SequenceAction(_steps(value, place))
    return CallAction(key, _arguments(arguments, place), place)
