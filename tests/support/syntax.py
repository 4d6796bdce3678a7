"""How far two files of Python are from each other, in nodes of their syntax trees.

What a reader sees in no line is left out first: docstrings, comments, layout, the names of local variables,
arguments and of what the file itself defines, and the order of arguments that are given by name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TypeVar

Body = TypeVar("Body", ast.Module, ast.ClassDef, ast.FunctionDef)

_OWN = "own"


def distance(one: str, other: str) -> int:
    """How many nodes stand in one file alone: those left of both beside their longest common sequence."""
    first, second = nodes(one), nodes(other)
    return len(first) + len(second) - 2 * _common(first, second)


def nodes(source: str) -> list[str]:
    """The nodes of a file's normalised tree, each as its kind and what it holds, from the outside in."""
    tree = _Normalised().visit(ast.parse(source))
    return [*_listed(tree)]


class _Normalised(ast.NodeTransformer):
    """Gives local variables numbers in the order in which they come, and what the file defines one name."""

    def __init__(self) -> None:
        self._own: set[str] = set()
        self._scopes: list[dict[str, str]] = []

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self._own = {*_bound(node.body)} - {*_imported(node.body)}
        return self._body(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        node.name = _OWN if node.name in self._own else node.name
        return self._body(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if node.name in self._own or (node.name.startswith("_") and not node.name.endswith("__")):
            node.name = _OWN
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        scope: dict[str, str] = {}
        for name in (*(argument.arg for argument in named), *_bound(node.body)):
            if name != "self":
                scope.setdefault(name, f"v{len(scope)}")
        self._scopes.append(scope)
        found = self._body(node)
        self._scopes.pop()
        return found

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self._named(node.arg)
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._named(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        if node.attr.startswith("_"):
            node.attr = _OWN
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called == _OWN:  # names of its arguments are the file's own
            for keyword in node.keywords:
                keyword.arg = keyword.arg and _OWN
        node.keywords.sort(key=lambda keyword: (keyword.arg or "", ast.dump(keyword.value)))
        return node

    def _named(self, name: str) -> str:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return _OWN if name in self._own else name

    def _body(self, node: Body) -> Body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)
        return node


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that statements bind, in order; what functions and classes bind inside is not theirs."""
    waiting: list[ast.AST] = [*reversed(body)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported([node])
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            waiting += reversed([*ast.iter_child_nodes(node)])


def _imported(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _listed(node: ast.AST) -> Iterator[str]:
    """A node and all below it, as text; contexts of loading and storing say nothing of their own."""
    held = [
        f"{name}={value!r}"
        for name, value in ast.iter_fields(node)
        if isinstance(value, str | int | float | bool | bytes) or value is Ellipsis
    ]
    yield " ".join([type(node).__name__, *held])
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr_context):
            yield from _listed(child)


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence, a row of the table in the bits of a number (Hyyrö, 2004)."""
    places: dict[str, int] = {}
    for index, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << index
    whole = (1 << len(first)) - 1
    row = whole
    for token in second:
        matching = row & places.get(token, 0)
        row = ((row + matching) | (row - matching)) & whole
    return len(first) - row.bit_count()
