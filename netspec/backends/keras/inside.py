"""What passes through each layer of a Keras model, by its graph; and each layer by itself, on what it is fed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from netspec.backends.keras.framework import load_keras
from netspec.backends.keras.lowered import name_of
from netspec.backends.keras.plan import lower
from netspec.backends.probe import Inside
from netspec.ir import Program, Value
from netspec.ops.structure import Flatten
from netspec.ops.types import FlatLayout

if TYPE_CHECKING:
    from netspec.backends.probe import Array

keras = load_keras()

Ends = dict[str, tuple[Any, Any]]
"""By the path of a layer, the symbolic tensors that enter and leave it."""


def look_inside(model: Any, network: Program, inputs: Any, fed: Inside | None) -> Inside:
    """See :meth:`netspec.backends.probe.Probe.look_inside`; ``inputs`` are as Keras lays them out."""
    ends = _ends(model, network)
    named = inputs if isinstance(inputs, dict) else {"": inputs}
    entering = model.input if isinstance(model.input, dict) else {"": model.inputs[0]}
    given = {id(entering[name]): keras.ops.convert_to_tensor(x) for name, x in named.items()}
    outputs = model.output if isinstance(model.output, dict) else {"output": model.output}
    nodes = network.by_path
    sources = {path: nodes[path].inputs[0] for path in ends}
    targets = {path: nodes[path].outputs[0] for path in ends}
    if fed is None:
        known = dict(given)
        entered = {path: _value(first, known) for path, (first, _) in ends.items()}
        left = {path: _value(last, known) for path, (_, last) in ends.items()}
    else:
        ends = {p: both for p, both in ends.items() if p in fed.entered and p in fed.left}
        known = given | {
            id(last): _tensor(network, targets[path], fed.left[path])
            for path, (_, last) in ends.items()
        }
        entered = {path: _value(first, known) for path, (first, _) in ends.items()}
        left = {
            path: _value(last, {id(first): _tensor(network, sources[path], fed.entered[path])})
            for path, (first, last) in ends.items()
        }
    return Inside(
        {path: _array(network, sources[path], tensor) for path, tensor in entered.items()},
        {path: _array(network, targets[path], tensor) for path, tensor in left.items()},
        {name: _moved(_value(tensor, known).numpy(), -1, 1) for name, tensor in outputs.items()},
    )


def result_of(operation: Any) -> Any:
    """What an operation gives where the model calls it; a sub-model's ``output`` is another tensor."""
    return operation._inbound_nodes[0].output_tensors[0]


def _ends(model: Any, network: Program) -> Ends:
    """Of the layers whose operations the model has at its own level."""
    operations = {operation.name: operation for operation in model.operations}
    found = {}
    for layer in network.layers:
        calls = lower(layer)
        first, last = (operations.get(name_of(layer.path, calls[at][0])) for at in (0, -1))
        if first is not None and last is not None:
            found[layer.path] = (first._inbound_nodes[0].input_tensors[0], result_of(last))
    return found


def _value(tensor: Any, known: dict[int, Any]) -> Any:
    """What a symbolic tensor is, where those in ``known`` are so; what is worked out is added there.

    A graph may be too deep for recursion.
    """
    waiting = [tensor]
    while waiting:
        wanted = waiting[-1]
        operation, index, _ = wanted._keras_history
        node = operation._inbound_nodes[index]
        missing = [x for x in node.input_tensors if id(x) not in known]
        if id(wanted) not in known and missing:
            waiting += missing
            continue
        waiting.pop()
        if id(wanted) in known:
            continue
        arguments, keywords = node.arguments.fill_in(known)
        results = keras.tree.flatten(operation(*arguments, **keywords))
        for one, result in zip(node.output_tensors, results, strict=True):
            known.setdefault(id(one), result)
    return known[id(tensor)]


# Layouts


def _array(network: Program, value: Value, tensor: Any) -> Array:
    """A tensor of Keras' with channels first, and a flattened map in the order of canonical weights."""
    layout = _own_order(network, value)
    if layout is None:
        return _moved(tensor.numpy(), -1, 1)
    array = tensor.numpy().reshape(-1, *layout.size, layout.channels)
    return _moved(array, -1, 1).reshape(len(array), -1)


def _tensor(network: Program, value: Value, array: Array) -> Any:
    """The reverse."""
    layout = _own_order(network, value)
    if layout is None:
        return keras.ops.convert_to_tensor(_moved(array, 1, -1))
    wide = array.reshape(-1, layout.channels, *layout.size)
    return keras.ops.convert_to_tensor(_moved(wide, 1, -1).reshape(len(array), -1))


def _own_order(network: Program, value: Value) -> FlatLayout | None:
    """The map that a vector was, where Keras flattens it in its own order since a weight behind takes that."""
    if value.type.flat is None:
        return None
    node = network.producers[value.id]
    while not isinstance(node.op, Flatten):
        node = network.producers[node.inputs[0].id]
    return value.type.flat if node.op.absorbed else None


def _moved(array: Array, start: int, end: int) -> Array:
    return numpy.ascontiguousarray(numpy.moveaxis(array, start, end))
