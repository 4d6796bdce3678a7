"""Arguments of a stage's blocks as formulas of the block's index, for loops in generated source."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from netspec.errors import NetspecError
from netspec.schema.fields import to_expression
from netspec.schema.syntax import StageSyntax
from netspec.symbolic import Diverges, Varying, named, names_of, vary

INDEX = "index"
"""The name of the counter in the formulas, from 0 in each stage."""


def schedule(
    entry: StageSyntax, environment: Mapping[str, Any], first: int, count: int
) -> dict[str, Varying]:
    """The arguments that change from block to block by a formula, with their value in each block.

    ``first`` is the running index of the stage's first of ``count`` blocks. Arguments that read the
    channels or size at their place have no formula and are left out.
    """
    index = named(INDEX, list(range(count)))
    node = ast.Name(INDEX)
    running = ast.BinOp(node, ast.Add(), ast.Constant(first)) if first else node
    kept = {
        name: Varying(value.node, value.values * count, value.kept)
        for name, value in environment.items()
        if isinstance(value, Varying)
    }
    place = {
        **environment,
        **kept,
        INDEX: index,
        "running_index": vary(running, [first + number for number in range(count)]),
    }
    found = {}
    for name, argument in entry.arguments.items():
        if not isinstance(argument.value, str):
            continue
        try:
            value = to_expression(argument.value).evaluate(place)
        except (NetspecError, ValueError, Diverges):
            continue
        if isinstance(value, Varying) and value.node is not None and INDEX in names_of(value):
            found[name] = value
    return found
