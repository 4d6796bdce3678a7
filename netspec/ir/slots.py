"""What stands alone in a slot that other blocks fill with other ops: it is called after the slot."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from netspec.ir.definition import Slot
from netspec.ir.formula import NETWORK_SCOPE, qualify
from netspec.ir.program import Node, Program, Region


def varying_slots(networks: Iterable[Program]) -> frozenset[str]:
    """The qualified names of the slots that hold one op alone, which is called otherwise in other blocks."""
    labels: dict[str, set[str]] = {}
    for network in networks:
        slots = _slots_of(network)
        for name, node in _alone(network.main.regions("when")):
            if name in slots:
                labels.setdefault(name, set()).add(node.op.label)
    return frozenset(name for name, found in labels.items() if len(found) > 1)


def slot_labels(regions: Iterable[Region], varying: frozenset[str]) -> Mapping[Node, str]:
    """The names of slots by the op that each holds alone, as far as ``varying`` has the slot."""
    return {node: name.rpartition(".")[2] for name, node in _alone(regions) if name in varying}


def _alone(regions: Iterable[Region]) -> Iterable[tuple[str, Node]]:
    """The names that are tests, with the one op that stands where they hold."""
    for region in regions:
        test = None if region.test is None else region.test.node
        match test, region.items:
            case ast.Name(id=name), (Node() as node,) if region.kind == "when" and region.outcome:
                yield name, node


def _slots_of(network: Program) -> set[str]:
    """The qualified names of all slots of a network."""
    blocks = ((r.definition, r.arguments) for r in network.main.regions("block", "inline"))
    scopes = [(d.name, arguments) for d, arguments in blocks if d is not None]
    return {
        qualify(scope, name)
        for scope, arguments in [(NETWORK_SCOPE, network.main.arguments), *scopes]
        for name, value in arguments.items()
        if isinstance(value, Slot)
    }
