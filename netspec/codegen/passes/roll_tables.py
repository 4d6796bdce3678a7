"""Calls in a row that differ by plain numbers as a loop over a table of these."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from netspec.codegen.passes.roll_rows import ROW
from netspec.codegen.passes.tables import Signatures, signatures_of, tables_of


def roll_tables(definitions: Sequence[ast.stmt], called: Collection[str]) -> list[ast.stmt]:
    """Five calls in a row or more that make modules, or hand one tensor on, are one for each row of a table.

    Only what is ``called`` so, as that which makes a stage: a block can be read by itself.
    """
    signatures = signatures_of(definitions)
    tables = _Tables({name: signatures[name] for name in called})
    return [tables.visit(definition) for definition in definitions]


class _Tables(ast.NodeTransformer):
    """The pass on all that a node holds."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call of `nn.Sequential`, or one that may hold one."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == ROW:
            modules: list[ast.expr] = []
            at = 0
            for table in tables_of(node.args, self._signatures):
                each = ast.comprehension(table.target, table.rows, [], 0)
                modules += node.args[at : table.start]
                modules.append(ast.Starred(ast.GeneratorExp(table.made, [each])))
                at = table.stop
            node.args = [*modules, *node.args[at:]]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function, whose own statements may be calls that hand one tensor on."""
        self.generic_visit(node)
        body: list[ast.stmt] = []
        at = 0
        for table in tables_of([_handed_on(each) for each in node.body], self._signatures):
            target = node.body[table.start]
            assert isinstance(target, ast.Assign)
            made = ast.Assign(target.targets, table.made)
            body += node.body[at : table.start]
            body.append(ast.For(table.target, table.rows, [made], []))
            at = table.stop
        node.body = [*body, *node.body[at:]]
        return node


def _handed_on(statement: ast.stmt) -> ast.AST:
    """The call of a statement that gives its result to the variable that is its first argument."""
    match statement:
        case ast.Assign(
            targets=[ast.Name(id=target)], value=ast.Call(args=[ast.Name(id=taken), *_]) as made
        ) if target == taken:
            return made
    return statement
