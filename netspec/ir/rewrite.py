"""How programs are changed: one sweep that makes new ops of old ones and carries old values to new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from netspec.ir.program import Node, Program, Region, Value
from netspec.ops import Op, attributes_of

Change = Callable[[Node, tuple[Value, ...]], "Node | Replacement"]
"""What becomes of an op, as it was, that takes these values now."""


@dataclass(frozen=True)
class Replacement:
    """What stands in the place of an op.

    Attributes:
        nodes: ops in a row; none where the op goes.
        outputs: the values that stand for the results of the op.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]


def rewrite(program: Program, change: Change, inputs: tuple[Value, ...] | None = None) -> Program:
    """``program`` with every op changed; regions stay what they are, around what they hold now.

    Args:
        program: the program.
        change: called once for each op, in the order of registration.
        inputs: the values that stand for the inputs, where they change.
    """
    given = program.inputs if inputs is None else inputs
    known = {old.id: new for old, new in zip(program.inputs, given, strict=True)}
    main = _region(program.main, change, known)
    outputs = {name: known[value.id] for name, value in program.outputs.items()}
    names: dict[int, Mapping[str, str]] = {}
    for id, found in program.names.items():
        if id in known:  # what was several values may be one
            names[known[id].id] = {**found, **names.get(known[id].id, {})}
    return replace(program, main=main, inputs=given, outputs=outputs, names=names)


def with_op(node: Node, op: Op, inputs: tuple[Value, ...]) -> Node:
    """A node that does something else; attributes that change are no longer what their formulas say."""
    formulas = node.formulas
    if op is not node.op:
        for name in attributes_of(type(op)):
            if getattr(op, name) != getattr(node.op, name) and name in formulas:
                formulas = formulas.without(name)
    return replace(node, op=op, inputs=inputs, formulas=formulas)


def _region(region: Region, change: Change, known: dict[int, Value]) -> Region:
    inputs = tuple(known[value.id] for value in region.inputs)
    items: list[Node | Region] = []
    for item in region.items:
        if isinstance(item, Region):
            items.append(_region(item, change, known))
            continue
        made = change(item, tuple(known[value.id] for value in item.inputs))
        if isinstance(made, Node):
            made = Replacement((made,), made.outputs)
        items += made.nodes
        known.update((old.id, new) for old, new in zip(item.outputs, made.outputs, strict=True))
    outputs = tuple(known[value.id] for value in region.outputs)
    return replace(region, items=tuple(items), inputs=inputs, outputs=outputs)
