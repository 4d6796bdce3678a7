"""Rewrites of the IR that need to see more than one layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from netspec.codegen.second import tree
from netspec.ops.activation import Activation
from netspec.ops.convolution import Linear
from netspec.ops.structure import Flatten, RandomDrop

LayerMap = Callable[[tree.Layer], tree.Layer]


def map_layers(node: tree.Node, change: LayerMap) -> tree.Node:
    """The same tree with every layer replaced by ``change(layer)``; untouched parts are shared."""
    if isinstance(node, tree.Layer):
        return change(node)
    updates = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tree.Node):
            new: object = map_layers(value, change)
            if new is not value:
                updates[field.name] = new
        elif isinstance(value, tuple) and value and isinstance(value[0], tree.Node):
            items = tuple(map_layers(item, change) for item in value)
            if any(a is not b for a, b in zip(items, value, strict=True)):
                updates[field.name] = items
    return dataclasses.replace(node, **updates) if updates else node  # type: ignore[arg-type]


def absorb_flatten(node: tree.Node) -> tree.Node:
    """Mark each `flatten` whose order a linear layer behind it can take into its weight.

    That is so where only channel-agnostic ops stand between the two. Requires types with ``flat``;
    ensures that ``flat`` remains only at linear layers that absorb an order, and that every other
    flatten is to be done explicitly.
    """
    if not any(isinstance(layer.op, Flatten) for layer in tree.layers(node)):
        return node
    absorbed: set[str] = set()
    _find_absorbed(node, absorbed)

    def change(layer: tree.Layer) -> tree.Layer:
        if isinstance(layer.op, Flatten) and layer.path in absorbed:
            return dataclasses.replace(layer, op=dataclasses.replace(layer.op, absorbed=True))
        if isinstance(layer.op, Linear) and layer.source.flat and layer.path not in absorbed:
            return dataclasses.replace(layer, source=dataclasses.replace(layer.source, flat=None))
        return layer

    return map_layers(node, change)


def _find_absorbed(node: tree.Node, absorbed: set[str]) -> None:
    pending: str | None = None
    for item in _in_a_row(node):
        if isinstance(item, tree.Layer):
            if isinstance(item.op, Flatten):
                pending = item.path
            elif isinstance(item.op, Linear) and pending is not None:
                absorbed.update((pending, item.path))
                pending = None
            elif not isinstance(item.op, Activation | RandomDrop) or item.target.flat is None:
                pending = None
            continue
        pending = None
        for child in item.children:
            _find_absorbed(child, absorbed)


def _in_a_row(node: tree.Node) -> list[tree.Node]:
    """What runs one after another inside a node, nested sequences opened."""
    if isinstance(node, tree.Sequence):
        return [inner for item in node.items for inner in _in_a_row(item)]
    return [node]
