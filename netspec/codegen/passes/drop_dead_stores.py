"""A variable that nothing reads is not written, where that does nothing else."""

from __future__ import annotations

import ast
from collections import Counter

from netspec.codegen.passes.blocks import Definition, in_blocks, read


def drop_dead_stores(definition: Definition) -> Definition:
    """Leave out what is written to variables that nothing reads."""
    return in_blocks(definition, _live)


def _live(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    taken = read(function.body)
    return [statement for statement in block if not _is_dead(statement, taken)] or block


def _is_dead(statement: ast.stmt, taken: Counter[str]) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=same)):
            return name == same or not taken[name]
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return not taken[name] and not any(isinstance(n, ast.Call) for n in ast.walk(value))
    return False
