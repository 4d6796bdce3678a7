"""Live Keras models: functional models of stock layers, which load in any process.

The layers come from executing the rows' calls while the tree of the IR is walked. Generated source is
never executed here.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from netspec import tree
from netspec.backends.keras.framework import channels_last, load_keras
from netspec.backends.keras.instances import adapt
from netspec.backends.keras.lowered import (
    OPERATORS,
    Joined,
    bound,
    input_name,
    is_layer,
    name_of,
)
from netspec.backends.keras.plan import check_names, chunks, is_deep, lower, model_input_name
from netspec.codegen.calls import Call, Raw, execute
from netspec.errors import UsageError
from netspec.resize import check_input_size

keras = load_keras()

Results = dict[str, Any]

_ARITHMETIC = dict(
    zip(OPERATORS, (operator.add, operator.sub, operator.mul, operator.truediv), strict=True)
)


def build(network: tree.Network, input_size: Sequence[int | None] | None = None) -> Any:
    """A functional model with fresh initial weights, channels-last, of the process' own dtype.

    ``input_size`` replaces the spec's spatial size; None along an axis leaves it open.
    """
    size = tuple(network.source.size if input_size is None else input_size)
    check_input_size(network, size)
    with channels_last():
        try:
            return _Builder(network).model(size)
        except RecursionError:
            raise UsageError(
                "Keras cannot build so many layers in a row; only stages are cut into sub-models, so "
                "the repeated part has to be a stage"
            ) from None


def resolve(target: str) -> Any:
    """The object behind a name in a row."""
    if target in _ARITHMETIC:
        return _ARITHMETIC[target]
    found: Any = keras
    for name in target.split("."):
        found = getattr(found, name)
    return found


def make_layer(call: Call, x: Any, name: str) -> Any:
    """The layer for ``x`` that a row's call describes."""
    if not is_layer(call):
        return _expression(call, x, name)
    call = _bound(call, x)
    layer = execute(Call(call.target, call.args, {**call.kwargs, "name": name}), resolve)
    adapt(layer)
    return layer


def _expression(call: Call, x: Any, name: str) -> Any:
    """A model of one expression: the nodes inside have names from Keras, which could be those of layers."""
    inputs = keras.Input(x.shape[1:], dtype=x.dtype, name=input_name(name))
    return keras.Model(inputs, execute(_bound(call, inputs), resolve), name=name)


def _bound(call: Call, x: Any) -> Call:
    found: Call = bound(call, Raw("x", x), Raw("shape", tuple(x.shape[1:])))
    return found


class _Builder:
    """Builds one network; its methods map a tensor to what a node makes of it."""

    def __init__(self, network: tree.Network) -> None:
        check_names(network)
        self.network = network

    def model(self, size: tuple[int | None, ...]) -> Any:
        network = self.network
        name = model_input_name(network)
        inputs = keras.Input((*size, network.source.channels), name=name)
        results: Results = {}
        x = self._node(network.stem, inputs, results)
        deep = is_deep(network)
        for stage in network.stages:
            x = self._node(stage.between, x, {})
            if deep:
                for name, blocks in chunks(stage):
                    x = self._chunk(name, blocks, x)
            else:
                for block in stage.blocks:
                    x = self._node(block, x, {})
            results[stage.path] = x
        outputs = x = self._node(network.head, x, results)
        if network.outputs:
            named = {name: results[key] for name, key in network.outputs.items()}
            outputs = {**named, "output": x}
        return keras.Model(inputs, outputs, name=network.model_name)

    def _chunk(self, name: str, blocks: tuple[tree.Block, ...], x: Any) -> Any:
        inputs = keras.Input(x.shape[1:], name=input_name(name))
        y = inputs
        for block in blocks:
            y = self._node(block, y, {})
        return keras.Model(inputs, y, name=name)(x)

    def _node(self, node: tree.Node, x: Any, results: Results) -> Any:
        match node:
            case tree.Layer():
                return self._layer(node, x)
            case tree.Block():
                return self._node(node.body, x, {})
            case tree.Sequence():
                for item in node.items:
                    x = self._node(item, x, results)
                return x
            case tree.Residual():
                body = self._node(node.body, x, results)
                shortcut = self._node(node.shortcut, x, results)
                sides = [shortcut, body] if node.shortcut_first else [body, shortcut]
                return _merged(sides, "add", node.path)
            case tree.Gate():
                return _merged([x, self._node(node.body, x, results)], "mul", node.path)
            case tree.Branches():
                tensors = [self._node(path, x, results) for path in node.paths]
                return _merged(tensors, node.merge, node.path)
            case tree.Reference():
                return _merged([results[name] for name in node.names], node.merge, node.path)
            case tree.Tap():
                results[node.name] = self._node(node.body, x, results)
                return results[node.name]
        raise AssertionError(node)  # pragma: no cover

    def _layer(self, layer: tree.Layer, x: Any) -> Any:
        given = x
        for suffix, call in lower(layer, tuple(x.shape[1:-1])):
            made = make_layer(call, x, name_of(layer.path, suffix))
            x = made([given, x] if isinstance(call, Joined) else x)
        return x


def _merged(tensors: list[Any], how: tree.Merge, path: str) -> Any:
    if len(tensors) == 1:
        return tensors[0]
    name = tree.flat_name(path)
    if how == "concat":
        return keras.layers.Concatenate(axis=-1, name=name)(tensors)
    merge = keras.layers.Add if how == "add" else keras.layers.Multiply
    return merge(name=name)(tensors)
