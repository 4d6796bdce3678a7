"""What both sides of an `if` begin or end with stands once, ahead of it or behind it."""

from __future__ import annotations

import ast

from netspec.codegen.passes.blocks import Definition, assigned, in_blocks, read, replaced, same
from netspec.lang.expression.formula import negated


def share_ends(definition: Definition) -> Definition:
    """Write what both sides of an `if` begin or end with once."""
    return in_blocks(definition, _shared)


def _shared(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match statement:
            case ast.If(body=[*_], orelse=[_, *_]):
                found += _around(statement)
            case _:
                found.append(statement)
    return found


def _around(choice: ast.If) -> list[ast.stmt]:
    then, other = [*choice.body], [*choice.orelse]
    before: list[ast.stmt] = []
    behind: list[ast.stmt] = []
    while then and other and same(then[-1:], other[-1:]):
        behind.insert(0, then.pop())
        other.pop()
    # The test comes first: it may not read what is written ahead of it then.
    while then and other and same(then[:1], other[:1]) and not _changes(then[0], choice.test):
        before.append(then.pop(0))
        other.pop(0)
    if not then and other:
        return [*before, ast.If(negated(choice.test), other, []), *behind]
    inner = [replaced(choice, body=then, orelse=other)] if then else []
    return [*before, *inner, *behind]


def _changes(statement: ast.stmt, test: ast.expr) -> bool:
    """Whether a statement writes what a test reads: a variable, or an attribute."""
    match statement:
        case ast.Assign(targets=[ast.Attribute() as target]):
            return any(same([node], [target]) for node in ast.walk(test))
    return bool(assigned([statement]) & {*read([test])})
