"""Formulas of numbers as text, for tests to compare."""

from __future__ import annotations

from typing import Any

from netspec.formula import print_node
from netspec.symbolic import to_node


def to_text(value: Any) -> str | None:
    """The formula of a value as Python source, None where there is none."""
    node = to_node(value)
    return None if node is None else print_node(node)
