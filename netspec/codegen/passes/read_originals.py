"""What stands right behind ``y = x`` reads ``x``: ``y`` is kept for later, as people write ``identity = x``."""

from __future__ import annotations

import ast

from netspec.codegen.nodes import Replaced
from netspec.codegen.passes.blocks import Definition, in_blocks


def read_originals(definition: Definition) -> Definition:
    """Let an assignment read the variable that was copied just ahead of it, not the copy."""
    return in_blocks(definition, _with_originals)


def _with_originals(block: list[ast.stmt], _: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match found[-1:], statement:
            case (
                [ast.Assign(targets=[ast.Name(id=copy)], value=ast.Name() as original)],
                ast.Assign(targets=[ast.Name(id=target)], value=value),
            ) if target == original.id:
                read = Replaced({copy: original}).visit(value)
                found.append(ast.Assign([ast.Name(target)], read))
            case _:
                found.append(statement)
    return found
