"""How a network becomes Keras models: what layers are called, and where very deep ones are cut.

Keras walks a functional model recursively and fails near 1,000 layers, in construction and in loading.
Deep networks are therefore cut into sub-models, a few dozen blocks each.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from netspec.backends.keras.lowered import Lowered, input_name, is_layer, name_of
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.rows import ROWS
from netspec.backends.keras.weights import is_frozen
from netspec.backends.rows import look_up
from netspec.codegen.calls import Call
from netspec.errors import NetspecError, Span, fail
from netspec.exports.base import free_name
from netspec.ir import Layer, Node, Program, Region
from netspec.ops import Op
from netspec.ops.merge import Merge
from netspec.ops.structure import ResizeLike
from netspec.ops.types import TensorType

FLAT_LIMIT = 700
"""Networks of at most so many layers are one flat model."""
CHUNK_BLOCKS = 40
"""At most so many blocks make a sub-model of a deeper network."""
CHUNK_LAYERS = 400
"""A sub-model ends ahead of the block that would bring it beyond so many layers."""


def lower(
    layer: Layer,
    size: tuple[int | None, ...] | None = None,
    like: tuple[int | None, ...] | None = None,
) -> Lowered:
    """The calls of a layer; ``size`` is what really enters it, where that is not the spec's size.

    ``like`` is the size of a second input, which the result has.
    """
    if size is not None and (size, like) != (layer.source.size, layer.target.size):
        # None stands for an open axis; the rows that need its number say so.
        source = dataclasses.replace(layer.source, size=cast(tuple[int, ...], size))
        target = layer.target
        if like is not None:
            target = dataclasses.replace(target, size=cast(tuple[int, ...], like))
        layer = _Sized(layer.op, layer.path, source, target, layer.span)
    lowered = look_up("keras", ROWS, layer)
    if not is_frozen(layer):
        return lowered
    return tuple(
        (
            suffix,
            made if suffix else Call(made.target, made.args, {**made.kwargs, "trainable": False}),
        )
        for suffix, made in lowered
    )


@dataclass(frozen=True)
class _Sized:
    """A layer for an input of another size."""

    op: Op
    path: str
    source: TensorType
    target: TensorType
    span: Span | None


def depends_on_size(layer: Layer) -> bool:
    """Whether the layers of an op are made for one size of its input."""
    try:
        lower(layer, (None,) * layer.source.rank)
    except NetspecError:
        return True
    return False


def what_depends_on_size(layer: Layer) -> str:
    """What of such an op the layers hold in numbers."""
    return "resizing" if isinstance(layer.op, ResizeLike) else "padding"


def lowered_ops(nodes: Iterable[Node]) -> Iterator[Node]:
    """The ops that have a row: all but merges."""
    return (node for node in nodes if not isinstance(node.op, Merge))


def layer_count(nodes: Iterable[Node]) -> int:
    """How many Keras layers stand for ops."""
    return sum(1 if isinstance(node.op, Merge) else len(lower(node)) for node in nodes)


def is_deep(network: Program) -> bool:
    """Whether the stages of ``network`` are cut into sub-models."""
    return layer_count(network.nodes) > FLAT_LIMIT and any(map(chunks, network.stages))


def chunks(stage: Region) -> list[tuple[str, tuple[Region, ...]]]:
    """The sub-models of a stage in a deep network, each with its name and its blocks.

    Blocks that hand several tensors on are not cut off: they are wide, and Keras fails at depth alone.
    """
    groups: list[list[Region]] = []
    layers = 0
    if not all(block.is_unary for block in stage.blocks):
        return []
    for block in stage.blocks:
        count = layer_count(block.nodes)
        layers += count
        if not groups or len(groups[-1]) == CHUNK_BLOCKS or layers > CHUNK_LAYERS:
            groups.append([])
            layers = count
        groups[-1].append(block)
    flat = flat_name(stage.path)
    return [(f"{flat}_chunk{i}", tuple(group)) for i, group in enumerate(groups, 1)]


def nodes_of(blocks: Iterable[Region]) -> tuple[Node, ...]:
    """The ops of blocks, in order."""
    return tuple(node for block in blocks for node in block.nodes)


def too_many_in_a_row(network: Program) -> NetspecError:
    """The error for more ops in one model than Keras can build, which walks them by recursion.

    It stands at the step that most ops of the longest part come from.
    """
    parts = [nodes_of(blocks) for stage in network.stages for _, blocks in chunks(stage)]
    inside = {node for part in parts for node in part}
    outside = tuple(node for node in network.nodes if node not in inside)
    longest = max([outside, *parts], key=len)
    ((span, _),) = Counter(node.span for node in longest).most_common(1)
    return fail(
        "NS705",
        f"Keras cannot build {len(longest):,} ops in a row",
        span,
        help="only stages are cut into sub-models, between blocks: make a stage of what is repeated",
        path=next(node.path for node in longest if node.span == span),
    )


def model_input_names(network: Program) -> list[str]:
    """What the model's inputs are called, with ``_`` behind it where a layer has that name.

    That is their names; ``input`` where the only one has none.
    """
    layers = {name for name, _, _ in _names(network)}
    return [free_name(name, layers) for name in network.input_names or ("input",)]


def check_names(network: Program) -> None:
    """Raise :class:`NetspecError` when two layers of ``network`` would have the same name."""
    taken: dict[str, str] = {}
    for name, path, span in _names(network):
        if name in taken:
            message = (
                f"Keras: `{path}` needs a layer `{name}`, which is the name of `{taken[name]}`"
            )
            raise fail("NS703", message, span, path=path)
        taken[name] = path


def _names(network: Program) -> Iterator[tuple[str, str, Span | None]]:
    """All names, those of paths first, each with the path that it serves and the place of that."""
    for node in network.nodes:
        yield flat_name(node.path), node.path, node.span
    for layer in lowered_ops(network.nodes):
        for suffix, call in lower(layer):
            name = name_of(layer.path, suffix)
            if suffix:
                yield name, layer.path, layer.span
            if not is_layer(call):
                yield input_name(name), layer.path, layer.span
    if is_deep(network):
        for stage in network.stages:
            for name, _ in chunks(stage):
                yield name, stage.path, stage.span
                yield input_name(name), stage.path, stage.span
