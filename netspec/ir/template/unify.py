"""Anti-unification: the least general template that several regions are instances of.

The algorithm is Plotkin's and Reynolds' (both 1970), over trees of regions: equal parts stay, numbers that
differ become variables, one for each place. Beyond it, a variable gets the formula that the spec has for
the number, where that is the same in all instances and gives the right values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from netspec.ir.definition import plain
from netspec.ir.formula import IN_SIZE
from netspec.ir.program import MERGING, Node, Region, Value
from netspec.ir.template.chosen import is_anonymous
from netspec.ir.template.data import (
    Call,
    Choice,
    Column,
    Merged,
    Series,
    Split,
    Template,
    result_of,
)
from netspec.ir.template.evaluate import Evaluator
from netspec.ir.template.names import Names, channels_name
from netspec.ir.template.numbers import MISSING, at, unify
from netspec.ir.template.ops import Ops
from netspec.ir.template.shapes import Surroundings, is_plain
from netspec.ir.template.text import number_at, numbers_of
from netspec.ir.template.wires import Wires
from netspec.lang.expression.symbolic import Varying, names_of, only
from netspec.ops import Op

Known = Mapping[int, tuple[Template, int]]
"""The template and shape of each block, by the identity of its region."""


class Unifier:
    """Makes one template of regions of different shapes.

    Args:
        shapes: a region of each shape: blocks of one definition, or one whole network.
        surroundings: what names mean around them.
        kept: the qualified names, seen inside the regions, that depend on a kept argument.
        known: the templates of blocks inside.
        choose: whether ops of one category that differ become an argument.
        opened: of a network, the names that its text shows also where they have one value.
    """

    def __init__(
        self,
        shapes: Sequence[Region],
        surroundings: Surroundings,
        kept: Collection[str],
        known: Known,
        choose: bool = False,
        opened: Collection[str] = (),
    ) -> None:
        self.shapes = shapes
        self.names = Names(shapes, surroundings, kept, opened)
        self._numbers = Evaluator(shapes, self.names)
        self._choose = choose
        self._ops = Ops(len(shapes), self.names, self._numbers, choose)
        self._paths: dict[int, Column[str]] = {}
        self.kept_inside: dict[int, frozenset[str]] = {}
        self._known = known
        self._calls: dict[Region, Call] = {}
        self._is_inside_call = False
        self._wires = Wires(len(shapes))
        self._surroundings = surroundings
        self._value_names: dict[int, str] = {}
        self._series: dict[Region, Series] = {}

    def template(self, instances: tuple[Region, ...], numbers: tuple[int, ...]) -> Template:
        """The template of ``instances``, whose shapes have these numbers; raises :class:`Split`."""
        column = dict(enumerate(self.shapes))
        first = self.shapes[0]
        types = self.names.enter(self._numbers.evaluate)
        inputs = tuple(self._wires.new(type) for type in types)
        self._guard_decisions()
        for number, value in enumerate(inputs):
            self._wires.bind({i: region.inputs[number] for i, region in column.items()}, value)
        self._wires.flowing = inputs[0]
        items = self._items(column)
        outputs = self._values({i: region.outputs for i, region in column.items()}, "")
        body = Region(first.kind, items, inputs, outputs, "", first.definition, span=first.span)
        names = self._used(body)
        return Template(
            definition=first.definition if first.kind == "block" else None,
            instances=instances,
            shapes=numbers,
            source=inputs[0],
            body=body,
            parameters={
                name: parameter
                for name, parameter in {**self.names.parameters(), **self._numbers.own}.items()
                if name in names
            },
            local={name: value for name, value in self.names.local.items() if name in names},
            calls=self._calls,
            guards=self._numbers.guards,
            names=self._value_names,
            others=inputs[1:],
            paths=self._paths,
            series=self._series,
        )

    def _guard_decisions(self) -> None:
        """Note what kept arguments decide about names and numbers of steps."""
        for index, region in enumerate(self.shapes):
            for decided in region.decided:
                if not decided.formula.names.isdisjoint(self.names.kept()):
                    self._numbers.guard(decided.what, {index: region}, decided.span)

    def value_of(self, value: Value) -> Value:
        """What stands in the template for a value of the only shape."""
        return self._wires.resolve({0: value}, "")

    def _used(self, body: Region) -> set[str]:
        """The names that the text of a body mentions, through values with names of their own."""
        used = set().union(*(names_of(value.type.channels) for value in body.inputs))
        for number in numbers_of(body, self._calls, self._series):
            used |= names_of(number)
        for name, value in reversed(self.names.local.items()):
            used |= names_of(value) if name in used else set()
        return used

    # Regions

    def _alike(self, values: Column[Any], what: str, at: Mapping[int, Node | Region]) -> None:
        """Raise :class:`Split` unless all values are one."""
        found = list(values.values())
        if found.count(found[0]) != len(found):
            span = next(item.span for item in at.values())
            raise Split(f"another {what}", self._numbers.place(at), values, span)

    def _items(self, column: Column[Region]) -> tuple[Any, ...]:
        """The items of regions that stand in one place, side by side."""
        kinds = {i: tuple(map(self._kind, region.items)) for i, region in column.items()}
        self._alike(kinds, "list of steps", column)
        found: list[Any] = []
        entering = self._wires.flowing
        is_row = next(iter(column.values())).kind not in MERGING
        for index in range(len(next(iter(kinds.values())))):
            items = {i: region.items[index] for i, region in column.items()}
            first = next(iter(items.values()))
            step: Callable[[Any], Any] = self._node if isinstance(first, Node) else self._region
            found.append(step(items))
            self._wires.flowing = result_of(found[-1]) if is_row else entering
        return tuple(found)

    def _kind(self, item: Node | Region) -> str:
        if isinstance(item, Node):
            return self._ops.kind(item.op)
        return item.definition.name if item.definition is not None else item.kind

    def _is_anonymous(self, at: tuple[int, Node]) -> bool:
        index, node = at
        path = self._numbers.path(index, node.path)
        # What stands in a block inside has been held against its own names by that block's template.
        return is_anonymous(node, path.rpartition(".")[2] if self._is_inside_call else path)

    def _region(self, column: Column[Region]) -> Node | Region | Choice:
        paths = {i: self._numbers.path(i, region.path) for i, region in column.items()}
        self._alike(paths, "name", column)
        if next(iter(column.values())).kind == "when":
            return self._when(column)
        return self._plain_region(column)

    def _plain_region(self, column: Column[Region], **more: Any) -> Region:
        """A region that is there in every shape."""
        index, first = next(iter(column.items()))
        place = self._numbers.place(column)
        inputs = self._values({i: region.inputs for i, region in column.items()}, place)
        if first.kind == "repeat":
            outcomes = {i: region.outcome for i, region in column.items()}
            self._alike(outcomes, "number of repetitions", column)
            self._numbers.test(column, inputs[0].type, "a number of repetitions")
        if first.kind in ("block", "inline"):
            names = {i: r.definition and r.definition.name for i, r in column.items()}
            self._alike(names, "block", column)
            with self.names.inner():
                return self._call(column, inputs, place)
        items = self._items(column)
        outputs = self._values({i: region.outputs for i, region in column.items()}, place)
        more = {"test": first.test, "outcome": first.outcome, "position": first.position, **more}
        path = self._numbers.path(index, first.path)
        return Region(first.kind, items, inputs, outputs, path, span=first.span, **more)

    def _values(self, column: Column[tuple[Value, ...]], place: str) -> tuple[Value, ...]:
        """The values that stand for what regions take or give, each by its position."""
        lengths = {i: len(values) for i, values in column.items()}
        if len({*lengths.values()}) > 1:
            raise Split("another number of values", place, lengths)
        rows = zip(*column.values(), strict=True)
        return tuple(
            self._wires.resolve(dict(zip(column, row, strict=True)), place) for row in rows
        )

    def _call(self, column: Column[Region], inputs: tuple[Value, ...], place: str) -> Region:
        """A block in a block, inline or not: its body in the names of the outer one."""
        index, first = next(iter(column.items()))
        definition = first.definition
        assert definition is not None
        template = self._template_of(column)
        around = {} if template is None else self._names_around(column, template)
        arguments: dict[str, Any] = {}
        for name, param in definition.params.items():
            values = {i: plain(region.arguments[name]) for i, region in column.items()}
            candidate = MISSING
            if param.type not in ("block", "str"):
                candidate = self._numbers.by_formula(column, name, inputs[0].type)
            if param.type == "steps" and not isinstance(candidate, bool | Varying):
                candidate = MISSING  # what has the name of a slot may be an op
            owner = None if first.kind == "block" else ""
            own_number = partial(self._numbers.number, owner=owner)
            arguments[name] = unify(values, candidate, (place, name), own_number)
            self.names.set(definition.name, name, arguments[name])
        for number, value in enumerate(inputs):
            self.names.set(definition.name, channels_name(number), value.type.channels)
        self.names.set(definition.name, IN_SIZE, list(inputs[0].type.size))
        for name, formula in definition.let.items():
            self.names.derive(column, definition.name, name, formula, self._numbers.evaluate)
            if first.kind == "inline" and len(column) == len(self.shapes):
                self.names.keep_name(definition.name, name)
        if first.kind == "block":
            inside = self.names.kept()
            self.kept_inside |= {id(region): inside for region in column.values()}
        was_inside = self._is_inside_call
        self._is_inside_call = was_inside or template is not None
        items = self._items(column)
        self._is_inside_call = was_inside
        outputs = self._values({i: region.outputs for i, region in column.items()}, place)
        path = self._numbers.path(index, first.path)
        found = Region(
            first.kind,
            items,
            inputs,
            outputs,
            path,
            definition,
            arguments,
            first.span,
            first.formulas,
        )
        if template is not None:
            self._calls[found] = self._call_of(template, column, found, around, place)
        return found

    def _template_of(self, column: Column[Region]) -> Template | None:
        """The template that the blocks of a column have; None where none is known."""
        found = {i: self._known[id(r)][0] for i, r in column.items() if id(r) in self._known}
        if not found or self._is_inside_call:
            return None
        self._alike({i: [id(template)] for i, template in found.items()}, "template", column)
        return next(iter(found.values()))

    def _names_around(self, column: Column[Region], template: Template) -> dict[str, Any]:
        """The values of names that a template takes from further out, where it is called."""
        assert template.definition is not None
        own = f"{template.definition.name}."
        found = {}
        for parameter in template.parameters.values():
            if parameter.qualified is not None and not parameter.qualified.startswith(own):
                with suppress(KeyError):
                    found[parameter.name] = self.names.value(column, parameter.qualified)
        return found

    def _call_of(
        self,
        template: Template,
        column: Column[Region],
        region: Region,
        around: Mapping[str, Any],
        place: str,
    ) -> Call:
        """What a template is given for each of its parameters, where it is called."""
        known = {**region.arguments, **around}
        arguments: dict[str, Any] = {}
        for name, parameter in template.parameters.items():
            taken = {
                i: at(parameter.value, self._known[id(found)][1]) for i, found in column.items()
            }
            values = {i: value for i, value in taken.items() if value is not None}
            first = next(iter(values.values()), None)
            is_partial = len(values) < len(taken)
            if first is None:  # where it is for a part that none of these have
                arguments[name] = None
                continue
            if isinstance(first, Op):
                arguments[name] = self._op_argument(values, first, is_partial)
                continue
            if is_partial and parameter.is_kept:
                there = {i: i in values for i in taken}
                raise Split("another use of an argument that is kept", place, there, region.span)
            if is_partial:  # that it is None says that the part is not there
                arguments[name] = self._numbers.optional(values, (place, name))
                continue
            candidate = known.get(name, MISSING)
            if parameter.input is not None:
                candidate = region.inputs[parameter.input].type.channels
            if parameter.qualified is None:
                candidate = number_at(region, place, parameter.place)
            arguments[name] = unify(values, candidate, (place, name), self._numbers.number)
        return Call(template, region, arguments)

    def _op_argument(self, ops: Column[Op], first: Op, is_partial: bool) -> Op | Varying:
        """An op that a block inside is given: what the template is given itself, where ops differ."""
        if not is_partial and len({op.key for op in ops.values()}) == 1:
            return first
        assert first.category is not None
        return self._ops.argument(ops, first.category, is_partial)

    def _when(self, column: Column[Region]) -> Node | Region | Choice:
        """A region under a test: there, or a choice where the test goes both ways; of two ops, what is chosen."""
        place = self._numbers.place(column)
        source = self._wires.resolve({i: region.source for i, region in column.items()}, place)
        outcomes = {i: region.outcome for i, region in column.items()}
        test = self._numbers.test(column, source.type, "a `when`")
        first = next(iter(column.values()))
        if all(region.does_nothing for region in column.values()):  # whatever the test says
            return dataclasses.replace(
                first, items=(), inputs=(source,), outputs=(source,), path=""
            )
        if len(set(outcomes.values())) == 1:
            return self._plain_region(column)
        if self._choose and not (isinstance(test, Varying) and test.kept):
            ops = {i: region.items[0] for i, region in column.items() if len(region.items) == 1}
            nodes = {i: op for i, op in ops.items() if isinstance(op, Node)}
            kinds = {node.op.category for node in nodes.values()}
            is_one = len(nodes) == len(column) and len(kinds) == 1 and None not in kinds
            if is_one and self._may_be_one(nodes):
                return self._node(nodes)
        then = {i: region for i, region in column.items() if outcomes[i]}
        other = {i: region for i, region in column.items() if not outcomes[i]}
        test = self._numbers.flag(column, test, _inside(next(iter(then.values()))))
        sides = []
        entering = self._wires.flowing
        for side in (then, other):
            self._wires.flowing = entering
            with only(frozenset(side)):
                sides.append(self._plain_region(side))
        merged: list[Merged] = []
        self._wires.close(outcomes, test, merged)
        self._wires.resolve({i: region.result for i, region in column.items()}, place)
        return Choice(test, sides[0], sides[1], merged, first.span)

    # Ops

    def _may_be_one(self, column: Column[Node]) -> bool:
        """Whether ops are called alike, or nobody chose how, and that may differ."""
        paths = {self._numbers.path(i, node.path) for i, node in column.items()}
        return len(paths) == 1 or (self._choose and all(map(self._is_anonymous, column.items())))

    def _node(self, column: Column[Node]) -> Node:
        index, first = next(iter(column.items()))
        paths = {i: self._numbers.path(i, node.path) for i, node in column.items()}
        if not self._may_be_one(column):
            self._alike(paths, "name", column)
        place = self._numbers.place(column)
        ends = {i: (len(node.inputs), len(node.outputs)) for i, node in column.items()}
        self._alike(ends, "number of inputs or results", column)
        inputs = tuple(
            self._wires.resolve({i: node.inputs[number] for i, node in column.items()}, place)
            for number in range(len(first.inputs))
        )
        op = self._ops.op(column, inputs[0].type, place)
        sources = [value.type for value in inputs]
        is_as_it_was = op is first.op and len(column) == 1 and all(map(is_plain, sources))
        types = None if is_as_it_was else self._ops.types(op, sources)
        outputs = []
        for number in range(len(first.outputs)):
            values = {i: node.outputs[number] for i, node in column.items()}
            made = types[number] if types is not None else None
            outputs.append(self._wires.new(self._ops.type(made, values, place)))
            self._wires.bind(values, outputs[-1])
            if len({*paths.values()}) > 1:
                self._paths[outputs[-1].id] = paths
            name = self._surroundings.name_of(first.outputs[number], self.shapes[index])
            if name is not None:
                self._value_names[outputs[-1].id] = name
        path = self._numbers.path(index, first.path)
        return Node(op, inputs, tuple(outputs), path, first.span, first.formulas, first.indices)


def _inside(region: Region) -> str:
    """A word for what a region holds: the label of its first op."""
    return next((node.op.label for node in region.nodes), "steps")
