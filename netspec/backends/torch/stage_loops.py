"""PyTorch source of stages between which channels grow: one loop over how many blocks each has."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netspec.backends.torch.gathered import Row
from netspec.backends.torch.paths import node_of
from netspec.backends.torch.sequential import RowWriter
from netspec.codegen.helper import Helper
from netspec.codegen.identifiers import Namespace, safe_identifier
from netspec.codegen.nodes import Replaced, assign, call, filled, if_
from netspec.ir.names import counting
from netspec.ir.template import Series, Template
from netspec.lang.expression.formula import Rewriter
from netspec.lang.expression.symbolic import Varying

FEWEST = 3
"""So many stages are a loop."""


@dataclass(frozen=True)
class StageLoop:
    """A row of modules as statements.

    Attributes:
        statements: what registers it.
        known: what stands for the channels behind the last stage, by the name that formulas have for them.
        depths: the list that is looped over.
    """

    statements: list[ast.stmt]
    known: Mapping[str, ast.expr]
    depths: str


class StageLoops:
    """Writes rows in which a helper makes every stage, and the same stands between any two, as a loop.

    Args:
        template: of the networks.
        helpers: what makes the stages.
        rows: writes rows of modules.
    """

    def __init__(
        self, template: Template, helpers: Mapping[Series, Helper], rows: RowWriter
    ) -> None:
        self.template = template
        self.helpers = helpers
        self.rows = rows
        self.printer = rows.printer
        names = Namespace({*map(safe_identifier, template.parameters)})
        self.channels, self.depth, self.number = map(names.add, ("channels", "depth", "number"))

    def written(
        self, row: Row, modules: Sequence[ast.expr], found: Mapping[int, Series]
    ) -> StageLoop | str:
        """The statements that register a row, or why a loop does not say it.

        Args:
            row: the row.
            modules: the calls that make its members.
            found: those of its members that are stages of a series, by their index.
        """
        at, series = [*found], [*found.values()]
        depths = self._depths(series)
        steps = {b - a for a, b in pairwise(at)}
        if depths is None:
            return "their numbers of blocks are no one list"
        if len(steps) != 1:
            return "more modules stand between some than between others"
        if row.is_numbered:
            return "their names are their places among other modules"
        rounds = [
            self._round(row, modules, at[k - 1] + 1 if k else at[0], at[k], series, k, depths)
            for k in range(len(at))
        ]
        shown = [[ast.dump(each) for part in found for each in part] for found in rounds]
        own = [ast.dump(each) for each in rounds[0][1]]
        if any(each != shown[1] for each in shown[1:]) or shown[1][-len(own) :] != own:
            return "between some is done what is not between others"
        first = counting(row.names[at[0]])
        assert first is not None
        between, always = rounds[1]
        body = always
        if between:
            is_later = ast.Compare(ast.Name(self.number), [ast.Gt()], [ast.Constant(first[1])])
            body = [if_(is_later, between), *always]
        counted = call(
            "enumerate",
            [ast.Name(depths)],
            **({"start": ast.Constant(first[1])} if first[1] else {}),
        )
        target = ast.Tuple([ast.Name(self.number), ast.Name(self.depth)])
        last = {series[-1].channels: ast.Name(self.channels)}
        behind = [
            self._added(row, ast.Constant(name), Replaced(last).visit(module))
            for name, module in [*zip(row.names, modules, strict=True)][at[-1] + 1 :]
        ]
        start = assign(self.channels, self.printer.value(series[0].source))
        held = self.rows.sequential(row.names[: at[0]], modules[: at[0]])
        loop = ast.For(target, counted, body, [])
        made = [start, assign(node_of(row.path), held), loop, *behind]
        return StageLoop(made, last, depths)

    def _depths(self, series: Sequence[Series]) -> str | None:
        """The list that has how many blocks each stage has, and nothing else."""
        nodes = [each.count.node if isinstance(each.count, Varying) else None for each in series]
        match nodes:
            case [ast.Subscript(value=ast.Name(id=name)), *_]:
                wanted = [ast.Subscript(ast.Name(name), ast.Constant(k)) for k in range(len(nodes))]
                value = self.template.parameters[name].value
                is_list = isinstance(value, list) and len(value) == len(nodes)
                shown = [node and ast.dump(node) for node in nodes]
                return name if is_list and shown == [*map(ast.dump, wanted)] else None
        return None

    def _round(
        self,
        row: Row,
        modules: Sequence[ast.expr],
        start: int,
        stage: int,
        series: Sequence[Series],
        k: int,
        depths: str,
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """What stands between two stages, and the stage behind it, as what a loop does."""
        known = {series[k - 1].channels: ast.Name(self.channels)} if k else {}
        in_loop = Replaced(known)
        count = (counting(row.names[stage]) or ("", 0))[1]
        between: list[ast.stmt] = []
        for index in range(start, stage):
            name = self._counted(row.names[index], count)
            between.append(self._added(row, name, in_loop.visit(modules[index])))
        if k:
            between += self._entering(in_loop.visit(self.printer.value(series[k].source)))
        helper, made = self.helpers[series[k]], modules[stage]
        assert isinstance(made, ast.Call)
        args = [_Depth(depths, k, self.depth).visit(each) for each in made.args]
        args[[each.name for each in helper.parameters].index(helper.channels)] = ast.Name(
            self.channels
        )
        name = self._counted(row.names[stage], count)
        more = self.printer.value(series[k].more)
        more = ast.BinOp(more, ast.Mult(), ast.Name(self.depth))
        always = [
            self._added(row, name, ast.Call(made.func, args, made.keywords)),
            ast.AugAssign(ast.Name(self.channels), ast.Add(), more),
        ]
        return between, always

    def _entering(self, source: ast.expr) -> list[ast.stmt]:
        """What makes of the channels behind a stage those that enter the next."""
        match source:
            case ast.Name(id=self.channels):
                return []
            case ast.BinOp(left=ast.Name(id=self.channels), op=op, right=right):
                return [ast.AugAssign(ast.Name(self.channels), op, right)]
        return [assign(self.channels, source)]

    def _counted(self, name: str, count: int) -> ast.expr:
        """A name of a member, its number as a formula of the stage's."""
        found = counting(name)
        if found is None:
            return ast.Constant(name)
        pattern, number = found
        node: ast.expr = ast.Name(self.number)
        if number != count:
            sign = ast.Add() if number > count else ast.Sub()
            node = ast.BinOp(node, sign, ast.Constant(abs(number - count)))
        return filled(pattern, index=node)

    @staticmethod
    def _added(row: Row, name: ast.expr, module: ast.expr) -> ast.stmt:
        return ast.Expr(call(ast.Attribute(node_of(row.path), "add_module"), [name, module]))


class _Depth(Rewriter):
    """A copy in which a variable stands for an element of a list."""

    def __init__(self, depths: str, index: int, variable: str) -> None:
        self._element = ast.dump(ast.Subscript(ast.Name(depths), ast.Constant(index)))
        self._variable = variable

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """The element, or another one of something."""
        return (
            ast.Name(self._variable)
            if ast.dump(node) == self._element
            else self.generic_visit(node)
        )
