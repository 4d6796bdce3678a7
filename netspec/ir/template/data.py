"""What a template is: one body for several instances, its numbers a value an instance."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from netspec.errors import Span
from netspec.ir.definition import Definition
from netspec.ir.program import Node, Region, Value
from netspec.lang.expression.symbolic import Varying

T = TypeVar("T")

Column = Mapping[int, T]
"""What stands at one place in several shapes, by the number of the shape; those that lack it are left out."""


class Split(Exception):
    """Instances differ by more than a template can say.

    Attributes:
        reason: what differs, in words.
        place: the path, relative to the instance's, of what differs; empty for the instance itself.
        values: what stands there in each shape, as far as they have it.
        span: where it stands in the spec, of one shape; None where that is not known.
    """

    def __init__(
        self, reason: str, place: str, values: Column[Any], span: Span | None = None
    ) -> None:
        super().__init__(reason, place, values, span)  # which pickling calls it with again
        self.reason = reason
        self.place = place
        self.values = values
        self.span = span

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason


@dataclass(frozen=True)
class Reason:
    """Why instances of a block have templates of their own.

    Attributes:
        what: what differs, in words, with what there is of it.
        place: the path of it, relative to the instance's; empty for the instance itself.
        span: where it stands in the spec.
    """

    what: str
    place: str
    span: Span | None

    @staticmethod
    def of(split: Split) -> Reason:
        """The reason that a split gives."""
        shown = dict.fromkeys(filter(None, map(_shown, split.values.values())))
        listed = f": {' or '.join(shown)}" if len(shown) > 1 else ""
        return Reason(f"{split.reason}{listed}", split.place, split.span)

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


def _shown(value: Any) -> str:
    """A value that instances differ by, as people write it; empty for what has no such form."""
    match value:
        case str():
            return f"`{value}`"
        case bool() | int() | float():
            return str(value)
        case tuple() if all(isinstance(part, str) for part in value):
            return f"`{', '.join(value)}`" if value else "nothing"
    return ""


@dataclass(frozen=True)
class Guard:
    """Something that was decided by an argument that users of the source may choose otherwise.

    Attributes:
        what: what was decided.
        place: its path in the template; empty where it has none.
        span: where it stands in the spec.
    """

    what: str
    place: str
    span: Span | None


@dataclass(frozen=True, eq=False)
class Merged:
    """A value behind a choice: ``then`` where its test holds, ``other`` elsewhere."""

    result: Value
    then: Value
    other: Value


@dataclass(frozen=True, eq=False)
class Choice:
    """``then`` in the instances where the test holds, ``other`` in the rest.

    Attributes:
        test: the test of a ``when`` or the name of a slot; a flag where instances have no formula in common.
        then: a region of kind ``when``.
        other: the same for the rest; empty where nothing is done.
        merged: the values that are used behind it, what flows out first.
        span: where it stands in the spec.
    """

    test: Varying
    then: Region
    other: Region
    merged: Sequence[Merged]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Parameter:
    """A number that the text of a template depends on.

    Attributes:
        name: what formulas of the template call it.
        qualified: what formulas of the spec call it; None for an argument of the template's own, which
            stands for a number without a formula.
        value: its value in each shape; of a list, a number for each element.
        place: for an argument of its own, the path of the op or region, and where in it the number is.
        input: the number of the input whose channels it is; None for all else.
    """

    name: str
    qualified: str | None
    value: Any
    place: tuple[str | int, ...] = ()
    input: int | None = None

    @property
    def is_kept(self) -> bool:
        """Whether users of the source may choose it."""
        numbers = self.value if isinstance(self.value, list) else [self.value]
        return any(isinstance(number, Varying) and number.kept for number in numbers)


@dataclass(frozen=True, eq=False)
class Call:
    """An instance of a block inside a template.

    Attributes:
        template: what it is an instance of.
        region: the block in the caller, with its body in the caller's names.
        arguments: the value of each parameter of ``template``, in the caller's names.
    """

    template: Template
    region: Region
    arguments: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Placed:
    """An argument of the blocks of a series, which the first or the last may have of its own.

    Attributes:
        rest: what all others are given; None where no shape has others.
        first: what the first is given; None where it has none of its own.
        last: the same of the last, which in a series of one is the first too.
        entering: the same for all, by a formula of the channels that enter each; None without one.
    """

    rest: Any
    first: Any = None
    last: Any = None
    entering: Varying | None = None

    @property
    def values(self) -> list[Any]:
        """All that is given."""
        return [each for each in (self.rest, self.first, self.last) if each is not None]

    def of(self, index: int, count: int) -> Any:
        """What block ``index`` of ``count`` is given."""
        if index == count - 1 and self.last is not None:
            return self.last
        return self.first if index == 0 and self.first is not None else self.rest


@dataclass(frozen=True)
class Growth:
    """What the channels behind a block are, other than those ahead of it.

    Attributes:
        argument: the argument that they are a multiple of; empty where they are one number.
        factors: the multiple in each shape, or the number.
        is_added: whether the block adds them to those ahead of it, as in DenseNet; the factors are then one.
    """

    argument: str
    factors: tuple[int, ...]
    is_added: bool = False

    @property
    def factor(self) -> int | None:
        """The one of all shapes; None where they differ."""
        return self.factors[0] if len(set(self.factors)) == 1 else None


@dataclass(frozen=True, eq=False)
class Series:
    """The blocks of a stage, made alike, as many as each shape has. Each takes what the one before gives.

    In the template's body one block without a body stands for them.

    Attributes:
        blocks: the blocks of each shape.
        templates: what they are instances of, in each shape.
        block: the parameter whose value the template is; empty where all shapes have the same.
        count: how many blocks there are.
        arguments: what they are given, by name; the channels that enter are not among it.
        source: the channels that enter the first.
        growth: what the channels behind a block are; None where it gives as many as it takes.
        channels: the name that the channels of the result have in formulas, where the factors differ, or what is
            added does as often as there are blocks.
    """

    blocks: Sequence[tuple[Region, ...]]
    templates: Sequence[Template]
    block: str
    count: Any
    arguments: Mapping[str, Placed]
    source: Any
    growth: Growth | None
    channels: str = ""

    @property
    def added(self) -> Any:
        """The channels behind the last block, where each adds to those ahead of it: a formula of their number."""
        count = self.count
        if isinstance(count, Varying):  # which has one value in a network that stands alone
            count = Varying(count.node, count.values, kept=True)
        return self.source + self.more * count

    @property
    def more(self) -> Any:
        """What each block adds to the channels, or the channels behind it, if one factor says it."""
        assert self.growth is not None
        assert self.growth.factor is not None
        width = self.arguments[self.growth.argument].rest if self.growth.argument else 1
        return width * self.growth.factor

    @property
    def numbers(self) -> list[Any]:
        """The numbers of its text."""
        return [self.count, self.source, *(each.values for each in self.arguments.values())]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the blocks have in the stage, in the shape that has the most."""
        longest = max(self.blocks, key=len)
        return tuple(block.path.rpartition(".")[2] for block in longest)


@dataclass(frozen=True, eq=False)
class Schedule:
    """Numbers that blocks of several stages are given one after another, by a formula of how many stand ahead.

    Attributes:
        name: what the text calls them.
        formula: the formula, in names of the template, ``index`` and ``total``.
        start: how many blocks stand ahead of the first that is given one.
        given: the numbers in each shape.
        totals: how many blocks there are in each shape.
        counts: how many blocks each stage has.
    """

    name: str
    formula: Varying
    start: int
    given: Sequence[Sequence[float]]
    totals: Sequence[int]
    counts: Sequence[Any] = ()


class Next(Varying):
    """The next number of a schedule, in the place of the number that a block is given."""

    __slots__ = ("schedule",)

    def __init__(self, schedule: str, count: int) -> None:
        node = ast.Call(ast.Name("next"), [ast.Name(schedule)], [])
        super().__init__(node, (None,) * count, False)
        self.schedule = schedule


@dataclass(frozen=True, eq=False)
class Template:
    """One body for several instances of a block, or for a whole network, or for several.

    Numbers are plain where all instances share them, else :class:`~netspec.lang.expression.symbolic.Varying`: a value for
    each *shape*, which is a set of instances that are equal in all respects. Paths are relative.

    Attributes:
        definition: the block; None for a network.
        instances: the regions of the program that it stands for, in order.
        shapes: the number of each instance's shape.
        source: what flows in.
        body: a region whose items are ops, regions and choices.
        parameters: all that its text can depend on, by name.
        local: values that the block names, in order, with their formulas.
        calls: the blocks inside. Both sides of a choice may have one of the same path.
        guards: what was decided by a kept argument.
        outputs: of a network, what it gives by name.
        names: what the spec calls results, by the value's id.
        reasons: why its block has other templates beside it, the latest last.
        others: the inputs behind the first, which is ``source``.
        paths: of layers whose names nobody chose and that differ, those in each shape, by the result's id.
        series: of several networks, the rows of blocks by the one that stands for them.
        unrolled: of networks, why stages are no series, by their paths.
        schedules: of networks, the numbers that blocks are given one after another, by name.
    """

    definition: Definition | None
    instances: tuple[Region, ...]
    shapes: tuple[int, ...]
    source: Value
    body: Region
    parameters: Mapping[str, Parameter]
    local: Mapping[str, Varying]
    calls: Mapping[Region, Call]
    guards: tuple[Guard, ...] = ()
    outputs: Mapping[str, Value] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    others: tuple[Value, ...] = ()
    paths: Mapping[int, Column[str]] = field(default_factory=dict)
    series: Mapping[Region, Series] = field(default_factory=dict)
    unrolled: Mapping[str, Reason] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    @property
    def blocks(self) -> Mapping[str, Sequence[Template]]:
        """The parameters whose values are blocks, with the block's template in each shape."""
        return {each.block: each.templates for each in self.series.values() if each.block}

    @property
    def entering(self) -> tuple[Value, ...]:
        """All that enters: ``source`` and ``others``."""
        return (self.source, *self.others)

    @property
    def representatives(self) -> tuple[Region, ...]:
        """The first instance of each shape."""
        found: dict[int, Region] = {}
        for number, region in zip(self.shapes, self.instances, strict=True):
            found.setdefault(number, region)
        return tuple(found[number] for number in sorted(found))

    @property
    def numbers(self) -> tuple[Varying, ...]:
        """The parameters that are one number each."""
        found = (parameter.value for parameter in self.parameters.values())
        return tuple(value for value in found if isinstance(value, Varying))

    def walk(self) -> Iterator[Node | Region | Choice]:
        """All that is inside, in order, both sides of choices and the bodies of blocks too."""
        waiting: list[Node | Region | Choice] = [self.body]
        while waiting:
            item = waiting.pop()
            yield item
            waiting += reversed(children(item))


def children(item: Node | Region | Choice) -> Sequence[Node | Region | Choice]:
    """What stands directly inside a part of a template."""
    if isinstance(item, Choice):
        return (item.then, item.other)
    return item.items if isinstance(item, Region) else ()


def result_of(item: Node | Region | Choice) -> Value:
    """What flows out of a part of a template."""
    match item:
        case Node():
            return item.outputs[0]
        case Region():
            return item.result
    return item.merged[0].result if item.merged else item.then.result


def nodes_of(item: Node | Region | Choice) -> Iterator[Node]:
    """The ops in a part of a template, in order."""
    if isinstance(item, Node):
        yield item
    for inner in children(item):
        yield from nodes_of(inner)
