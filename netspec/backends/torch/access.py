"""How generated source reaches what a module holds."""

from __future__ import annotations

import ast

from netspec.codegen.identifiers import is_attribute
from netspec.formula import print_node


def dotted(path: str) -> str:
    """The text for what is at ``path``."""
    return print_node(node_of(path))


def node_of(path: str) -> ast.expr:
    """The expression for what is at ``path``."""
    found: ast.expr = ast.Name("self")
    for name in path.split(".") if path else ():
        if is_attribute(name):
            found = ast.Attribute(found, name)
        else:
            found = ast.Call(ast.Name("getattr"), [found, ast.Constant(name)], [])
    return found
