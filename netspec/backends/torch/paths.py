"""How generated PyTorch reaches a module: what stands behind ``self``."""

from __future__ import annotations

import ast

from netspec.codegen.identifiers import is_attribute
from netspec.codegen.nodes import annotation, assign, call


def prefixes(path: str) -> list[str]:
    """The paths of the containers around ``path``, outermost first, and itself."""
    parts = path.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def node_of(path: str) -> ast.expr:
    """The expression for what is at ``path``."""
    found: ast.expr = ast.Name("self")
    for name in path.split(".") if path else ():
        if is_attribute(name):
            found = ast.Attribute(found, name)
        else:
            found = call("getattr", [found, ast.Constant(name)])
    return found


def absent(path: str) -> ast.stmt:
    """No module at a path so far; with its type, which only attributes of `self` may have there."""
    access, none = node_of(path), ast.Constant(None)
    if isinstance(access, ast.Attribute) and "." not in path:
        return ast.AnnAssign(access, annotation("nn.Module | None"), none, simple=0)
    return assign(access, none)
