"""Which ops some instances of a block have and others lack."""

from __future__ import annotations

from collections.abc import Iterable

from netspec.ir.program import Node, Region


def optional(region: Region, varying: frozenset[str]) -> set[Node]:
    """The ops of a block that some instances of it lack.

    Args:
        region: the block, or the network.
        varying: see :func:`varying_tests`.
    """
    found: set[Node] = set()
    waiting: list[tuple[Node | Region, bool]] = [(item, False) for item in region.items]
    while waiting:
        item, is_optional = waiting.pop()
        if isinstance(item, Node):
            if is_optional:
                found.add(item)
        elif item.kind != "block":
            decided = is_optional or is_decided(item, varying)
            waiting += [(inner, decided) for inner in item.items]
    return found


def is_decided(region: Region, varying: frozenset[str]) -> bool:
    """Whether a region is a `when` or a slot that only some instances have, which ``varying`` knows."""
    return region.kind == "when" and region.test is not None and region.test.key in varying


def varying_tests(regions: Iterable[Region]) -> frozenset[str]:
    """The tests of ``when`` and the names of slots that came out one way here and another way there."""
    outcomes: dict[str, set[bool]] = {}
    for region in regions:
        if region.test is not None:
            outcomes.setdefault(region.test.key, set()).add(bool(region.outcome))
    return frozenset(key for key, found in outcomes.items() if len(found) > 1)
