"""A validated spec with every part knowing its place: what the elaborator reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from netspec.errors import Span
from netspec.lang.expression.expr import Expression
from netspec.lang.schema.fields import AxesValue, InitValue, PaddingValue, Word
from netspec.lang.source import SpanTree

AttributeValue = Expression | AxesValue | PaddingValue | InitValue | Word
Merge = Literal["add", "concat", "mul"]


@dataclass(frozen=True, eq=False)
class Argument:
    """A value given to a parameter, as written; the parameter's type says how to read it."""

    value: Any
    spans: SpanTree
    key: Span | None = None

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.spans.span

    @property
    def key_span(self) -> Span:
        """Where the name of the parameter stands that it is given to."""
        return self.key or self.span


@dataclass(frozen=True, eq=False)
class OpAction:
    """A primitive op with the attributes that the step gives."""

    kind: str
    attributes: Mapping[str, AttributeValue]
    spans: SpanTree


@dataclass(frozen=True, eq=False)
class CallAction:
    """A slot, role or block by name, with arguments."""

    target: str
    arguments: Mapping[str, Argument]
    spans: SpanTree


@dataclass(frozen=True, eq=False)
class ResidualAction:
    """body(x) + shortcut(x)."""

    body: tuple[Step, ...]
    shortcut: tuple[Step, ...]
    test: Expression | None = None


@dataclass(frozen=True, eq=False)
class GateAction:
    """x * body(x)."""

    body: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class ConcatAction:
    """[x, body(x)] along the channels."""

    body: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class BranchesAction:
    """Several paths from one input, merged."""

    paths: Mapping[str, tuple[Step, ...]]
    merge: Merge


@dataclass(frozen=True, eq=False)
class RepeatAction:
    """The body, `times` times, counted by `index`."""

    times: Expression
    index: str
    body: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class WhenAction:
    """`then` or `other`, decided at compile time."""

    test: Expression
    then: tuple[Step, ...]
    other: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class SequenceAction:
    """Steps under one name, each of which takes an index."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class PassAction:
    """Nothing: the step only takes named results."""


Action = (
    OpAction
    | CallAction
    | ResidualAction
    | GateAction
    | ConcatAction
    | BranchesAction
    | RepeatAction
    | WhenAction
    | SequenceAction
    | PassAction
)


@dataclass(frozen=True, eq=False)
class Step:
    """One step: what it does, and the names it gives and takes; ``span`` is the word for what it does.

    ``result`` names the one result, ``results`` each of several.
    """

    action: Action
    span: Span
    name: str | None = None
    result: str | None = None
    results: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    merge: Merge = "add"
    spans: SpanTree | None = None

    @property
    def inner(self) -> list[tuple[Step, ...]]:
        """The lists of steps that stand in it, in the order of the text."""
        lists: list[Any] = []
        for value in vars(self.action).values():
            lists += value.values() if isinstance(value, Mapping) else (value,)
        return [each for each in lists if isinstance(each, tuple)]

    def place(self, *location: str | int) -> Span:
        """Where a part of the step stands, such as its ``name``; the step itself if it is not written."""
        if self.spans is None or location[0] not in self.spans.children:
            return self.span
        return self.spans.find(location)


@dataclass(frozen=True, eq=False)
class Param:
    """A declared parameter."""

    name: str
    type: str
    doc: str
    span: Span
    default: Argument | None = None

    @property
    def is_number(self) -> bool:
        """Whether it is a number; nothing else can stay an argument of source, or be kept in a spec."""
        return self.type in ("int", "float")


@dataclass(frozen=True, eq=False)
class BlockDefinition:
    """A block: parameters, derived values, and the steps of its body.

    ``inputs`` are what it calls the values that it takes, none for one that takes what flows; ``results`` are
    what it gives, none for what its last step does. Each name with its place.
    """

    name: str
    doc: str
    title: str | None
    label: str
    inline: bool
    params: Mapping[str, Param]
    let: Mapping[str, Expression]
    body: tuple[Step, ...]
    span: Span
    name_span: Span
    inputs: Mapping[str, Span] = field(default_factory=dict)
    results: Mapping[str, Span] = field(default_factory=dict)

    @property
    def input_count(self) -> int:
        """How many values it takes."""
        return len(self.inputs) or 1


def with_names(span: Span, spans: SpanTree, *keys: str) -> Span:
    """``span``, with the places of the names that the values behind ``keys`` beside it give."""
    found = {key: spans.children[key].span for key in keys if key in spans.children}
    return replace(span, names=found) if found else span


@dataclass(frozen=True, eq=False)
class StageSyntax:
    """A stage entry of a spec; `times` makes several stages of it."""

    times: Expression | None
    name: str | None
    block: str
    block_name: str
    repeat: Expression
    stride: Argument | None
    stride_at: Literal["first", "last"]
    between: tuple[Step, ...]
    arguments: Mapping[str, Argument]
    first: Mapping[str, Argument]
    last: Mapping[str, Argument]
    spans: SpanTree
    inputs: tuple[tuple[str, Span], ...] = ()

    @cached_property
    def block_span(self) -> Span:
        """Where the stage names its block."""
        return with_names(self.spans.find(("block",)), self.spans, "name", "block_name")


@dataclass(frozen=True, eq=False)
class Defaults:
    """What fills attributes that a step leaves open, and the roles `norm` and `act`."""

    attributes: Mapping[str, Mapping[str, AttributeValue]] = field(default_factory=dict)
    roles: Mapping[str, Step] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedTensor:
    """What a published file calls a parameter, a template, and its shape there; none for ours."""

    name: str
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What published weights call the layers of the network.

    Attributes:
        name: what the spec calls them.
        framework: the backend whose files they are.
        doc: where they come from.
        layers: their name of a layer, a template, by pattern of ours; none where both are the same.
        tensors: their name of a single parameter, by pattern of ours.
        counted: by op, the label of layers that are numbered in order.
        shortcut_first: whether their residuals add the body to the shortcut.
        spans: where all of it stands.
    """

    name: str
    framework: str
    doc: str
    layers: Mapping[str, str]
    tensors: Mapping[str, PublishedTensor]
    counted: Mapping[str, str]
    shortcut_first: bool
    spans: SpanTree


@dataclass(frozen=True, eq=False)
class Output:
    """An output of the network.

    Attributes:
        result: the name of the result that it is; ``output`` for the head's.
        is_training: whether models return it in training alone.
        span: where the result is named.
        key_span: where the output is.
    """

    result: str
    is_training: bool
    span: Span
    key_span: Span


@dataclass(frozen=True, eq=False)
class Input:
    """What enters a network: channels and the length of each spatial axis."""

    channels: Expression
    size: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Spec:
    """A whole spec file.

    ``channels`` and ``size`` are those of the first input, whose name is ``input_name`` where inputs have
    names; ``more_inputs`` are those behind it.
    """

    name: str
    title: str | None
    doc: str
    params: Mapping[str, Param]
    let: Mapping[str, Expression]
    arguments: Mapping[str, Span]
    default: str | None
    variants: Mapping[str, Mapping[str, Argument]]
    channels: Expression
    size: tuple[Expression, ...]
    defaults: Defaults
    blocks: Mapping[str, BlockDefinition]
    stem: tuple[Step, ...]
    stages: tuple[StageSyntax, ...]
    head: tuple[Step, ...]
    outputs: Mapping[str, Output]
    spans: SpanTree
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    input_name: str | None = None
    more_inputs: Mapping[str, Input] = field(default_factory=dict)

    @property
    def span(self) -> Span:
        """The whole file."""
        return self.spans.span
