"""Attributes that depend on an argument of generated functions, by which no pass may decide anything.

Whoever calls such a function with another value would get what was decided for the first.
"""

from __future__ import annotations

from collections.abc import Mapping

from netspec.ir.formula import NETWORK_SCOPE, qualify
from netspec.ir.program import Node, Program, Region


def kept_attributes(program: Program) -> Mapping[Node, frozenset[str]]:
    """The attributes of each op whose formulas depend on an argument that is kept; ops without any are left out."""
    if not program.arguments:
        return {}
    found: dict[Node, frozenset[str]] = {}
    kept = frozenset(qualify(NETWORK_SCOPE, name) for name in program.arguments)
    waiting = [(program.main, kept)]
    while waiting:
        region, outer = waiting.pop()
        inner = _inside(region, outer)
        for item in region.items:
            if isinstance(item, Region):
                waiting.append((item, inner))
            else:
                names = [n for n, f in item.formulas.items() if not f.names.isdisjoint(inner)]
                if names:
                    found[item] = frozenset(names)
    return found


def _inside(region: Region, kept: frozenset[str]) -> frozenset[str]:
    """The qualified names inside a region that depend on what is kept around it."""
    scope = region.definition.name if region.definition else NETWORK_SCOPE
    own = set(kept)
    for name, formula in region.formulas.items():
        if not formula.names.isdisjoint(own):
            own.add(qualify(scope, name))
    for name, formula in region.definition.let.items() if region.definition else ():
        if not formula.names.isdisjoint(own):
            own.add(qualify(scope, name))
    return frozenset(own)
