"""Code that differs by plain numbers: which calls in a row are one call for each row of a table."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeGuard, TypeVar

from netspec.codegen.nodes import call, filled, reads, side_by_side
from netspec.ir.names import count_up, counting

FEWEST = 5
"""So many calls are a table; fewer can be read one by one."""

MOST_COLUMNS = 8
"""So many numbers a row has at most."""

NUMBER = "number"
"""What counts the rows, where names do."""

Node = TypeVar("Node", bound=ast.expr)

Signatures = Mapping[str, ast.arguments]
"""What functions take, by the code that they are called by."""


@dataclass(frozen=True)
class Table:
    """Calls in a row as one call for each row of a table.

    Attributes:
        start, stop: where the calls begin and end in the row.
        made: the call.
        target: what takes the numbers of a row.
        rows: the table, or a call that counts its rows too.
    """

    start: int
    stop: int
    made: ast.Call
    target: ast.expr
    rows: ast.expr


def signatures_of(definitions: Sequence[ast.stmt]) -> Signatures:
    """What functions, classes and the methods of classes take."""
    found: dict[str, ast.arguments] = {}
    for each in definitions:
        if isinstance(each, ast.FunctionDef):
            found[each.name] = each.args
        elif isinstance(each, ast.ClassDef):
            found |= dict(_methods(each))
    return found


def _methods(node: ast.ClassDef) -> Iterator[tuple[str, ast.arguments]]:
    for method in (each for each in node.body if isinstance(each, ast.FunctionDef)):
        own = method.args
        name = node.name if method.name == "__init__" else f"self.{method.name}"
        taken = own.args if method.decorator_list else own.args[1:]
        yield (
            name,
            ast.arguments([], taken, None, own.kwonlyargs, own.kw_defaults, None, own.defaults),
        )


def tables_of(nodes: Sequence[ast.AST], signatures: Signatures) -> Iterator[Table]:
    """The tables among nodes in a row, from the first on."""
    at = 0
    for function, group in groupby(nodes, _function):
        row = [*group]
        if function in signatures and len(row) >= FEWEST:
            calls = [each for each in row if isinstance(each, ast.Call)]
            table = _Writer(signatures[function]).table(calls, at)
            if table is not None:
                yield table
        at += len(row)


def _function(node: ast.AST) -> str:
    """The code by which a node calls what it calls; empty for all else."""
    is_plain = isinstance(node, ast.Call) and not any(
        isinstance(each, ast.Starred) or (isinstance(each, ast.keyword) and each.arg is None)
        for each in (*node.args, *node.keywords)
    )
    return ast.unparse(node.func) if is_plain and isinstance(node, ast.Call) else ""


class _Writer:
    """Writes a table of calls of something that takes ``own``."""

    def __init__(self, own: ast.arguments) -> None:
        positional = [each.arg for each in own.args]
        self.names = [*positional, *(each.arg for each in own.kwonlyargs)]
        self.positional = positional
        behind = positional[len(positional) - len(own.defaults) :]
        self.defaults = dict(zip(behind, own.defaults, strict=True))
        by_keyword = zip(own.kwonlyargs, own.kw_defaults, strict=True)
        self.defaults |= {each.arg: value for each, value in by_keyword if value is not None}
        self.columns: dict[str, list[ast.expr]] = {}
        self.start: int | None = None

    def table(self, calls: Sequence[ast.Call], at: int) -> Table | None:
        """The table of calls, the first of which is at an index; None where they differ by more."""
        bound = [self._bound(each) for each in calls]
        arguments: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        for name in self.names:
            if not any(name in each for each in bound):
                continue
            values = [each.get(name, self.defaults.get(name)) for each in bound]
            nodes = [each for each in values if each is not None]
            node = self._argument(name, nodes) if len(nodes) == len(values) else None
            if node is None:
                return None
            is_by_name = any(each.arg == name for made in calls for each in made.keywords)
            if is_by_name or keywords:
                keywords.append(ast.keyword(name, node))
            else:
                arguments.append(node)
        made = ast.Call(calls[0].func, arguments, keywords)
        if not 0 < len(self.columns) <= MOST_COLUMNS or self._hides(bound):
            return None
        names, columns = [*self.columns], [*self.columns.values()]
        listed = [side_by_side([column[k] for column in columns]) for k in range(len(calls))]
        rows: ast.expr = ast.List(listed)
        target = side_by_side([*map(ast.Name, names)])
        if self.start is not None:
            start = {"start": ast.Constant(self.start)} if self.start else {}
            rows, target = call("enumerate", [rows], **start), ast.Tuple([ast.Name(NUMBER), target])
        return Table(at, at + len(calls), made, target, rows)

    def _bound(self, made: ast.Call) -> dict[str, ast.expr]:
        """What a call passes, by name."""
        given = dict(zip(self.positional, made.args, strict=False))
        return given | {each.arg: each.value for each in made.keywords if each.arg is not None}

    def _argument(self, name: str, nodes: Sequence[ast.expr]) -> ast.expr | None:
        """What stands for what calls pass for an argument; None where it differs by more than a number."""
        names = [each.value for each in nodes if isinstance(each, ast.Constant)]
        texts = [each for each in names if isinstance(each, str)]
        if len(texts) == len(nodes) and count_up(texts):
            pattern, start = counting(texts[0]) or ("", 0)
            if self.start in (None, start):
                self.start = start
                return filled(pattern, index=ast.Name(NUMBER))
        found = merged(nodes, name)
        if found is None:
            return None
        node, column = found
        if column:
            self.columns[name] = column
        return node

    def _hides(self, bound: Sequence[Mapping[str, ast.expr]]) -> bool:
        """Whether what takes the numbers has the name of something that a call reads."""
        read = {name for given in bound for value in given.values() for name in reads(value)}
        return not read.isdisjoint({*self.columns, NUMBER})


class _Apart(Exception):
    """Code differs by more than a number."""


def merged(nodes: Sequence[ast.expr], name: str) -> tuple[ast.expr, list[ast.expr]] | None:
    """Code in which ``name`` stands for the one number that differs, and the number in each.

    There are no numbers where all are alike; None where they differ by more.
    """
    try:
        merger = _Merger(name)
        return merger.merged(nodes), merger.column
    except _Apart:
        return None


class _Merger:
    """Merges code that differs by the number ``name``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.column: list[ast.expr] = []

    def merged(self, nodes: Sequence[ast.expr]) -> ast.expr:
        """What stands for all; raises :class:`_Apart` without one."""
        shown = [*map(ast.dump, nodes)]
        if all(each == shown[0] for each in shown):
            return nodes[0]
        if all(isinstance(each, ast.Constant) and _is_number(each.value) for each in nodes):
            if self.column and [*map(ast.dump, self.column)] != shown:
                raise _Apart
            self.column = [*nodes]
            return ast.Name(self.name)
        found = _as_products(nodes)
        products = [each for each in found if isinstance(each, ast.BinOp)]
        if len(products) == len(nodes) and _alike(products, lambda each: type(each.op)):
            left, right = ([getattr(each, side) for each in products] for side in ("left", "right"))
            return ast.BinOp(self.merged(left), products[0].op, self.merged(right))
        calls = [each for each in found if isinstance(each, ast.Call) and not each.keywords]
        if len(calls) == len(nodes) and _alike(calls, lambda e: (ast.dump(e.func), len(e.args))):
            rows = zip(*(each.args for each in calls), strict=True)
            return ast.Call(calls[0].func, [self.merged(row) for row in rows], [])
        raise _Apart


def _alike(nodes: Sequence[Node], of: Callable[[Node], Any]) -> bool:
    """Whether nodes are alike in something."""
    return len({*map(of, nodes)}) == 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _as_products(nodes: Sequence[ast.expr]) -> Sequence[ast.expr]:
    """The same, in which what others are a multiple of is taken once."""
    products = [each for each in nodes if _is_multiple(each)]
    bare = {ast.dump(each) for each in nodes if not _is_multiple(each)}
    if not products or bare != {ast.dump(products[0].right)}:
        return nodes
    return [
        each if _is_multiple(each) else ast.BinOp(ast.Constant(1), ast.Mult(), each)
        for each in nodes
    ]


def _is_multiple(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and isinstance(node.left, ast.Constant)
    )
