"""An attribute that one side of an `if` sets is there on the other side too: it is None ahead of both."""

from __future__ import annotations

import ast
from typing import TypeGuard

from netspec.codegen.nodes import assign
from netspec.codegen.passes.blocks import Definition, in_blocks, replaced, same
from netspec.lang.expression.formula import negated


def define_ahead(definition: Definition) -> Definition:
    """Set attributes to None that only one side of an `if` sets."""
    return in_blocks(definition, _defined)


def _defined(block: list[ast.stmt], function: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in block:
        match statement:
            case ast.If(orelse=[_, *_]):
                found += _with_both(statement, found)
            case _:
                found.append(statement)
    return found


def _with_both(choice: ast.If, before: list[ast.stmt]) -> list[ast.stmt]:
    known = [*_attributes(before)]
    sides = _attributes(choice.body), _attributes(choice.orelse)
    missing: list[ast.expr] = []
    for own, other in (sides, sides[::-1]):
        missing += [each for each in own if not _has(each, [*other, *known])]
    ahead: list[ast.stmt] = [assign(target, ast.Constant(None)) for target in missing]
    none = [each.targets[0] for each in (*before, *ahead) if _is_none(each)]
    then, other_side = (_without(side, none) for side in (choice.body, choice.orelse))
    if then:
        return [*ahead, replaced(choice, body=then, orelse=other_side)]
    return [*ahead, *([ast.If(negated(choice.test), other_side, [])] if other_side else [])]


def _attributes(statements: list[ast.stmt]) -> list[ast.expr]:
    """The attributes of `self` that statements set, in order."""
    found: list[ast.expr] = []
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self")) as target]):
                inner: list[ast.expr] = [target]
            case ast.If(body=body, orelse=other):
                inner = [*_attributes(body), *_attributes(other)]
            case _:
                continue
        found += [each for each in inner if not _has(each, found)]
    return found


def _has(node: ast.expr, known: list[ast.expr]) -> bool:
    return any(same([node], [each]) for each in known)


def _is_none(statement: ast.stmt) -> TypeGuard[ast.Assign]:
    return isinstance(statement, ast.Assign) and same([statement.value], [ast.Constant(None)])


def _without(statements: list[ast.stmt], none: list[ast.expr]) -> list[ast.stmt]:
    """The statements, but for those at the front that set to None what is None already."""
    kept = [*statements]
    while kept and _is_none(kept[0]) and _has(kept[0].targets[0], none):
        kept.pop(0)
    return kept
