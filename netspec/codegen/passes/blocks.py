"""What passes share: statements that stand in a row, and what they read and write."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

Statement = TypeVar("Statement", bound=ast.stmt)
Definition = TypeVar("Definition", bound=ast.stmt)
"""A class or a function."""

Rewrite = Callable[[list[ast.stmt], ast.FunctionDef], list[ast.stmt]]
"""New statements for some in a row, inside a function as it was before."""


def replaced(node: Statement, **fields: Any) -> Statement:
    """The statement with other parts; nodes may stand in several places, so none is changed."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def in_blocks(definition: Definition, rewrite: Rewrite) -> Definition:
    """A class or function whose statements in a row are rewritten, the inner ones first."""
    if isinstance(definition, ast.ClassDef):
        body = [in_blocks(inner, rewrite) for inner in definition.body]
        return replaced(definition, body=body)
    if not isinstance(definition, ast.FunctionDef):
        return definition
    return replaced(definition, body=_rewritten(definition.body, definition, rewrite))


def in_functions(
    definition: Definition, rewrite: Callable[[list[ast.stmt]], list[ast.stmt]]
) -> Definition:
    """A class or function in which the statements of each function, as a whole, are rewritten."""
    if isinstance(definition, ast.ClassDef):
        body = [in_functions(inner, rewrite) for inner in definition.body]
        return replaced(definition, body=body)
    if isinstance(definition, ast.FunctionDef):
        return replaced(definition, body=rewrite([*definition.body]))
    return definition


def _rewritten(
    block: Sequence[ast.stmt], function: ast.FunctionDef, rewrite: Rewrite
) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match statement:
            case ast.If(body=body, orelse=other) | ast.For(body=body, orelse=other):
                inner = _rewritten(body, function, rewrite)
                outer = _rewritten(other, function, rewrite) if other else []
                found.append(replaced(statement, body=inner, orelse=outer))
            case _:
                found.append(statement)
    return rewrite(found, function)


def assigned(statements: Iterable[ast.stmt]) -> set[str]:
    """The variables that are written to, also inside of statements."""
    found: set[str] = set()
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets):
                found.update(name for target in targets for name in _variables(target))
            case ast.AnnAssign(target=target):
                found.update(_variables(target))
            case ast.For(target=target, body=body):
                found |= {*_variables(target), *assigned(body)}
            case ast.If(body=body, orelse=other):
                found |= assigned(body) | assigned(other)
    return found


def read(statements: Iterable[ast.AST]) -> Counter[str]:
    """How often names are read, also inside of statements: what is written to is not."""
    found: Counter[str] = Counter()
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets, value=value):
                places = [target for target in targets if not [*_variables(target)]]
                found += read([*places, value])
            case ast.For(iter=source, body=body):
                found += read([source, *body])
            case ast.If(test=test, body=body, orelse=other):
                found += read([test, *body, *other])
            case _:
                nodes = ast.walk(statement)
                found.update(node.id for node in nodes if isinstance(node, ast.Name))
    return found


def _variables(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple):
        for item in target.elts:
            yield from _variables(item)


def same(one: Any, other: Any) -> bool:
    """Whether code says the same, in nodes or in lists of them."""
    if isinstance(one, ast.AST):
        names = [name for name in one._fields if name != "ctx"]
        return type(one) is type(other) and all(
            same(getattr(one, name, None), getattr(other, name, None)) for name in names
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def calls_in(nodes: Iterable[ast.AST]) -> int:
    """How many calls there are."""
    return sum(isinstance(inner, ast.Call) for node in nodes for inner in ast.walk(node))
