"""Rewrites of programs made for tests: each changes one instance, whatever else is like it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from netspec.ir import Node, Program, Region, Value
from netspec.ir.rewrite import Replacement, rewrite
from netspec.ops import OPS, OpError
from netspec.ops.activation import Activation
from netspec.ops.convolution import Conv
from netspec.ops.merge import Merge

Choose = Callable[[Sequence[Any]], Any]
"""Takes one of several."""


def rename(program: Program, choose: Choose) -> Program | None:
    """Another name for one layer."""
    chosen = choose(program.layers)

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        path = f"{node.path}_renamed" if node is chosen else node.path
        return replace(node, inputs=inputs, path=path)

    return rewrite(program, change)


def delete(program: Program, choose: Choose) -> Program | None:
    """One activation less."""
    activations = [node for node in program.layers if isinstance(node.op, Activation)]
    if len(program.layers) < 2 or not activations:
        return None
    chosen = choose(activations)

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        return Replacement((), inputs) if node is chosen else _typed(node, inputs)

    return _changed(program, change)


def insert(program: Program, choose: Choose) -> Program | None:
    """A layer more, behind another."""
    chosen = choose(program.layers)
    ids = count(1 + max(value.id for node in program.nodes for value in node.outputs))

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        made = _typed(node, inputs)
        if node is not chosen:
            return made
        op, taken = OPS["sigmoid"](), made.outputs[0]
        (type,) = op.types(taken.type)
        above = node.path.rpartition(".")[0]
        names = (f"{above}.inserted{n}".removeprefix(".") for n in count(1))
        path = next(name for name in names if name not in program.by_path)
        new = Node(op, (taken,), (Value(next(ids), type),), path, node.span)
        return Replacement((made, new), new.outputs)

    return _changed(program, change)


def widen(program: Program, choose: Choose) -> Program | None:
    """More channels out of one convolution; None where they do not fit what follows."""
    convolutions = [n for n in program.layers if isinstance(n.op, Conv) and n.op.groups == 1]
    if not convolutions:
        return None
    chosen = choose(convolutions)

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        if node is chosen:
            node = replace(node, op=replace(node.op, out=node.op.out + 4))  # type: ignore[attr-defined]
        return _typed(node, inputs)

    return _changed(program, change)


def drop_branch(program: Program, choose: Choose) -> Program | None:
    """One path less of what is merged."""
    merges = [
        region
        for region in program.main.regions("branches", "residual")
        if _can_drop(region, program)
    ]
    if not merges:
        return None
    region = choose(merges)
    *paths, merge = region.items
    dropped = choose([p for p in paths if p.nodes and p.result is not p.source])
    gone = set(dropped.nodes)

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        if node in gone:
            return Replacement((), (inputs[0],) * len(node.outputs))
        if node is not merge:
            return _typed(node, inputs)
        pairs = zip(node.inputs, inputs, strict=True)
        left = tuple(new for old, new in pairs if old is not dropped.result)
        return Replacement((), left) if len(left) == 1 else _typed(node, left)

    return _changed(program, change)


def _can_drop(region: Region, program: Program) -> bool:
    *paths, merge = region.items
    if not isinstance(merge, Node) or not isinstance(merge.op, Merge):
        return False
    working = [p for p in paths if isinstance(p, Region) and p.nodes and p.result is not p.source]
    inside = {node for path in working for node in path.nodes}
    outputs = {value.id for value in program.outputs.values()}
    # Nothing else takes what is computed in the paths, and nothing but a merge is left without them.
    users = [user for n in inside for v in n.outputs for user in program.uses[v.id]]
    own = all(user in inside or user is merge for user in users)
    named = any(v.id in outputs for n in inside for v in n.outputs)
    return bool(working) and own and not named and len(merge.inputs) > 1


REWRITES = {f.__name__: f for f in (rename, delete, insert, widen, drop_branch)}


def _typed(node: Node, inputs: tuple[Value, ...]) -> Node:
    """The op on other values, with the types that follow."""
    types = node.op.types(*(value.type for value in inputs))
    outputs = tuple(Value(old.id, type) for old, type in zip(node.outputs, types, strict=True))
    return replace(node, inputs=inputs, outputs=outputs)


def _changed(
    program: Program, change: Callable[[Node, tuple[Value, ...]], Node | Replacement]
) -> Program | None:
    try:
        return rewrite(program, change)
    except OpError:
        return None
