"""Statements that come in rounds as a loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from netspec.codegen.passes.rounds import rounds_of

SIMPLE = ast.Assign | ast.Expr
"""What a round consists of; anything else ends a row."""


def roll_statements(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Three rounds of statements that differ by what counts up are a loop over them."""
    found: list[ast.stmt] = []
    row: list[ast.stmt] = []
    for statement in statements:
        if isinstance(statement, SIMPLE):
            row.append(statement)
            continue
        found += [*_rolled(row), statement]
        row = []
    return [*found, *_rolled(row)]


def _rolled(row: Sequence[ast.stmt]) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    at = 0
    for rounds in rounds_of(row):
        found += row[at : rounds.start]
        found.append(ast.For(ast.Name(rounds.variable), rounds.range(), rounds.body(row), []))
        at = rounds.stop
    return [*found, *row[at:]]
