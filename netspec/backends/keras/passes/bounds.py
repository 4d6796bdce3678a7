"""The bound of uniform values that lie on either side of zero is worked out once, ahead of the layer."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from netspec.codegen.identifiers import Namespace
from netspec.codegen.nodes import assign
from netspec.codegen.passes.blocks import in_blocks, same
from netspec.lang.expression.formula import Rewriter

BOUND = "bound"
"""What the variable is called."""


def name_bounds(definitions: Sequence[ast.stmt], names: Namespace) -> list[ast.stmt]:
    """Functions in which no formula stands twice as the two ends of what an initialiser draws from."""
    if not any(map(_bounds, definitions)):
        return [*definitions]
    name = names.add(BOUND)

    def named(block: list[ast.stmt], _: ast.FunctionDef) -> list[ast.stmt]:
        return [each for statement in block for each in _named(statement, name)]

    return [in_blocks(definition, named) for definition in definitions]


def _named(statement: ast.stmt, name: str) -> Iterator[ast.stmt]:
    """A statement, behind the one that works out its bound; one with several keeps them."""
    found = _bounds(statement) if isinstance(statement, ast.Assign | ast.Return) else []
    if found and all(same(each, found[0]) for each in found):
        yield assign(name, found[0])
        statement = _Named(name).visit(statement)
    yield statement


def _bounds(node: ast.AST) -> list[ast.expr]:
    """The formulas that initialisers are given as both ends."""
    found = map(_bound, ast.walk(node))
    return [each for each in found if each is not None]


def _bound(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="initializers")),
            args=[ast.UnaryOp(op=ast.USub(), operand=low), ast.BinOp() as high],
        ) if same(low, high):
            return high
    return None


class _Named(Rewriter):
    """Initialisers that are given a variable in the place of the formula."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _bound(node) is None:
            return self.generic_visit(node)
        name = ast.Name(self.name)
        return ast.Call(node.func, [ast.UnaryOp(ast.USub(), name), name], node.keywords)
