"""Arguments of a stage's blocks that are a formula of the channels that enter each of them."""

from __future__ import annotations

import ast
from typing import Any

from netspec.errors import NetspecError
from netspec.ir.formula import IN_CHANNELS, NETWORK_SCOPE, Formula
from netspec.ir.program import Region
from netspec.ir.template.data import Column
from netspec.ir.template.names import Names
from netspec.ir.template.numbers import evaluated
from netspec.ir.template.schedules import COUNTED
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.formula import print_node
from netspec.lang.expression.symbolic import Diverges, Varying, names_of, same_value

HERE = "channels"
"""What the spec calls the channels that enter a block, where it is called."""


def formula_of_entering(
    values: Column[list[Any]],
    blocks: Column[tuple[Region, ...]],
    name: str,
    names: Names,
) -> Varying | None:
    """The formula of an argument by ``in_channels`` alone, the same for all blocks; None without one.

    Args:
        values: what the blocks are given.
        blocks: the blocks.
        name: the argument.
        names: what names mean in the template.
    """
    found = {id(f): f for row in blocks.values() for b in row if (f := b.formulas.get(name))}
    formulas: list[Formula] = [*found.values()]
    is_one = len({each.key for each in formulas}) == 1
    if not is_one or HERE not in formulas[0].names:
        return None
    others = formulas[0].names - {HERE}
    if others & COUNTED or not all(each.startswith(f"{NETWORK_SCOPE}.") for each in others):
        return None
    firsts = {i: row[0] for i, row in blocks.items()}
    around = names.at(firsts, others, firsts[0].source.type)
    count = len(blocks)
    channels = Varying(ast.Name(IN_CHANNELS), (None,) * count, False)
    try:
        made = evaluated(formulas[0], {**around, HERE: channels}, count)
    except (Diverges, NetspecError):
        return None
    if not isinstance(made, Varying) or made.node is None or names_of(made) != {IN_CHANNELS}:
        return None
    pairs = ((b, v) for i, row in blocks.items() for b, v in zip(row, values[i], strict=True))
    return made if all(gives(made, block, value) for block, value in pairs) else None


def gives(formula: Varying, block: Region, value: Any) -> bool:
    """Whether a formula of the channels that enter a block gives a value."""
    assert formula.node is not None
    expression = Expression(print_node(formula.node), formula.node)
    try:
        return same_value(expression.evaluate({IN_CHANNELS: block.source.type.channels}), value)
    except NetspecError:
        return False
