"""Which numbers of a template its text shows: attributes, tests, and what calls pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netspec.ir.formula import Formula
from netspec.ir.program import Node, Region
from netspec.ir.template.data import Call, Choice, Series, Template, children
from netspec.ir.template.numbers import MISSING
from netspec.lang.expression.symbolic import Varying
from netspec.ops.base import field_names


def numbers_of(
    body: Region, calls: Mapping[Region, Call], series: Mapping[Region, Series]
) -> Iterator[Varying]:
    """The numbers that vary in the text of a body; of blocks inside only the calls are text."""
    waiting: list[Any] = [body, *(list(call.arguments.values()) for call in calls.values())]
    waiting += (each.numbers for each in series.values())
    while waiting:
        found = waiting.pop()
        match found:
            case Varying():
                yield found
            case Choice():
                waiting += (found.test, found.then, found.other)
            case Region() if found in calls:
                continue
            case Region():
                waiting += found.items
            case Node():
                waiting.append(found.op)
            case tuple() | list():
                waiting += found
            case _:
                kind: Any = type(found)
                waiting += [getattr(found, name) for name in field_names(kind) or ()]


def number_at(region: Region, start: str, place: tuple[str | int, ...]) -> Any:
    """A number inside a block of a caller, whose relative path is ``start``; MISSING without one.

    ``place`` is the one of an argument that the block's template has of its own.
    """
    path, *part = place
    waiting: list[Node | Region | Choice] = [*region.items]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, Choice) and path and item.path == f"{start}.{path}":
            found: Any = item.op if isinstance(item, Node) else item.arguments
            for key in part:
                if isinstance(found, Mapping) and key not in found:
                    return MISSING  # an argument that only the block's template has
                is_field = isinstance(key, str) and not isinstance(found, Mapping)
                found = getattr(found, str(key)) if is_field else found[key]
            return found
        waiting += children(item)
    return MISSING


def formula_at(
    block: Region, place: tuple[str | int, ...], known: Mapping[int, tuple[Template, int]]
) -> Formula | None:
    """The formula of a number inside a block of a program; None without one.

    ``place`` is the one of an argument that the block's template has of its own; ``known`` has the templates of
    blocks, by identity.
    """
    path, *part = place
    inside = f"{block.path}.{path}"
    name = str(part[0]) if part else ""
    for node in block.nodes:
        if node.path == inside:
            return node.formulas.get(name)
    for inner in block.regions("block"):
        if inner.path == inside and id(inner) in known:
            parameter = known[id(inner)][0].parameters.get(name)
            if parameter is not None and parameter.qualified is None:
                return formula_at(inner, parameter.place, known)
            return inner.formulas.get(name)
    return None
