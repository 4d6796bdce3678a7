"""What formulas of a program give, worked out region by region without any template."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from netspec.errors import NetspecError
from netspec.ir.formula import NETWORK_SCOPE, Formula, qualify
from netspec.ir.program import Node, Program, Region
from netspec.ir.template.numbers import op_of
from netspec.ir.template.shapes import frozen, plain

Environment = dict[str, Any]


def wrong_formulas(program: Program) -> tuple[int, list[str]]:
    """How many formulas a program has, and what is wrong with those that do not give its numbers."""
    found = list(_region(program.main, {}))
    return len(found), [text for text in found if text]


def _region(region: Region, around: Environment) -> Iterator[str]:
    here = {**around, **region.indices, **_place(region)}
    inside = dict(around)
    scope = NETWORK_SCOPE
    if region.definition is not None:
        scope = region.definition.name
        inside[qualify(scope, "in_channels")] = region.source.type.channels
        inside[qualify(scope, "in_size")] = list(region.source.type.size)
    for name, value in region.arguments.items():
        formula = region.formulas.get(name)
        if formula is not None and not _is_no_slot(region, name, formula, here):
            yield _compared(f"{region.path}: {name}", formula, plain(value), {**inside, **here})
        inside[qualify(scope, name)] = here[qualify(scope, name)] = plain(value)
    if region.definition is not None:
        for name, formula in region.definition.let.items():
            inside[qualify(scope, name)] = formula.evaluate(inside)
    elif "in_channels" in region.formulas:
        channels = region.source.type.channels
        yield _compared("in_channels", region.formulas["in_channels"], channels, inside)
    if region.test is not None:
        yield _compared(f"{region.path}: test", region.test, region.outcome, here)
    for item in region.items:
        yield from _node(item, inside) if isinstance(item, Node) else _region(item, inside)


def _node(node: Node, around: Environment) -> Iterator[str]:
    if not node.formulas:
        return
    here = {**around, **node.indices, **_place(node)}
    values = {}
    for name, formula in node.formulas.items():
        if not hasattr(node.op, name):
            continue  # a word of the step that is an edge here
        try:
            values[name] = formula.evaluate(here)
        except NetspecError as error:
            yield f"{node.path}: {name}: {error}"
    whole = op_of(node.op, values)
    if whole is None:
        yield f"{node.path}: the formulas have another shape"
        return
    whole = whole.resolve(node.source)
    for name in values:
        own, made = (frozen(getattr(op, name)) for op in (node.op, whole))
        is_filled_in = name == "depthwise" and getattr(whole, "groups", 1) == node.source.channels
        yield "" if own == made or is_filled_in else f"{node.path}: {name} is {own}, not {made}"


def _place(item: Node | Region) -> Environment:
    type = item.source if isinstance(item, Node) else item.source.type
    return {"channels": type.channels, "size": list(type.size)}


def _is_no_slot(region: Region, name: str, formula: Formula, here: Environment) -> bool:
    """Whether steps that are one word are another word than a slot's."""
    assert region.definition is None or name in region.definition.params or name in region.arguments
    steps = region.definition is not None and region.definition.params[name].type == "steps"
    return steps and not formula.names <= here.keys()


def _compared(what: str, formula: Formula, value: Any, here: Environment) -> str:
    with suppress(NetspecError):
        found = formula.evaluate(here)
        return "" if found == value else f"{what}: {formula} is {found}, not {value}"
    return f"{what}: {formula} cannot be computed"
