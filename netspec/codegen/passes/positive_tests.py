"""An `if` with two sides asks what is so, and not what is not: ``if not a`` and ``if a is not b`` are turned round."""

from __future__ import annotations

import ast

from netspec.codegen.passes.blocks import Definition, in_blocks, replaced
from netspec.lang.expression.formula import negated


def positive_tests(definition: Definition) -> Definition:
    """Turn round a test for what is not, where there is an `else`."""
    return in_blocks(definition, _turned)


def _turned(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    return [_positive(statement) for statement in block]


def _positive(statement: ast.stmt) -> ast.stmt:
    match statement:
        case ast.If(orelse=[ast.If()]):  # an `elif` would stand deeper
            return statement
        case ast.If(test=test, body=then, orelse=[_, *_] as other) if _is_negative(test):
            return replaced(statement, test=negated(test), body=other, orelse=then)
    return statement


def _is_negative(test: ast.expr) -> bool:
    match test:
        case ast.UnaryOp(op=ast.Not()) | ast.Compare(ops=[ast.IsNot()]):
            return True
    return False
