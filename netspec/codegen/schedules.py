"""What networks hand to their blocks one after another: ``drop_paths``, and how many there are."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from netspec.codegen.helper import COUNT
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.nodes import Replaced, assign, call, clause, constant, reads
from netspec.codegen.passes.tables import merged
from netspec.codegen.printing import Printer
from netspec.ir.template import Template
from netspec.ir.template.schedules import AHEAD, TOTAL
from netspec.lang.expression.formula import Rewriter
from netspec.lang.expression.symbolic import Varying, value_at

ITERATOR = "Iterator"
"""The type of what gives one number after another, as it is imported."""


def schedules_along(
    template: Template,
    printer: Printer,
    statements: Sequence[ast.stmt],
    takes_depths: bool,
) -> list[ast.stmt]:
    """What makes the schedules that ``statements`` read.

    Args:
        template: of the networks.
        printer: prints formulas.
        statements: what makes the blocks.
        takes_depths: whether a network that stands alone takes how many blocks its stages have.
    """
    wanted = {name for each in statements for name in reads(each)}
    schedules = template.schedules.items()
    found = {n: each for name, each in schedules if (n := safe_identifier(name)) in wanted}
    if not found:
        return []
    counts = next(iter(found.values())).counts
    if len(template.instances) == 1 and not takes_depths:
        counts = [value_at(count, 0) for count in counts]
    total = _total(counts, template, printer)
    known = {TOTAL: total} if isinstance(total, ast.Constant) else {}
    made: list[ast.stmt] = [] if known else [assign(TOTAL, total)]
    for name, schedule in found.items():
        formula = _WorkedOut().visit(Replaced(known).visit(printer.value(schedule.formula)))
        start = [constant(schedule.start)] if schedule.start else []
        numbers = call("range", [*start, known.get(TOTAL, ast.Name(TOTAL))])
        each = ast.GeneratorExp(formula, [clause(AHEAD, numbers)])
        made.append(assign(name, each))
    return made


def _total(counts: Sequence[Any], template: Template, printer: Printer) -> ast.expr:
    """How many blocks there are, of so many in each stage."""
    if not any(isinstance(count, Varying) for count in counts):
        return constant(sum(counts))
    nodes = [printer.value(count) for count in counts]
    match nodes[0]:
        case ast.Subscript(value=ast.Name(id=name)) if name in template.parameters:
            whole = template.parameters[name].value
            if isinstance(whole, list):
                listed = [ast.dump(printer.value(number)) for number in whole]
                if listed == [*map(ast.dump, nodes)]:
                    return call("sum", [ast.Name(name)])
    found = merged(nodes, COUNT)
    if found is not None:
        each, column = found
        return call("sum", [ast.GeneratorExp(each, [clause(COUNT, ast.List(column))])])
    return call("sum", [ast.List(nodes)])


class _WorkedOut(Rewriter):
    """A copy in which sums of whole numbers are worked out."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """An operation, or what comes of it."""
        found = self.generic_visit(node)
        match found:
            case ast.BinOp(ast.Constant(int(one)), ast.Add(), ast.Constant(int(other))):
                return ast.Constant(one + other)
            case ast.BinOp(ast.Constant(int(one)), ast.Sub(), ast.Constant(int(other))):
                return constant(one - other)
        return found
