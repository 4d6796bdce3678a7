"""How generated PyTorch reaches a module: what stands behind ``self``."""

from __future__ import annotations

import ast

from netspec.codegen.identifiers import is_attribute
from netspec.lang.expression.formula import print_node


def prefixes(path: str) -> list[str]:
    """The paths of the containers around ``path``, outermost first, and itself."""
    parts = path.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def dotted(path: str) -> str:
    """The text of :func:`node_of`."""
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
