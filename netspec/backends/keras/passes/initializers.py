"""Initialisers that are written more than once and take a few lines become functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from typing import TypeGuard

from netspec.codegen.identifiers import Namespace
from netspec.codegen.nodes import call, dotted, function, reads
from netspec.lang.expression.formula import Rewriter

_DOC = "A new initializer for each layer: one that is shared would give equal weights."


def share_initializers(definitions: Sequence[ast.stmt], names: Namespace) -> list[ast.stmt]:
    """A function for each ``VarianceScaling`` that occurs twice; all others are as short as its call."""
    made = [
        node for definition in definitions for node in ast.walk(definition) if _is_scaling(node)
    ]
    counts = Counter(map(ast.dump, made))
    functions: dict[str, ast.FunctionDef] = {}
    for node in made:
        key = ast.dump(node)
        if counts[key] > 1 and key not in functions:
            body = [ast.Return(node)]
            kind = dotted("initializers.Initializer")
            name = names.add(_name(node))
            functions[key] = function(name, [], body, doc=_DOC, returns=kind)  # type: ignore[assignment]
    shared = _Shared({key: each.name for key, each in functions.items()})
    return [*functions.values(), *map(shared.visit, definitions)]


def _is_scaling(node: ast.AST) -> TypeGuard[ast.Call]:
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="initializers"), attr="VarianceScaling")
        ):
            return not {*map(reads, node.keywords)} - {frozenset()}
    return False


class _Shared(Rewriter):
    """Calls of functions in the place of what these return, by its dump."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = self.names.get(ast.dump(node))
        return self.generic_visit(node) if name is None else call(name)


def _name(node: ast.Call) -> str:
    given = {each.arg: each.value for each in node.keywords}
    values = {k: v.value for k, v in given.items() if isinstance(v, ast.Constant)}
    prefix = "he" if values.get("scale") == 2 else "scaled"
    spread = "uniform" if values["distribution"] == "uniform" else "normal"
    return f"{prefix}_{spread}_{values['mode']!s}"
