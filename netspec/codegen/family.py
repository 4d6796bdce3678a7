"""The stages of several networks that are one class or function in source.

The blocks of a stage are made by a helper, once for all stages of one pattern, as people write it:
``_make_layer(block, in_channels, width, depth, stride)``. What all stages give alike stands in it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netspec.codegen.calls import same_call
from netspec.codegen.classes import Argument, Classes, SourceClass
from netspec.codegen.helper import BLOCK, COUNT, INDEX, Helper
from netspec.codegen.identifiers import Namespace, safe_identifier
from netspec.codegen.printing import MISSING
from netspec.codegen.schedules import ITERATOR
from netspec.ir.names import counting
from netspec.ir.template import Choice, Next, Placed, Series, Template
from netspec.ir.template.numbers import at
from netspec.lang.expression.symbolic import Varying, same, value_at

BlockType = Callable[[Sequence[SourceClass]], str]
"""How the type of a parameter is written whose value is one of these classes."""

_NO_ONE: Any = object()
"""In the place of a default that not all classes share."""


def complete(classes: Classes, template: Template, takes_channels: bool) -> None:
    """Let the classes that one stage may be made of take the same arguments.

    What a class has no use for is mostly one number in all of its instances: it takes that and no other. Of a
    schedule each block takes its number in any case, so that the next one gets its own.
    """
    for made in template.calls.values():
        _take_next(classes.of(made.template), made.arguments)
    for series in template.series.values():
        for kind in _kinds(classes, series):
            _take_next(kind, {name: placed.rest for name, placed in series.arguments.items()})
    for series in template.series.values():
        kinds = _kinds(classes, series)
        channels = [a for kind in kinds for a in kind.arguments if a.input is not None]
        for kind in kinds:
            if channels and takes_channels and all(a.input is None for a in kind.arguments):
                kind.arguments = (channels[0], *kind.arguments)
        for name in _wanted(kinds):
            for kind in kinds:
                if all(argument.name != name for argument in kind.arguments):
                    kind.accept(name, _given_to(kind, name, template))


def _take_next(kind: SourceClass, given: Mapping[str, Any]) -> None:
    known = {argument.name for argument in kind.arguments}
    for name, number in given.items():
        if isinstance(number, Next) and name not in known:
            kind.accept(name, [])


def _given_to(kind: SourceClass, name: str, template: Template) -> list[Any]:
    """All that the blocks of a class are given for an argument."""
    found: list[Any] = []
    for series in template.series.values():
        placed = series.arguments.get(name)
        for shape, known in enumerate(series.templates):
            if placed is not None and known is kind.template:
                values = (placed.rest, placed.first, placed.last)
                found += [at(value, shape) for value in values if value is not None]
    return [value for value in found if value is not None]


def _kinds(classes: Classes, series: Series) -> list[SourceClass]:
    """The classes that the blocks of a series are of, each once."""
    return [*dict.fromkeys(classes.of(template) for template in series.templates)]


def _wanted(kinds: Sequence[SourceClass]) -> dict[str, Argument]:
    """The arguments besides channels that classes take, with the default that all of them have."""
    found: dict[str, Argument] = {}
    for argument in (each for kind in kinds for each in kind.arguments if each.input is None):
        known = found.setdefault(argument.name, argument)
        if not same_call(known.default, argument.default):
            found[argument.name] = replace(argument, default=_NO_ONE)
    orders = {tuple(a.name for a in kind.arguments if a.default is MISSING) for kind in kinds}
    if len(orders) > 1:  # what has no one place is passed by name
        found = {name: replace(each, default=_NO_ONE) for name, each in found.items()}
    return dict(sorted(found.items(), key=lambda item: item[1].default is not MISSING))


@dataclass(frozen=True)
class Style:
    """How a backend writes helpers.

    Attributes:
        takes_channels: whether blocks are told the channels that enter them.
        block_type: how the type of a parameter is written whose value is one of these classes of blocks.
        channels_of: gives the channels that enter a block, of what it is called with first.
        share: how a helper gets at what the networks give to all blocks alike, by the argument; None where
            the blocks that it is given know it.
        reserved: arguments of these names are not shared.
        takes_depths: whether a network that stands alone takes how many blocks its stages have.
    """

    takes_channels: bool
    block_type: BlockType
    channels_of: Callable[[ast.expr], ast.expr]
    share: Callable[[str], ast.expr] | None
    reserved: frozenset[str] = frozenset()
    takes_depths: bool = True


def helpers(
    template: Template, classes: Classes, name: Callable[[], str], style: Style
) -> Mapping[Series, Helper]:
    """The helpers that make the stages of networks, for each series.

    Args:
        template: of the networks.
        classes: those of their blocks, which are :func:`complete`.
        name: gives a name for a helper.
        style: how they are written.
    """
    parts = (part for part in template.walk() if not isinstance(part, Choice))
    tops = {part.path.partition(".")[0] for part in parts}
    groups: dict[Any, list[Series]] = {}
    for series in template.series.values():
        kind = series.block or id(series.templates[0])
        names = counting(series.names[0])
        key = (kind, names, series.growth, (*series.arguments,))
        groups.setdefault(key, []).append(series)
    found: dict[Series, Helper] = {}
    bound = Namespace({name for series in template.series.values() for name in series.arguments})
    for group in groups.values():
        maker = _Maker(group, classes, replace(style, reserved=style.reserved | tops), bound)
        found.update(dict.fromkeys(group, maker.helper(name())))
    return found


class _Maker:
    """Makes a helper for stages of one pattern."""

    def __init__(
        self, group: Sequence[Series], classes: Classes, style: Style, bound: Namespace
    ) -> None:
        self.group = group
        self.bound = bound
        self.style = style
        self.kinds = _kinds(classes, group[0])
        self.wanted = _wanted(self.kinds)
        self.names = Namespace({"x", "name", INDEX, *self.wanted})
        self.parameters: list[Argument] = []
        self.passed: dict[Series, dict[str, Any]] = {series: {} for series in group}
        self.schedules: dict[Argument, list[Any]] = {}

    def helper(self, name: str) -> Helper:
        first = self.group[0]
        shared = self._shared()
        is_bound = bool(shared) and self.style.share is None
        block = self.names.add(BLOCK) if first.block or is_bound else ""
        count = self.names.add(COUNT)
        entering = [a for kind in self.kinds for a in kind.arguments if a.input is not None]
        channels = entering[0].name if entering and self.style.takes_channels else ""
        is_told = bool(channels) or not self.style.takes_channels
        kind, bound = first.block or self.kinds[0].name, first.block or block
        if is_bound and not first.block:
            bound = self.bound.add(BLOCK)
        if block:
            values = [Varying(ast.Name(bound), (), False) for _ in self.group]
            self._parameter(Argument(block, self.style.block_type(self.kinds)), values)
        if channels:
            self._parameter(Argument(channels, "int"), [series.source for series in self.group])
        given: dict[str, Placed] = {}
        for argument in self.wanted.values():
            if argument.name not in shared:
                given[argument.name] = self._given(argument, is_told)
            elif self.style.share is not None:
                given[argument.name] = Placed(self.style.share(argument.identifier))
        counts = [series.count for series in self.group]
        if len(first.blocks) == 1 and not self.style.takes_depths:
            counts = [value_at(number, 0) for number in counts]
        self._parameter(Argument(count, "int"), counts)
        for argument, passed in self.schedules.items():
            self._parameter(argument, passed)
        template = first.templates[0]
        called = SourceClass(
            block or self.kinds[0].name, template, (*entering[:1], *self.wanted.values())
        )
        pattern, start = counting(first.names[0]) or ("{index}", 0)
        return Helper(
            name=name,
            called=called,
            parameters=tuple(sorted(self.parameters, key=lambda each: each.default is not MISSING)),
            given=given,
            passed=self.passed,
            block=block,
            channels=channels,
            count=count,
            pattern=pattern,
            start=start,
            shared=shared,
            kind=safe_identifier(kind),
            bound=safe_identifier(bound),
            growth=first.growth,
            templates=tuple(first.templates),
            channels_of=self.style.channels_of,
        )

    def _placed(self, name: str) -> list[Placed]:
        """What the stages give for an argument; the only block of one is its first or last where others have one."""
        found = [series.arguments[name] for series in self.group]
        has_first = any(each.first is not None for each in found)
        has_last = any(each.last is not None for each in found)
        if has_first is has_last:
            return found
        own = "first" if has_first else "last"
        return [
            replace(each, rest=None, **{own: each.rest})
            if all(len(row) == 1 for row in series.blocks) and len(each.values) == 1
            else each
            for series, each in zip(self.group, found, strict=True)
        ]

    def _shared(self) -> dict[str, Any]:
        """What all blocks of all stages are given alike, and no plain value."""
        found = {}
        for name in self.wanted:
            parts = _in_all(self._placed(name))
            first = parts["rest"][0]
            is_one = [*parts] == ["rest"] and all(same(value, first) for value in parts["rest"])
            growth = self.group[0].growth
            is_width = growth is not None and growth.argument == name and not growth.is_added
            is_free = name not in self.style.reserved and not is_width
            is_free = is_free and not isinstance(first, Next)
            if is_one and is_free and _is_text(first):
                found[name] = first
        return found

    def _parameter(self, argument: Argument, values: Sequence[Any]) -> Varying:
        """A further parameter, for which the stages pass ``values``."""
        default = MISSING if argument.default is _NO_ONE else argument.default
        self.parameters.append(replace(argument, default=default))
        for series, value in zip(self.group, values, strict=True):
            self.passed[series][argument.name] = value
        return Varying(ast.Name(argument.name), (), False)

    def _given(self, argument: Argument, is_told: bool) -> Placed:
        """What the blocks are given for an argument: what all stages agree on, else parameters.

        ``is_told`` says that the helper knows the channels that enter a block.
        """
        placed = self._placed(argument.name)
        if isinstance(placed[0].rest, Next):
            return Placed(self._next(argument, placed[0].rest))
        formula, growth = _one_formula(placed), self.group[0].growth
        is_width = growth is not None and growth.argument == argument.name
        if formula is not None and is_told and not is_width:
            return Placed(None, entering=formula)
        parts = _in_all(placed)
        various = [part for part, values in parts.items() if _one(values) is None]
        found: dict[str, Any] = {}
        for part, values in parts.items():
            found[part] = _one(values)
            if part in various:
                is_own = part != "rest" and len(various) > 1
                name = self.names.add(f"{part}_{argument.name}") if is_own else argument.name
                found[part] = self._parameter(replace(argument, name=name), values)
        return Placed(**found)

    def _next(self, argument: Argument, number: Next) -> Next:
        """The next number of a schedule, which the stages pass whole."""
        schedule = Varying(ast.Name(number.schedule), (), False)
        kind = f"{ITERATOR}[{argument.type}]"
        own = Argument(self.names.add(number.schedule), kind)
        self.schedules[own] = [schedule for _ in self.group]
        return Next(own.name, 0)


def _in_all(placed: Sequence[Placed]) -> dict[str, list[Any]]:
    """What stages give to the rest, the first and the last of their blocks, as far as one has its own."""
    known = [each.rest for each in placed if each.rest is not None]
    rest = _one(known)
    found: dict[str, list[Any]] = {"rest": []}
    for each in placed:
        alone = each.last if each.first is None else each.first
        own = each.rest if each.rest is not None else rest if rest is not None else alone
        found["rest"].append(own)
    for part in ("first", "last"):
        values = [getattr(each, part) for each in placed]
        if any(value is not None for value in values):
            pairs = zip(values, found["rest"], strict=True)
            found[part] = [rest if value is None else value for value, rest in pairs]
    return found


def _one_formula(placed: Sequence[Placed]) -> Varying | None:
    """The formula of the channels that enter a block by which all stages give it.

    None without one, and where the first and the last have nothing of their own.
    """
    if all(each.first is None and each.last is None for each in placed):
        return None
    found = [each.entering for each in placed if each.entering is not None]
    alike = len({ast.dump(each.node) for each in found if each.node is not None}) == 1
    return found[0] if alike and len(found) == len(placed) else None


def _one(values: Sequence[Any]) -> Any:
    """The plain value that all are; None where they differ, or stand for parameters."""
    first = values[0] if values else None
    alike = all(type(value) is type(first) and same(value, first) for value in values)
    return first if alike and not _is_text(first) else None


def _is_text(value: Any) -> bool:
    """Whether a value stands for parameters."""
    parts = value if isinstance(value, list) else [value]
    return any(isinstance(part, Varying) for part in parts)
