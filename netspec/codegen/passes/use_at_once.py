"""A variable that is read in the sum right behind it alone is left out: ``y = f(x)`` and ``x = y + z`` are one line.

So is one that is called there, as in ``x = g(z + y)``. What takes several calls to compute keeps its name.
"""

from __future__ import annotations

import ast

from netspec.codegen.nodes import Replaced
from netspec.codegen.passes.blocks import Definition, calls_in, in_blocks, read, replaced


def use_at_once(definition: Definition) -> Definition:
    """Add or multiply at once what is written to a variable for that alone."""
    return in_blocks(definition, _used)


def _used(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match found[-1:], statement:
            case (
                [ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value)],
                ast.Assign(targets=[ast.Name()]) as last,
            ) if (
                calls_in([value]) == 1
                and read(function.body)[name] == 1
                and _is_operand(name, last.value)
            ):
                found[-1] = replaced(last, value=Replaced({name: value}).visit(last.value))
            case _:
                found.append(statement)
    return found


def _is_operand(name: str, value: ast.expr) -> bool:
    """Whether a variable is an operand of two, the other of which is a variable too, alone or in one call."""
    match value:
        case ast.Call(args=[ast.BinOp() as inner], keywords=[]):
            value = inner
    match value:
        case ast.BinOp(left=ast.Name(id=left), right=ast.Name(id=right)):
            return left != right and name in (left, right)
    return False
