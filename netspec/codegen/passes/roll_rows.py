"""Modules of a `nn.Sequential` that come in rounds as a comprehension."""

from __future__ import annotations

import ast

from netspec.codegen.nodes import clause
from netspec.codegen.passes.rounds import Rounds, rounds_of

ROW = "Sequential"
"""What holds modules that run one after another."""

FEWEST_SEVERAL = 6
"""So many rounds of several modules are a loop in a loop, which is harder to read than a list."""

MODULE = "module"
"""A module of a round that has several."""


def roll_rows(node: ast.stmt) -> ast.stmt:
    """Rounds of modules in a row that differ by what counts up are made in a comprehension: three, of several six."""
    found: ast.stmt = _Rows().visit(node)
    return found


class _Rows(ast.NodeTransformer):
    """The pass on all that a node holds."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call of `nn.Sequential`, or one that may hold one."""
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == ROW):
            return node
        modules: list[ast.expr] = []
        at = 0
        for rounds in rounds_of(node.args):
            if rounds.length > 1 and rounds.count < FEWEST_SEVERAL:
                continue
            modules += node.args[at : rounds.start]
            modules.append(ast.Starred(_made(rounds, rounds.body(node.args))))
            at = rounds.stop
        node.args = [*modules, *node.args[at:]]
        return node


def _made(rounds: Rounds, body: list[ast.expr]) -> ast.expr:
    counted = clause(rounds.variable, rounds.range())
    if len(body) == 1:
        return ast.GeneratorExp(body[0], [counted])
    return ast.GeneratorExp(ast.Name(MODULE), [counted, clause(MODULE, ast.Tuple(body))])
