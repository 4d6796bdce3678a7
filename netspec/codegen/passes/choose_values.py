"""A variable that is one value or another is written once: ``y = f(x) if a else x``.

Where either side takes more than one call of one thing, a line for each says it better.
"""

from __future__ import annotations

import ast

from netspec.codegen.nodes import assign
from netspec.codegen.passes.blocks import Definition, calls_in, in_blocks


def choose_values(definition: Definition) -> Definition:
    """Make one assignment of an `if` of two."""
    return in_blocks(definition, _chosen)


def _chosen(block: list[ast.stmt], _: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match statement:
            case ast.If(
                test=test,
                body=[ast.Assign(targets=[ast.Name(id=one)], value=then)],
                orelse=[ast.Assign(targets=[ast.Name(id=two)], value=other)],
            ) if one == two and _is_short(then) and _is_short(other):
                found.append(assign(one, ast.IfExp(test, then, other)))
            case _:
                found.append(statement)
    return found


def _is_short(value: ast.expr) -> bool:
    """Whether a value is a variable, or one call on a variable."""
    match value:
        case ast.Call(args=[ast.Name()], keywords=[]):
            return calls_in([value]) == 1
    return isinstance(value, ast.Name)
