"""Classes that run their modules one after another as a `nn.Sequential`, which registers those in rounds in a loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from netspec.codegen.passes.roll_statements import roll_statements

SELF = "self"

FEWEST = 2
"""A class of a single module says itself how that is run."""


def roll_class(node: ast.ClassDef) -> ast.ClassDef:
    """A class of modules that run in the order in which they are registered, as a `nn.Sequential`.

    Those in rounds come in a loop: names of attributes cannot count, so what it makes is added under a name.
    """
    match node.body:
        case [
            *ahead,
            ast.FunctionDef(name="__init__") as init,
            ast.FunctionDef(name="forward") as run,
        ]:
            names = [name for each in init.body if (name := _registered(each)) is not None]
            if not names or _chain(run) != names or len(names) < len(init.body) - _others(init):
                return node
        case _:
            return node
    if len(names) < FEWEST:
        return node
    body = roll_statements([*map(_added, init.body)])
    made = ast.FunctionDef(init.name, init.args, [*map(_assigned, body)], [], init.returns)
    return ast.ClassDef(node.name, [_SEQUENTIAL], [], [*ahead, made], [])


_SEQUENTIAL = ast.Attribute(ast.Name("nn"), "Sequential")


def _registered(statement: ast.stmt) -> str | None:
    """The name that a statement gives a module; None where it does something else."""
    match statement:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)]):
            return name
    return None


def _others(init: ast.FunctionDef) -> int:
    """How many statements are calls or give names that nothing outside sees."""
    return sum(
        isinstance(each, ast.Expr)
        or (isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name))
        for each in init.body
    )


def _chain(forward: ast.FunctionDef) -> list[str] | None:
    """The modules that run one after another, in order; None where anything else happens."""
    if len(forward.args.args) != 2:
        return None
    variable = forward.args.args[1].arg
    found: list[str] = []
    for statement in forward.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == variable:
                pass
            case ast.Return(value=ast.expr() as value):
                pass
            case _:
                return None
        own: list[str] = []
        while True:
            match value:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="self"), attr=name),
                    args=[inner],
                    keywords=[],
                ):
                    own.insert(0, name)
                    value = inner
                case ast.Name(id=source) if source == variable:
                    break
                case _:
                    return None
        found += own
    return found


def _added(statement: ast.stmt) -> ast.stmt:
    """The statement, with a name that is given in a text where it gives one."""
    name = _registered(statement)
    if name is None:
        return statement
    assert isinstance(statement, ast.Assign)
    add = ast.Attribute(ast.Name(SELF), "add_module")
    return ast.Expr(ast.Call(add, [ast.Constant(name), statement.value], []))


def _assigned(statement: ast.stmt) -> ast.stmt:
    """What :func:`_added` made of a statement, as it was."""
    match statement:
        case ast.Expr(
            ast.Call(
                func=ast.Attribute(value=ast.Name(id="self"), attr="add_module"),
                args=[ast.Constant(value=str(name)), value],
            )
        ):
            return ast.Assign([ast.Attribute(ast.Name(SELF), name)], value)
    return statement


def roll_classes(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """All statements, classes among them rolled."""
    return [roll_class(s) if isinstance(s, ast.ClassDef) else s for s in statements]
