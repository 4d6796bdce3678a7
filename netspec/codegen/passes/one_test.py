"""Two choices in a row by the same test are one, where the first does not change what the test reads."""

from __future__ import annotations

import ast

from netspec.codegen.passes.blocks import Definition, assigned, in_blocks, read, replaced, same


def one_test(definition: Definition) -> Definition:
    """Ask once what is asked twice in a row."""
    return in_blocks(definition, _merged)


def _merged(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match found[-1:], statement:
            case [ast.If() as first], ast.If() as second if _is_one(first, second):
                body = [*first.body, *second.body]
                found[-1] = replaced(first, body=body, orelse=[*first.orelse, *second.orelse])
            case _:
                found.append(statement)
    return found


def _is_one(first: ast.If, second: ast.If) -> bool:
    """Whether the second choice is by the test of the first, which still gives the same."""
    if not same(first.test, second.test) or any(map(_may_change, ast.walk(first.test))):
        return False
    return not assigned([first]) & {*read([first.test])}


def _may_change(node: ast.AST) -> bool:
    return isinstance(node, ast.Call | ast.Attribute)
