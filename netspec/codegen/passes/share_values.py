"""What one side of an `if` computes and the other goes on from stands once, ahead of the choice.

Both arms of a residual that is there in some blocks only become its body, and a sum where there is one.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from netspec.codegen.nodes import Replaced, assign, if_
from netspec.codegen.passes.blocks import Definition, assigned, calls_in, in_blocks, read
from netspec.lang.expression.formula import Rewriter, negated

FREE = ("y", "z", "u", "v", "w")
"""What a value may be written to that had no variable."""

RESULT = "return"
"""Stands for what is returned, which no variable is called."""


def share_values(definition: Definition) -> Definition:
    """Compute once what one side of a choice is and the other goes on from."""
    return in_blocks(definition, _shared)


def _shared(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for index, statement in enumerate(block):
        later = read(block[index + 1 :])
        made = None
        match statement:
            case ast.If(test=test, body=then, orelse=[_, *_] as other):
                made = _either(test, then, other, function, {*later})
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.IfExp() as value):
                sides = [assign(target, value.body)], [assign(target, value.orelse)]
                made = _either(value.test, *sides, function, {*later})
            case ast.Return(value=ast.IfExp() as value):
                sides = [assign(RESULT, value.body)], [assign(RESULT, value.orelse)]
                made = _either(value.test, *sides, function, set())
                if made is not None:
                    *ahead, last = made
                    assert isinstance(last, ast.Assign)  # a side is one value
                    made = [*ahead, ast.Return(last.value)]
        found += [statement] if made is None else made
    return found


def _either(
    test: ast.expr,
    then: Sequence[ast.stmt],
    other: Sequence[ast.stmt],
    function: ast.FunctionDef,
    live: set[str],
) -> list[ast.stmt] | None:
    found = _continued(test, then, other, function, live)
    return found or _continued(negated(test), other, then, function, live)


def _continued(
    test: ast.expr,
    longer: Sequence[ast.stmt],
    shorter: Sequence[ast.stmt],
    function: ast.FunctionDef,
    live: set[str],
) -> list[ast.stmt] | None:
    """The statements of both sides, where the longer one goes on from what the shorter one gives.

    ``live`` is what is read behind the choice. None where it is not so.
    """
    if not (_is_straight(longer) and _is_straight(shorter)):
        return None
    result = _target(shorter[-1])
    if result != _target(longer[-1]) or (assigned(longer) | assigned(shorter)) & live - {result}:
        return None
    value = ast.dump(_value(shorter))
    known: dict[str, ast.expr] = {}
    for index, statement in enumerate(longer):
        part = _part(statement.value, known, value)
        if part is not None:
            before, behind = [*longer[:index]], [*longer[index + 1 :]]
            if part is statement.value:
                name, shared, rest = _target(statement), [*before, statement], behind
            else:
                name = _variable(part, before, [statement, *behind], function)
                shared = [*before, assign(name, part)]
                onward = assign(_target(statement), _with(part, name, statement.value))
                rest = [onward, *behind]
            does_as_much = 0 < calls_in(shared) == calls_in(shorter)
            is_asked_later = not assigned(shared) & {*read([test])}
            return (
                [*shared, *_chosen(test, rest, name, result)]
                if does_as_much and is_asked_later
                else None
            )
        known[_target(statement)] = Replaced(known).visit(statement.value)
    return None


def _chosen(test: ast.expr, rest: Sequence[ast.stmt], name: str, result: str) -> list[ast.stmt]:
    """Go on with ``rest`` where the test holds, else give what is in a variable."""
    match rest:
        case []:
            return [assign(result, ast.Name(name))] if name != result else []
        case [ast.Assign(value=value)] if name != result:
            return [assign(result, ast.IfExp(test, value, ast.Name(name)))]
    return [if_(test, rest, [assign(result, ast.Name(name))] if name != result else [])]


def _is_straight(statements: Sequence[ast.stmt]) -> TypeGuard[Sequence[ast.Assign]]:
    """Whether all that is done is to write to one variable after another."""
    return bool(statements) and all(
        isinstance(each, ast.Assign)
        and isinstance(each.targets[0], ast.Name)
        and len(each.targets) == 1
        for each in statements
    )


def _target(statement: ast.Assign) -> str:
    (target,) = statement.targets
    assert isinstance(target, ast.Name)
    return target.id


def _value(statements: Sequence[ast.Assign]) -> ast.expr:
    """What the last of some statements gives, in terms of what is there ahead of them."""
    known: dict[str, ast.expr] = {}
    for statement in statements:
        known[_target(statement)] = Replaced(known).visit(statement.value)
    return known[_target(statements[-1])]


def _part(node: ast.expr, known: Mapping[str, ast.expr], value: str) -> ast.expr | None:
    """The part of an expression that is a value, given as the text of a dump."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.expr) and ast.dump(Replaced(known).visit(inner)) == value:
            return inner
    return None


def _variable(
    part: ast.expr,
    before: Sequence[ast.Assign],
    onward: Sequence[ast.Assign],
    function: ast.FunctionDef,
) -> str:
    """What a part of an expression is written to: a variable that is for it alone, or a new one."""
    inside, all_reads = read([part]), read(onward)
    for statement in reversed(before):
        name = _target(statement)
        if name != _target(onward[0]) and inside[name] == all_reads[name]:
            return name
    return _unused(function)


def _unused(function: ast.FunctionDef) -> str:
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return next(name for name in FREE if name not in names)


class _WithPart(Rewriter):
    def __init__(self, part: ast.expr, name: str) -> None:
        self.part, self.name = part, name

    def visit(self, node: ast.AST) -> Any:
        return ast.Name(self.name) if node is self.part else super().visit(node)


def _with(part: ast.expr, name: str, node: ast.expr) -> ast.expr:
    """An expression with a variable in the place of a part."""
    found: ast.expr = _WithPart(part, name).visit(node)
    return found
