"""What a choice makes of a variable that nothing reads behind it is that variable still.

``z = f(y) if a else y`` over some lines, and the rest on `z`, is ``if a: y = f(y)`` and the rest on `y`. Only
variables that no spec has a name for are exchanged.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from netspec.codegen.nodes import Replaced, assign, if_
from netspec.codegen.passes.blocks import Definition, assigned, in_functions, read
from netspec.codegen.tensors import VARIABLES
from netspec.lang.expression.formula import negated

_OURS = frozenset(("x", *VARIABLES))


def one_variable(definition: Definition) -> Definition:
    """Let a choice write to the variable that it goes on from, where nothing else reads that."""
    return in_functions(definition, _joined)


def _joined(block: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a function, from the first to the last: what one variable becomes may be chosen again."""
    found: list[ast.stmt] = []
    rest = [*block]
    while rest:
        statement = rest.pop(0)
        target = _chosen(statement)
        for source in sorted(_sources(statement) - {target}) if target in _OURS else ():
            renamed = _renamed(rest, str(target), source)
            if source in _OURS and renamed is not None:
                rest = renamed
                statement = _written(statement, source)
                break
        found.append(statement)
    return found


def _chosen(statement: ast.stmt) -> str | None:
    """The variable that every side of a choice writes last; None where there is none."""
    match statement:
        case ast.If(body=[*_, then], orelse=[*_, other]):
            ends = {_chosen(then), _chosen(other)}
            return ends.pop() if len(ends) == 1 else None
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return None


def _sources(statement: ast.stmt) -> set[str]:
    """The variables that the last values of all sides of a choice read."""
    match statement:
        case ast.If(body=[*_, then], orelse=[*_, other]):
            return _ends(then) & _ends(other)
    return set()


def _ends(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.If():
            return _sources(statement)
        case ast.Assign(value=value):
            return {*read([value])}
    return set()


def _renamed(rest: Sequence[ast.stmt], name: str, other: str) -> list[ast.stmt] | None:
    """Statements that read ``other`` where they read ``name``; None where they need both."""
    last = -1
    for index, statement in enumerate(rest):
        last = index if read([statement])[name] else last
        if name in assigned([statement]):
            is_both = last == index and not isinstance(statement, ast.Assign)
            if is_both or not _writes(statement, name):
                return None
            break
    written = [index for index in range(last + 1) if other in assigned([rest[index]])]
    if _needs(rest, other) or written not in ([], [last]):
        return None
    if written and not _reads_ahead(rest[last], name, other):
        return None
    change = Replaced({name: ast.Name(other)})
    return [*(_reading(statement, change) for statement in rest[: last + 1]), *rest[last + 1 :]]


def _writes(statement: ast.stmt, name: str) -> bool:
    """Whether a statement gives a variable another value, whatever runs of it."""
    if isinstance(statement, ast.If):
        sides = (statement.body, statement.orelse)
        return all(any(_writes(each, name) for each in side) for side in sides)
    return isinstance(statement, ast.Assign) and name in assigned([statement])


def _needs(statements: Sequence[ast.stmt], name: str) -> bool:
    """Whether the value that a variable has ahead of some statements is read in them."""
    for statement in statements:
        if isinstance(statement, ast.If):
            sides = (statement.body, statement.orelse)
            if read([statement.test])[name] or any(_needs(side, name) for side in sides):
                return True
        elif read([statement])[name]:
            return True
        if _writes(statement, name):
            return False
    return False


def _reads_ahead(statement: ast.stmt, name: str, other: str) -> bool:
    """Whether a statement that writes to ``other`` reads ``name`` no more behind that."""
    if not isinstance(statement, ast.If):
        return isinstance(statement, ast.Assign)
    for side in (statement.body, statement.orelse):
        for index, each in enumerate(side):
            if other in assigned([each]):
                if read(side[index + 1 :])[name] or not _reads_ahead(each, name, other):
                    return False
                break
    return True


def _reading(statement: ast.stmt, change: Replaced) -> ast.stmt:
    """A statement with other variables in what it reads."""
    if isinstance(statement, ast.Assign):
        return ast.Assign(statement.targets, change.visit(statement.value))
    changed: ast.stmt = change.visit(statement)
    return changed


def _written(statement: ast.stmt, name: str) -> ast.stmt:
    """A choice whose sides write their last values to another variable, where they are another value."""
    assert isinstance(statement, ast.If)
    then, other = (_side(side, name) for side in (statement.body, statement.orelse))
    return if_(statement.test, then, other) if then else if_(negated(statement.test), other)


def _side(statements: Sequence[ast.stmt], name: str) -> list[ast.stmt]:
    *ahead, last = statements
    if isinstance(last, ast.If):
        return [*ahead, _written(last, name)]
    assert isinstance(last, ast.Assign)
    is_there = isinstance(last.value, ast.Name) and last.value.id == name
    return [*ahead] if is_there else [*ahead, assign(name, last.value)]
