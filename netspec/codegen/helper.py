"""What makes the blocks of stages that follow one pattern, in source: a helper, as people write one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.codegen.classes import Argument, Invocation, SourceClass, passed
from netspec.codegen.identifiers import Namespace, safe_identifier
from netspec.codegen.nodes import Replaced, assign, call, filled, reads
from netspec.codegen.printing import Printer, is_default
from netspec.ir.formula import IN_CHANNELS
from netspec.ir.template import Growth, Placed, Series, Template

BLOCK = "block"
"""What helpers call the class or function of the blocks, where it is a parameter."""

COUNT, INDEX = "depth", "index"
"""What helpers call the number of blocks, and their counter."""

EXPANSION = "expansion"
"""What classes of blocks call the factor by which they widen, where a helper asks for it."""


@dataclass(frozen=True, eq=False)
class Helper:
    """What makes the blocks of stages of one pattern.

    Attributes:
        name: what it is called.
        called: the class of the blocks, or the parameter that is one, with the arguments that it takes.
        parameters: what it takes, in order.
        given: what the blocks are given by argument, in terms of the parameters.
        passed: for each stage, what is passed for the parameters.
        block, channels, count: the parameters that are the class of the blocks, the channels that enter,
            and how many blocks there are; empty where there is none.
        pattern, start: the blocks' names with ``{index}`` for a number, and the number of the first.
        shared: arguments that all blocks of all stages are given alike, by parameters of the networks.
        kind, bound: what the blocks are where networks call the helper, and with ``shared`` bound to it.
        growth: what the channels behind a block are; None where they stay.
        templates: what the blocks are, for each shape.
        channels_of: gives the channels that enter a block, of what it is called with first.
    """

    name: str
    called: SourceClass
    parameters: tuple[Argument, ...]
    given: Mapping[str, Placed]
    passed: Mapping[Series, Mapping[str, Any]]
    block: str
    channels: str
    count: str
    pattern: str
    start: int
    shared: Mapping[str, Any]
    kind: str
    bound: str
    growth: Growth | None
    templates: tuple[Template, ...]
    channels_of: Callable[[ast.expr], ast.expr]

    def local(self, name: str) -> str:
        """A name for a variable, ``name`` unless a parameter has it."""
        return Namespace({each.identifier for each in self.parameters}).add(name)

    def identifier(self, name: str) -> str:
        """A parameter's name in source."""
        return next(each.identifier for each in self.parameters if each.name == name)

    @property
    def asks(self) -> bool:
        """Whether it asks the class of the blocks by how much they widen."""
        return bool(self.channels and self.growth is not None and is_asked(self.growth))

    @property
    def has_first(self) -> bool:
        """Whether the first block is given something of its own, besides channels."""
        return any(each.first is not None for each in self.given.values())

    @property
    def has_last(self) -> bool:
        """Whether the last block is given something of its own."""
        return any(each.last is not None for each in self.given.values())

    def widened(self, printer: Printer) -> ast.expr:
        """The channels behind a block, in terms of the parameters, or what it adds to those ahead of it."""
        assert self.growth is not None
        width = self.given[self.growth.argument].rest if self.growth.argument else 1
        block = ast.Name(self.identifier(self.block)) if self.block else None
        return _widened(printer.value(width), self.growth, block or ast.Name(self.called.name))

    @property
    def is_numbered(self) -> bool:
        """Whether the blocks' names are their indices."""
        return self.pattern == "{index}" and not self.start

    def numbers(self, starts: int = 0, stops: int = 0) -> ast.expr:
        """The numbers of the names, as a call of ``range``, but for so many at the start and the end."""
        first = self.start + starts
        stop = self._behind(self.start - stops)
        return call("range", [*([ast.Constant(first)] if first else []), stop])

    def _behind(self, shift: int) -> ast.expr:
        """The number of blocks, and something more or less."""
        count = ast.Name(self.identifier(self.count))
        sign = ast.Add() if shift > 0 else ast.Sub()
        return ast.BinOp(count, sign, ast.Constant(abs(shift))) if shift else count

    def block_name(self, ahead: str = "", **values: ast.expr) -> ast.expr:
        """The name of the block that the counter is at, behind a pattern of other ``values``."""
        return filled(ahead + self.pattern, **values, index=ast.Name(INDEX))

    def first_name(self, ahead: str, **values: ast.expr) -> ast.expr:
        """The name of the first block."""
        return filled(ahead + self.pattern.format(index=self.start), **values)

    def last_name(self, ahead: str, **values: ast.expr) -> ast.expr:
        """The name of the last block."""
        return filled(ahead + self.pattern, **values, index=self._behind(self.start - 1))

    def block_call(
        self, printer: Printer, part: str, values: Sequence[ast.expr] = (), **more: ast.expr
    ) -> ast.expr:
        """The call of a block: the ``first`` or ``last``, one of the ``rest``, or ``each`` by the counter."""
        chosen: dict[str, Any] = {}
        for name, placed in self.given.items():
            if placed.entering is not None:
                known = {IN_CHANNELS: self.channels_of(values[0])}
                chosen[name] = Replaced(known).visit(printer.value(placed.entering))
            elif part == "each":
                chosen[name] = self._by_index(printer, placed)
            else:
                own = getattr(placed, part)
                chosen[name] = placed.rest if own is None else own
        return Invocation(self.called, chosen).call(printer, values, **more)

    def _by_index(self, printer: Printer, placed: Placed) -> Any:
        found = placed.rest
        ends = (self._behind(self.start - 1), ast.Constant(self.start))
        for own, place in zip((placed.last, placed.first), ends, strict=True):
            if own is not None:
                test = ast.Compare(ast.Name(INDEX), [ast.Eq()], [place])
                found = ast.IfExp(test, printer.value(own), printer.value(found))
        return found

    def call(
        self,
        function: str,
        series: Series,
        printer: Printer,
        values: Sequence[ast.expr] = (),
        **more: ast.expr,
    ) -> ast.expr:
        """The call of the helper, as ``function``, for the blocks of a stage."""
        own = self.passed[series]
        given = passed(
            (each, printer.value(own[each.name]))
            for each in self.parameters
            if not is_default(own[each.name], each.default)
        )
        return call(function, [*values, *given], **more)


def channels_along(
    template: Template, printer: Printer, statements: Sequence[ast.stmt]
) -> list[ast.stmt]:
    """Takes down the channels behind stages whose blocks add to them, by the names that ``statements`` have."""
    found: list[ast.stmt] = []
    wanted = {name for each in statements for name in reads(each)}
    for series in reversed([*template.series.values()]):
        if series.channels in wanted and series.growth is not None and series.growth.is_added:
            found.insert(0, assign(series.channels, printer.value(series.added)))
            wanted |= reads(found[0])
    return found


def channels_behind(template: Template, printer: Printer) -> dict[str, ast.expr]:
    """The channels behind all other stages, by the name that formulas have for them."""
    found: dict[str, ast.expr] = {}
    for series in template.series.values():
        if series.channels and not (series.growth is not None and series.growth.is_added):
            assert series.growth is not None
            argument = series.growth.argument
            width = printer.value(series.arguments[argument].rest if argument else 1)
            block = ast.Name(safe_identifier(series.block))
            found[series.channels] = _widened(width, series.growth, block)
    return found


def attribute_of(growth: Growth) -> str:
    """What classes of blocks call a factor that differs over them, or the channels behind."""
    return EXPANSION if growth.argument else "out_channels"


def is_asked(growth: Growth) -> bool:
    """Whether classes of blocks say by how much they widen: where it differs, or is no 1."""
    if growth.is_added:
        return False
    return growth.factor is None or bool(growth.argument and growth.factor != 1)


def _widened(width: ast.expr, growth: Growth, block: ast.expr) -> ast.expr:
    """The channels behind a block: a multiple of ``width``, which the class of the block may know."""
    factor: ast.expr = ast.Constant(growth.factor)
    if is_asked(growth):
        factor = ast.Attribute(block, attribute_of(growth))
    match width, factor:
        case ast.Constant(value=1), _:
            return factor
        case _, ast.Constant(value=1):
            return width
        case ast.Constant(value=int(one)), ast.Constant(value=int(other)):
            return ast.Constant(one * other)
    return ast.BinOp(width, ast.Mult(), factor)
