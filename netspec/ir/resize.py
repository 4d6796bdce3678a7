"""A network for inputs of another size than the spec's: its ops and weights are those of the spec.

A fully convolutional network does; a map that is flattened ahead of a linear layer ties the weights to
one size.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.errors import UsageError
from netspec.ir import Node, Program
from netspec.ir.retype import retype
from netspec.ops import OpError
from netspec.ops.merge import Merge
from netspec.ops.structure import Flatten
from netspec.ops.types import TensorType


def check_input_size(network: Program, size: Sequence[int | None]) -> None:
    """Raise :class:`UsageError` unless the network takes this spatial size; None leaves an axis open."""
    given = tuple(length for length in size if length is not None)
    if len(given) == len(size):
        resized(network, given)
    else:
        _check_rank(network, size)
        _check_open(network)


def resized(network: Program, size: tuple[int, ...]) -> Program:
    """The network typed for inputs of another spatial size; its ops and weights are the same.

    Raises :class:`UsageError` where it does not take that size.
    """
    _check_rank(network, size)
    if size == network.source.size:
        return network
    return retype(network, TensorType(network.source.channels, size), _types)


def _check_rank(network: Program, size: Sequence[int | None]) -> None:
    if len(network.inputs) > 1 and tuple(size) != network.source.size:
        raise UsageError(
            f"`{network.model_name}` has several inputs, which are of the spec's sizes alone"
        )
    if len(size) != network.source.rank:
        raise UsageError(
            f"an input size of {len(size)} axes, the network has {network.source.rank}"
        )


def _check_open(network: Program) -> None:
    for layer in network.layers:
        if isinstance(layer.op, Flatten):
            raise UsageError(f"`{layer.path}` flattens a map, so the input size cannot be open")


def _types(node: Node, types: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
    if not isinstance(node.op, Merge):
        _check_weights(node, types[0])
    try:
        return node.op.types(*types)
    except OpError as error:
        reason = error.message
        if isinstance(node.op, Merge):
            reason = f"{' and '.join(map(str, types))} would have to be merged"
        raise UsageError(f"`{node.path}`: at this input size, {reason}") from None


def _check_weights(layer: Node, source: TensorType) -> None:
    """Raise :class:`UsageError` where the weights of the spec's size do not fit what enters."""
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
