"""Live Keras models: functional models of stock layers, which load in any process.

The layers come from executing the rows' calls, op after op. Generated source is
never executed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from netspec.backends.keras.framework import load_keras
from netspec.backends.keras.instances import adapt
from netspec.backends.keras.lowered import (
    Joined,
    bound,
    input_name,
    is_layer,
    name_of,
)
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.plan import (
    chunks,
    is_deep,
    lower,
    model_input_names,
    nodes_of,
    too_many_in_a_row,
)
from netspec.backends.keras.weights import frozen_variables
from netspec.codegen.calls import Call, execute
from netspec.ir import Node, Program, Value
from netspec.ir.resize import check_input_size
from netspec.ops.merge import Merge

keras = load_keras()

Tensors = dict[int, Any]


def build(network: Program, input_size: Sequence[int | None] | None = None) -> Any:
    """A functional model with fresh initial weights, channels-last, of the process' own dtype.

    ``input_size`` replaces the spec's spatial size; None along an axis leaves it open.
    """
    size = tuple(network.source.size if input_size is None else input_size)
    check_input_size(network, size)
    try:
        return _Builder(network).model(size)
    except RecursionError:
        raise too_many_in_a_row(network) from None


def resolve(target: str) -> Any:
    """The object behind a name in a row."""
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
    found: Call = bound(call, x, tuple(x.shape[1:]), x.shape[-1])
    return found


class _Builder:
    """Builds one network: a tensor for each value."""

    def __init__(self, network: Program) -> None:
        self.network = network
        self.tensors: Tensors = {}

    def model(self, size: tuple[int | None, ...]) -> Any:
        network = self.network
        names = model_input_names(network)
        for value, name in zip(network.inputs, names, strict=True):
            length = size if value is network.inputs[0] else value.type.size
            self.tensors[value.id] = keras.Input((*length, value.type.channels), name=name)
        inputs = self.tensors[network.inputs[0].id]
        if network.input_names:
            inputs = {name: self.tensors[v.id] for name, v in network.named_inputs.items()}
        parts = _sub_models(network) if is_deep(network) else {}
        nodes = iter(network.nodes)
        for node in nodes:
            part = parts.get(node)
            if part is None:
                self._node(node, self.tensors)
                continue
            self._sub_model(part)
            for _ in part.nodes[1:]:
                next(nodes)
        outputs = {name: self.tensors[value.id] for name, value in network.outputs.items()}
        given = outputs if network.has_outputs else outputs["output"]
        return keras.Model(inputs, given, name=network.model_name)

    def _sub_model(self, part: _SubModel) -> None:
        x = self.tensors[part.source.id]
        inputs = keras.Input(x.shape[1:], name=input_name(part.name))
        inside = {part.source.id: inputs}
        for node in part.nodes:
            self._node(node, inside)
        model = keras.Model(inputs, inside[part.result.id], name=part.name)
        self.tensors[part.result.id] = model(x)

    def _node(self, node: Node, tensors: Tensors) -> None:
        taken = [tensors[value.id] for value in node.inputs]
        if isinstance(node.op, Merge):
            made = _merged(taken, node.op.kind, node.path)
        else:
            made = self._layer(node, *taken)
        results = made if len(node.outputs) > 1 else [made]
        tensors.update((v.id, x) for v, x in zip(node.outputs, results, strict=True))

    def _layer(self, layer: Node, x: Any, *others: Any) -> Any:
        given = x
        for suffix, call in lower(layer, *[tuple(each.shape[1:-1]) for each in (x, *others)]):
            made = make_layer(call, x, name_of(layer.path, suffix))
            x = made([given, x] if isinstance(call, Joined) else x)
            for name in () if suffix else frozen_variables(layer):
                getattr(made, name).trainable = False
        return x


@dataclass(frozen=True)
class _SubModel:
    """A part of a deep network that is a model of its own."""

    name: str
    nodes: tuple[Node, ...]
    source: Value
    result: Value


def _sub_models(network: Program) -> dict[Node, _SubModel]:
    """The sub-models by the first op of each."""
    found = {}
    for stage in network.stages:
        for name, blocks in chunks(stage):
            nodes = nodes_of(blocks)
            if nodes:
                found[nodes[0]] = _SubModel(name, nodes, blocks[0].source, blocks[-1].result)
    return found


def _merged(tensors: list[Any], how: str, path: str) -> Any:
    name = flat_name(path)
    if how == "concat":
        return keras.layers.Concatenate(axis=-1, name=name)(tensors)
    merge = keras.layers.Add if how == "add" else keras.layers.Multiply
    return merge(name=name)(tensors)
