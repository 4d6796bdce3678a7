"""Defaults of arguments that blocks have no name for: what most callers would give."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from typing import Any

from netspec.codegen.printing import MISSING
from netspec.ir.template import Template
from netspec.ir.template.data import nodes_of
from netspec.lang.expression.symbolic import Varying, same_value
from netspec.ops.base import attributes_of


def common(template: Template, value: Varying, place: tuple[str | int, ...]) -> Any:
    """The number 1 if most instances have it, or any whose op has it unless told, as groups; MISSING elsewhere."""
    found = [value.values[shape] for shape in template.shapes]
    count = sum(same_value(each, 1) for each in found)
    ops = [node.op for node in nodes_of(template.body) if place and node.path == place[0]]
    known = [attributes_of(type(op)).get(str(place[-1])) for op in ops]
    is_usual = any(each is not None and same_value(each.default, 1) for each in known)
    return 1 if 2 * count > len(found) or (count and is_usual) else MISSING


def usual(template: Template, choice: Varying, passed: Mapping[Any, ast.expr]) -> Any:
    """What most instances of a template are given, of what needs no call; MISSING without any."""
    keys = (op.key for shape in template.shapes if (op := choice.values[shape]) is not None)
    plain = Counter(key for key in keys if not isinstance(passed[key], ast.Call))
    return passed[plain.most_common(1)[0][0]] if plain else MISSING
