"""The verifier of templates: each, taken at an instance, is that instance."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netspec.errors import InternalError, NetspecError
from netspec.ir.definition import plain
from netspec.ir.program import Node, Region, Value
from netspec.ir.template.chosen import op_at
from netspec.ir.template.data import Choice, Next, Template
from netspec.ir.template.entering import gives
from netspec.ir.template.numbers import at
from netspec.ir.template.schedules import is_right
from netspec.ir.template.text import numbers_of
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.formula import print_node
from netspec.lang.expression.symbolic import same_value, value_at
from netspec.ops.types import TensorType

Known = Mapping[int, tuple[Template, int]]
"""The template and shape of each block, by the identity of its region."""

_NONE: Known = {}

Flat = list[tuple[Any, ...]]
"""Ops in order: their keys, paths, what they take, and the shape of what they give."""


def check_template(
    template: Template, others: Sequence[Sequence[Value]] = (), known: Known = _NONE
) -> None:
    """Raise :class:`InternalError` where a template is not one of its shapes, which only netspec can cause.

    The ops, their attributes, paths and edges are those of the instance, and every formula gives the
    value that is there.

    Args:
        template: the template.
        others: of networks, for each shape the inputs behind the first.
        known: of networks, the templates of their blocks, and the shape of each, by identity.
    """
    name = template.definition.name if template.definition else "the network"
    formulas = _Formulas(template)
    forms: dict[int, Flat] = {}
    for shape, region in zip(template.shapes, template.instances, strict=True):
        more = others[shape] if others else ()
        if shape not in forms:
            forms[shape] = taken(template, shape, more)
            wrong = (
                formulas.wrong_at(shape)
                or _wrong_in_series(template, shape, known)
                or _wrong_in_schedules(template, shape)
            )
            if wrong is not None:
                raise InternalError(f"{region.path}: in the template of `{name}`, {wrong}")
        if forms[shape] != flat(region, more):
            raise InternalError(f"{region.path}: the template of `{name}` is not this instance")


def flat(region: Region, others: Sequence[Value] = ()) -> Flat:
    """The ops of an instance, with paths of its own, and what enters it counted from 0."""
    start = len(region.path) + 1 if region.path else 0
    numbers: dict[int, int] = {}
    for value in (*region.inputs, *others):
        numbers.setdefault(value.id, len(numbers))
    found: Flat = []
    for node in region.nodes:
        inputs = tuple(numbers[value.id] for value in node.inputs)
        for value in node.outputs:
            numbers[value.id] = len(numbers)
        types = tuple([value.type.shape for value in node.outputs])
        found.append((node.op.key, node.path[start:], inputs, types))
    found.append(("results", *(numbers[value.id] for value in region.outputs)))
    return found


def taken(template: Template, shape: int, others: Sequence[Value] = ()) -> Flat:
    """The ops of a template at one of its shapes; what enters that twice is one value."""
    own = (*template.representatives[shape].inputs, *others)
    given = [value.id for value in own]
    order = [*dict.fromkeys(given)]
    numbers = {
        value.id: order.index(id) for value, id in zip(template.entering, given, strict=True)
    }
    count = itertools.count(len(order))
    merged: dict[int, Value] = {}
    found: Flat = []

    def number_of(value: Value) -> int:
        while value.id in merged:
            value = merged[value.id]
        return numbers[value.id]

    for node in _nodes(template, shape, merged):
        if isinstance(node, Region):
            row = template.series[node].blocks[shape]
            inside = {row[0].source.id: number_of(node.source)}
            for inner in (inner for block in row for inner in block.nodes):
                inputs = tuple(inside[value.id] for value in inner.inputs)
                inside.update((value.id, next(count)) for value in inner.outputs)
                types = tuple([value.type.shape for value in inner.outputs])
                found.append((inner.op.key, inner.path, inputs, types))
            numbers[node.result.id] = inside[row[-1].result.id]
            continue
        inputs = tuple(number_of(value) for value in node.inputs)
        for value in node.outputs:
            numbers[value.id] = next(count)
        path = template.paths.get(node.outputs[0].id, {}).get(shape, node.path)
        types = tuple([_at(value.type, shape) for value in node.outputs])
        found.append((at(op_at(node.op, shape), shape).key, path, inputs, types))
    found.append(("results", *map(number_of, template.body.outputs)))
    return found


def _nodes(template: Template, shape: int, merged: dict[int, Value]) -> Iterator[Node | Region]:
    """The ops that a shape has, in order; values that choices merge are those of the side taken.

    Of a series of blocks comes the one that stands for them.
    """
    waiting: list[Node | Region | Choice] = [template.body]
    while waiting:
        item = waiting.pop()
        match item:
            case Node():
                yield item
            case Region() if item in template.series:
                yield item
            case Region():
                waiting += reversed(item.items)
            case Choice():
                holds = bool(value_at(item.test, shape))
                merged.update((m.result.id, m.then if holds else m.other) for m in item.merged)
                waiting.append(item.then if holds else item.other)


def _at(type: TensorType, shape: int) -> tuple[int, ...]:
    return tuple([value_at(number, shape) for number in type.shape])


def _wrong_in_series(template: Template, shape: int, known: Known) -> str | None:
    """What a series says of one of its blocks that is not so; None where all is well."""
    for block, series in template.series.items():
        row = series.blocks[shape]
        if value_at(series.count, shape) != len(row):
            return f"`{block.path}` does not come {len(row)} times"
        for index, instance in enumerate(row):
            kind, number = known[id(instance)]
            for name, placed in series.arguments.items():
                if isinstance(placed.rest, Next):
                    continue  # what the schedule gives is held against all blocks at once
                given = at(placed.of(index, len(row)), shape)
                own = plain(instance.arguments.get(name))
                if name in kind.parameters:
                    own = at(kind.parameters[name].value, number)
                is_said = placed.entering is None or gives(placed.entering, instance, own)
                is_alike = kind is series.templates[shape] and same_value(given, own)
                if not is_said or not is_alike:
                    return f"`{instance.path}` is given {given} for `{name}`, and {own} is there"
    return None


def _wrong_in_schedules(template: Template, shape: int) -> str | None:
    """Which schedule gives other numbers than those that are there; None where all is well."""
    known = {name: parameter.value for name, parameter in template.parameters.items()}
    for schedule in template.schedules.values():
        if sum(value_at(count, shape) for count in schedule.counts) != schedule.totals[shape]:
            return f"there are not {schedule.totals[shape]} blocks"
        if not is_right(schedule, known, shape):
            return f"`{schedule.name}` are others"
    return None


class _Formulas:
    """The numbers of a template that have formulas."""

    def __init__(self, template: Template) -> None:
        self._template = template
        found = numbers_of(template.body, template.calls, template.series)
        self._numbers = {id(number): number for number in found}

    def wrong_at(self, shape: int) -> str | None:
        """What a formula gives at a shape that is not the value there; None where all is well."""
        names: dict[str, Any] = {
            name: at(parameter.value, shape)
            for name, parameter in self._template.parameters.items()
        }
        for name, number in self._template.local.items():
            names[name] = number.values[shape]
        for number in (*self._template.local.values(), *self._numbers.values()):
            if number.node is None or number.values[shape] is None:
                continue
            text = print_node(number.node)
            try:
                found = Expression(text, number.node).evaluate(names)
            except NetspecError as error:
                return f"`{text}` cannot be computed: {error}"
            if not same_value(found, number.values[shape]):
                return f"`{text}` is {found}, and {number.values[shape]} is there"
        return None
