"""A variable that is written only to be kept as an attribute is left out.

``y = f(x)`` and ``self.y = y`` become ``self.y = f(x)``. One that goes on to another variable stays: it may be
the name that the spec has for a result. So does one that is returned: what a module of PyTorch gives has a type
once it is in a variable that has one.
"""

from __future__ import annotations

import ast

from netspec.codegen.passes.blocks import Definition, in_blocks, read, replaced


def fold_copies(definition: Definition) -> Definition:
    """Keep at once what is written to a variable for an attribute alone."""
    return in_blocks(definition, _folded)


def _folded(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match found[-1:], statement:
            case (
                [ast.Assign(targets=[ast.Name(id=name)], value=value)],
                ast.Assign(targets=[ast.Attribute()], value=ast.Name(id=copied)) as copy,
            ) if name == copied and read(function.body)[name] == 1:
                found[-1] = replaced(copy, value=value)
            case _:
                found.append(statement)
    return found
