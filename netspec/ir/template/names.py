"""What qualified names mean in a template: numbers, plain or varying over the shapes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from netspec.ir.definition import Declared, Definition, plain
from netspec.ir.formula import HERE, IN_CHANNELS, IN_SIZE, NETWORK_SCOPE, Formula, Formulas, qualify
from netspec.ir.program import Node, Region
from netspec.ir.template.data import Column, Parameter, Split
from netspec.ir.template.numbers import MISSING, is_number, spread
from netspec.ir.template.shapes import Surroundings
from netspec.lang.expression.symbolic import Varying, named, names_of, same, same_value, vary
from netspec.ops.types import TensorType

Evaluate = Callable[[Formula, Column[Node] | Column[Region], TensorType], Any]


def channels_name(number: int) -> str:
    """What the scope of a block calls the channels of an input; formulas have a name for the first alone."""
    return f"{IN_CHANNELS} {number}" if number else IN_CHANNELS


class Names:
    """The names of a template's own scope, of those inside it while one is in them, and of those around.

    Args:
        shapes: a region of each shape.
        surroundings: what names mean around them.
        kept: the qualified names that depend on a kept argument, as seen inside.
        opened: the qualified names of a network whose text shows names also where it has one value.
    """

    def __init__(
        self,
        shapes: Sequence[Region],
        surroundings: Surroundings,
        kept: Collection[str],
        opened: Collection[str] = (),
    ) -> None:
        self.local: dict[str, Varying] = {}
        self._shapes = dict(enumerate(shapes))
        self._surroundings = surroundings
        self._kept = frozenset(kept)
        self._opened = frozenset(opened)
        self._known: dict[str, Any] = {}
        self._parameters: dict[str, Parameter] = {}
        self._around: dict[tuple[str, tuple[Any, ...]], Any] = {}
        definition = shapes[0].definition
        self._taken = {IN_CHANNELS, *(name for region in shapes for name in region.arguments)}
        if definition is not None:
            self._taken |= {*definition.let, *definition.inputs}

    # The template's own names

    def enter(self, evaluate: Evaluate) -> tuple[TensorType, ...]:
        """Give the template's own names their values; the types that enter."""
        region = self._shapes[0]
        if region.definition is None:
            return (self._enter_network(evaluate),)
        definition = region.definition
        types = tuple(self._entering(definition, number) for number in range(len(region.inputs)))
        self.set(definition.name, IN_SIZE, list(types[0].size))
        for param in definition.params.values():
            column = {i: plain(r.arguments[param.name]) for i, r in self._shapes.items()}
            value = self._own_argument(definition.name, param, column)
            self.set(definition.name, param.name, value)
            if param.type == "steps" and not isinstance(value, Varying):
                self._taken.discard(param.name)  # the text never asks whether there are any
            self._declare(param.name, qualify(definition.name, param.name), value)
        for number, type in enumerate(types):
            qualified = qualify(definition.name, channels_name(number))
            for name in names_of(type.channels):
                self._declare(name, qualified, type.channels, number)
        for name, formula in definition.let.items():
            self.derive(self._shapes, definition.name, name, formula, evaluate)
            self.keep_name(definition.name, name)
        return types

    def keep_name(self, scope: str, name: str) -> None:
        """Let the text call a number of a scope by its name, which has a value in all shapes."""
        value = self._known[qualify(scope, name)]
        if not isinstance(value, Varying) or isinstance(value.node, ast.Name | None):
            return
        text = next((known for known, own in self.local.items() if same(own, value)), None)
        if text is None:
            is_own = self._shapes[0].definition is not None and (
                self._shapes[0].definition.name == scope
            )
            text = name if is_own else self.fresh(name)
            self.local[text] = value
        self.set(scope, name, Varying(ast.Name(text), value.values, value.kept))

    def _enter_network(self, evaluate: Evaluate) -> TensorType:
        first = self._shapes[0]
        for name in first.arguments:
            column = {i: plain(r.arguments.get(name)) for i, r in self._shapes.items()}
            self._enter_argument(name, qualify(NETWORK_SCOPE, name), column)
        for name, formula in first.formulas.items():
            if len(self._shapes) > 1 or self.mentions_kept(first.formulas):
                found = evaluate(formula, self._shapes, first.source.type)
                if found is not MISSING:
                    self.set(NETWORK_SCOPE, name, found)
        types = [region.source.type for region in self._shapes.values()]
        if any(type.rank != types[0].rank for type in types):
            raise Split("another number of axes", "", {i: t.rank for i, t in enumerate(types)})
        channels = self._known.get(qualify(NETWORK_SCOPE, IN_CHANNELS), types[0].channels)
        size, non_negative = self._varying(types)
        return TensorType(channels, size, non_negative)

    def _enter_argument(self, name: str, qualified: str, column: Column[Any]) -> None:
        """Give a network's parameter its value; none where networks differ in it by more than numbers."""
        values = list(column.values())
        is_open = qualified in self._opened
        if not isinstance(values[0], list) and all(map(is_number, values)):
            value = named(name, values, qualified in self._kept)
            if is_open:
                value = Varying(ast.Name(name), tuple(values), qualified in self._kept)
        elif is_open and len({repr(value) for value in values}) == 1:
            value = _elements(name, values, is_open=True)
        elif all(repr(value) == repr(values[0]) for value in values):
            value = values[0]
        elif all(isinstance(v, list) and len(v) == len(values[0]) for v in values):
            value = _elements(name, values)
        else:
            return
        self._declare(name, qualified, value)
        self._known[qualified] = value

    def _entering(self, definition: Definition, number: int) -> TensorType:
        """The type of an input, whose channels have a name."""
        types = {i: region.inputs[number].type for i, region in self._shapes.items()}
        first = types[0]
        if any(type.rank != first.rank for type in types.values()):
            ranks = {i: type.rank for i, type in types.items()}
            raise Split("another number of axes", "", ranks, self._shapes[0].span)
        qualified = qualify(definition.name, channels_name(number))
        name = self.fresh(f"{definition.inputs[number]}_channels") if number else IN_CHANNELS
        kept = qualified in self._kept
        channels = named(name, [type.channels for type in types.values()], kept)
        self._known[qualified] = channels
        return TensorType(channels, *self._varying([*types.values()]))

    @staticmethod
    def _varying(types: Sequence[TensorType]) -> tuple[tuple[Any, ...], Any]:
        """The lengths of types of one rank, and whether values are negative, without formulas."""
        sizes = zip(*(type.size for type in types), strict=True)
        size = tuple(vary(None, lengths) for lengths in sizes)
        return size, vary(None, [type.non_negative for type in types])

    def _own_argument(self, scope: str, param: Declared, column: Column[Any]) -> Any:
        values = list(column.values())
        if param.type in ("block", "str"):
            if any(value != values[0] for value in values):
                raise Split(f"another `{param.name}`", "", column, self._shapes[0].span)
            return values[0]
        kept = qualify(scope, param.name) in self._kept
        if not isinstance(values[0], list):
            return named(param.name, values, kept)
        lengths = {i: len(value) for i, value in column.items()}
        if len(set(lengths.values())) > 1:
            raise Split(f"another length of `{param.name}`", "", lengths, self._shapes[0].span)
        return _elements(param.name, values, kept)

    def _declare(self, name: str, qualified: str, value: Any, input: int | None = None) -> None:
        if any(isinstance(number, Varying) for number in _numbers(value)):
            self._parameters[name] = Parameter(name, qualified, value, input=input)

    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters that stand for names: of the block first, then of scopes around."""
        return self._parameters

    def candidates(self) -> Iterator[Varying]:
        """The numbers that a fitted formula may be made of; none that is kept."""
        for parameter in self._parameters.values():
            for number in _numbers(parameter.value):
                if isinstance(number, Varying) and not number.kept:
                    yield number

    def is_free(self, name: str) -> bool:
        """Whether nothing in the template has a name."""
        return name not in self._taken

    def fresh(self, name: str) -> str:
        """A name that nothing in the template has, ``name`` if possible."""
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def are_around(self, names: Collection[str]) -> bool:
        """Whether there are names, and all of them are parameters that stand for names of scopes around."""
        around = {name for value in self._around.values() for name in names_of(value)}
        return bool(names) and around.issuperset(names)

    # Scopes inside

    @contextmanager
    def inner(self) -> Iterator[None]:
        """Within this context names may be set that mean something else outside."""
        before = dict(self._known)
        yield
        self._known = before

    def set(self, scope: str, name: str, value: Any) -> None:
        """Let a name of a scope have this value."""
        self._known[qualify(scope, name)] = value

    def derive(
        self,
        column: Column[Region],
        scope: str,
        name: str,
        formula: Formula,
        evaluate: Evaluate,
    ) -> Any:
        """Set and give the value that ``let`` derives: by its formula, else as it is in each shape."""
        first = next(iter(column.values()))
        value = evaluate(formula, column, first.source.type)
        if value is MISSING:
            known = {i: self._surroundings.inside(r, name) for i, r in column.items()}
            value = vary(None, spread(known, len(self._shapes)))
        self.set(scope, name, value)
        return value

    def kept(self) -> frozenset[str]:
        """The qualified names that depend on a kept argument here."""
        return frozenset(filter(self._is_kept, {*self._known, *self._kept}))

    def _is_kept(self, name: str) -> bool:
        if name not in self._known:
            return name in self._kept
        return any(isinstance(n, Varying) and n.kept for n in _numbers(self._known[name]))

    def mentions_kept(self, formulas: Formulas) -> bool:
        """Whether any of the formulas mentions a name that depends on a kept argument."""
        return bool(self._kept) and any(map(self._is_kept, formulas.names))

    # Looking up

    def at(
        self, column: Column[Node] | Column[Region], names: Iterable[str], source: TensorType
    ) -> Mapping[str, Any]:
        """What these qualified names mean at a place that ``source`` enters; those that mean nothing lack."""
        found: dict[str, Any] = {}
        for name in names:
            if name in HERE:
                found[name] = source.channels if name == "channels" else list(source.size)
                continue
            try:
                found[name] = self.value(column, name)
            except KeyError:
                continue
        return found

    def value(self, column: Column[Node] | Column[Region], name: str) -> Any:
        """What a qualified name means at a place; raises KeyError where it means nothing."""
        if all(name in item.indices for item in column.values()):
            counted = {i: item.indices[name] for i, item in column.items()}
            whole = {i: shape.indices.get(name) for i, shape in self._shapes.items()}
            is_whole = None not in whole.values() and counted.items() <= whole.items()
            return self._from_around(name, whole if is_whole else counted)
        if name in self._known:
            return self._known[name]
        values = {i: self._surroundings.outside(r, name) for i, r in self._shapes.items()}
        found = self._known[name] = self._from_around(name, values)
        return found

    def _from_around(self, name: str, column: Column[Any]) -> Any:
        """A value of a scope around: plain, or a parameter of the template."""
        values = list(column.values())
        kept = name in self._kept
        if isinstance(values[0], list):
            if any(not isinstance(v, list) or len(v) != len(values[0]) for v in values):
                raise KeyError(name)
            items = [dict(zip(column, each, strict=True)) for each in zip(*values, strict=True)]
            return [self._from_around(f"{name}_{i}", item) for i, item in enumerate(items)]
        if not kept and all(same_value(value, values[0]) for value in values):
            return values[0]
        key = (name, tuple(spread(column, len(self._shapes))))
        if key not in self._around:
            text = self.fresh(self._text(name))
            value = vary(ast.Name(text), key[1], kept)
            self._declare(text, name, value)
            self._around[key] = value
        return self._around[key]

    def _text(self, name: str) -> str:
        scope, _, own = name.rpartition(".")
        return own if own not in self._taken or not scope else re.sub(r"\W", "_", f"{scope}_{own}")


def _elements(
    name: str, values: Sequence[list[Any]], kept: bool = False, is_open: bool = False
) -> list[Any]:
    """The elements of lists of one length: numbers that vary, all of them where one does.

    A list is passed whole, and text that knows one of its numbers would not follow what is passed.
    """
    columns = [*zip(*values, strict=True)]
    if not (kept or is_open) and not any(
        isinstance(vary(None, column), Varying) for column in columns
    ):
        return [column[0] for column in columns]
    nodes = [ast.Subscript(ast.Name(name), ast.Constant(index)) for index in range(len(columns))]
    return [Varying(node, column, kept) for node, column in zip(nodes, columns, strict=True)]


def _numbers(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
