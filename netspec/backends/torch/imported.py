"""What generated PyTorch source imports."""

from __future__ import annotations

import ast
from collections.abc import Collection

from netspec.backends.torch.helpers import FACTORY
from netspec.backends.torch.sequential import ORDERED
from netspec.codegen.factories import PARTIAL
from netspec.codegen.nodes import import_from, imports
from netspec.codegen.schedules import ITERATOR

_ABSTRACT = {"Callable": FACTORY, ITERATOR: ITERATOR}
"""What is imported from ``collections.abc``, by name, and the target that says so."""


def of_standard_library(used: Collection[str], targets: Collection[str]) -> list[ast.stmt]:
    """The imports of Python's own modules, by the names that source mentions and the targets of its calls."""
    found = imports("math" if "math" in used else "")
    if ORDERED in targets:
        found.append(import_from("collections", [ORDERED]))
    abstract = [name for name, target in _ABSTRACT.items() if target in targets]
    if abstract:
        found.append(import_from("collections.abc", abstract))
    if PARTIAL in targets:
        found.append(import_from("functools", [PARTIAL]))
    return found


def of_torch(used: Collection[str]) -> list[ast.stmt]:
    """The imports of PyTorch, by the names that source mentions."""
    found = imports("torch" if "torch" in used else "")
    if "F" in used:
        found.append(ast.Import([ast.alias("torch.nn.functional", "F")]))
    return [*found, import_from("torch", ["Tensor", "nn"])]
