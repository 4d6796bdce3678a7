"""Whether a network takes inputs of another size than the spec's: its weights are those of the spec.

A fully convolutional network does; a map that is flattened ahead of a linear layer ties the weights to
one size.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec import tree
from netspec.errors import UsageError
from netspec.ops import OpError
from netspec.ops.structure import Flatten
from netspec.types import TensorType

Results = dict[str, TensorType]


def check_input_size(network: tree.Network, size: Sequence[int | None]) -> None:
    """Raise :class:`UsageError` unless the network takes this spatial size; None leaves an axis open."""
    if len(size) != network.source.rank:
        raise UsageError(
            f"an input size of {len(size)} axes, the network has {network.source.rank}"
        )
    given = [length for length in size if length is not None]
    if len(given) < len(size):
        _check_open(network)
    elif tuple(given) != network.source.size:
        _flow(network, TensorType(network.source.channels, tuple(given)), {})


def _check_open(network: tree.Network) -> None:
    for layer in tree.layers(network):
        if isinstance(layer.op, Flatten):
            raise UsageError(f"`{layer.path}` flattens a map, so the input size cannot be open")


def _flow(node: tree.Node, source: TensorType, results: Results) -> TensorType:
    """The type that leaves ``node`` when ``source`` enters."""
    match node:
        case tree.Layer():
            return _layer(node, source)
        case tree.Block():
            return _flow(node.body, source, {})
        case tree.Residual() | tree.Branches():
            return _merged(node, [_flow(child, source, results) for child in node.children])
        case tree.Gate():
            gate = _flow(node.body, source, results)
            if any(length != 1 for length in gate.size) and gate.size != source.size:
                raise _unequal(node.path, [source, gate])
            return TensorType(node.target.channels, source.size)
        case tree.Reference():
            return _merged(node, [results[name] for name in node.names])
        case tree.Tap():
            results[node.name] = _flow(node.body, source, results)
            return results[node.name]
    for child in node.children:  # a sequence, a stage, or the whole network
        source = _flow(child, source, results)
    return source


def _layer(layer: tree.Layer, source: TensorType) -> TensorType:
    if isinstance(layer.op, Flatten) and layer.op.absorbed and source.size != layer.source.size:
        # As many features may come out of another shape, and then each weight meets another one.
        raise UsageError(
            f"`{layer.path}` flattens a map of {layer.source} for the linear layer behind it, and at "
            f"this input size gets {source}"
        )
    if not source.size and source.channels != layer.source.channels:
        raise UsageError(
            f"`{layer.path}` takes {layer.source.channels} features, and at this input size gets "
            f"{source.channels}"
        )
    try:
        return layer.op.infer(source)
    except OpError as error:
        raise UsageError(f"`{layer.path}`: at this input size, {error.message}") from None


def _merged(
    node: tree.Residual | tree.Branches | tree.Reference, types: Sequence[TensorType]
) -> TensorType:
    if any(merged.size != types[0].size for merged in types):
        raise _unequal(node.path, types)
    return TensorType(node.target.channels, types[0].size)


def _unequal(path: str, types: Sequence[TensorType]) -> UsageError:
    shapes = " and ".join(str(merged) for merged in types)
    return UsageError(f"`{path}`: at this input size, {shapes} would have to be merged")
