"""How a network becomes Keras models: what layers are called, and where very deep ones are cut.

Keras walks a functional model recursively and fails near 1,000 layers, in construction and in loading.
Deep networks are therefore cut into sub-models, a few dozen blocks each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import cast

from netspec import tree
from netspec.backends.keras.lowered import Lowered, input_name, is_layer, name_of
from netspec.backends.keras.rows import ROWS
from netspec.errors import UsageError
from netspec.export.base import free_name

FLAT_LIMIT = 700
"""Networks of at most so many layers are one flat model."""
CHUNK_BLOCKS = 40
"""At most so many blocks make a sub-model of a deeper network."""
CHUNK_LAYERS = 400
"""A sub-model ends ahead of the block that would bring it beyond so many layers."""


def lower(layer: tree.Layer, size: tuple[int | None, ...] | None = None) -> Lowered:
    """The calls of a layer; ``size`` is what really enters it, where that is not the spec's size."""
    if size is not None and size != layer.source.size:
        # None stands for an open axis; the rows that need its number say so.
        source = dataclasses.replace(layer.source, size=cast(tuple[int, ...], size))
        layer = dataclasses.replace(layer, source=source)
    return ROWS[layer.op.kind](layer)


def depends_on_size(layer: tree.Layer) -> bool:
    """Whether the layers of an op are made for one size of its input."""
    try:
        lower(layer, (None,) * layer.source.rank)
    except UsageError:
        return True
    return False


def layer_count(node: tree.Node) -> int:
    """How many Keras layers stand for ``node``."""
    total = 0
    for found in tree.walk(node):
        if isinstance(found, tree.Layer):
            total += len(lower(found))
        elif isinstance(found, tree.Residual | tree.Gate | tree.Branches):
            total += 1
        elif isinstance(found, tree.Reference):
            total += len(found.names) > 1
    return total


def is_deep(network: tree.Network) -> bool:
    """Whether the stages of ``network`` are cut into sub-models."""
    return layer_count(network) > FLAT_LIMIT


def chunks(stage: tree.Stage) -> list[tuple[str, tuple[tree.Block, ...]]]:
    """The sub-models of a stage in a deep network, each with its name and its blocks."""
    groups: list[list[tree.Block]] = []
    layers = 0
    for block in stage.blocks:
        count = layer_count(block)
        layers += count
        if not groups or len(groups[-1]) == CHUNK_BLOCKS or layers > CHUNK_LAYERS:
            groups.append([])
            layers = count
        groups[-1].append(block)
    flat = tree.flat_name(stage.path)
    return [(f"{flat}_chunk{i}", tuple(group)) for i, group in enumerate(groups, 1)]


def model_input_name(network: tree.Network) -> str:
    """What the model's input is called: ``input``, with ``_`` behind it where a layer has that name."""
    return free_name("input", {tree.flat_name(path) for path in _paths(network)})


def check_names(network: tree.Network) -> None:
    """Raise :class:`UsageError` when two layers of ``network`` would have the same name."""
    taken = {tree.flat_name(path): path for path in _paths(network)}
    for name, path in _additional_names(network):
        if name in taken:
            raise UsageError(
                f"Keras: `{path}` needs a layer `{name}`, which is the name of `{taken[name]}`"
            )
        taken[name] = path


def _paths(network: tree.Network) -> Iterator[str]:
    """The paths of all that is a layer of the model."""
    for node in tree.walk(network):
        if isinstance(
            node, tree.Layer | tree.Residual | tree.Gate | tree.Branches | tree.Reference
        ):
            yield node.path


def _additional_names(network: tree.Network) -> Iterator[tuple[str, str]]:
    """The names that no path of the IR has, each with the path that it serves."""
    for layer in tree.layers(network):
        for suffix, call in lower(layer):
            name = name_of(layer.path, suffix)
            if suffix:
                yield name, layer.path
            if not is_layer(call):
                yield input_name(name), layer.path
    if is_deep(network):
        for stage in network.stages:
            for name, _ in chunks(stage):
                yield name, stage.path
                yield input_name(name), stage.path
