"""Published names: the network once more, its layers called as a published checkpoint calls them.

The rules are data, under ``checkpoints:`` in the spec. A network with other paths is all that a backend
needs to find or write other names.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from netspec import tree
from netspec.elaborate.scope import fill_template
from netspec.errors import Diagnostic, NetspecError, Span, did_you_mean
from netspec.ops import OPS
from netspec.schema.patterns import match
from netspec.schema.syntax import Checkpoint


def published_names(network: tree.Network, checkpoint: Checkpoint) -> dict[str, str]:
    """What the checkpoint calls each layer that has weights, by our path.

    Raises :class:`NetspecError` where a rule is wrong, fits nothing where one must, or two layers would
    have one name.
    """
    layers = [layer for layer in tree.layers(network) if layer.op.parameters(layer.source)]
    if not (checkpoint.counted or checkpoint.layers):
        return {layer.path: layer.path for layer in layers}
    if checkpoint.counted:
        named = _counted(layers, checkpoint)
    else:
        places = _places(network)
        named = {
            layer.path: _named(layer.path, places.get(layer.path, {}), checkpoint)
            for layer in layers
        }
    _check_distinct(named, checkpoint)
    return {path: name for path, (name, _) in named.items()}


def renamed(network: tree.Network, names: Mapping[str, str], shortcut_first: bool) -> tree.Network:
    """The network with new paths of the layers that ``names`` holds, for reading and writing weights.

    With ``shortcut_first``, residuals add the other way round.
    """
    node = _renamed(network, names, shortcut_first)
    assert isinstance(node, tree.Network)
    return node


def _renamed(node: tree.Node, names: Mapping[str, str], shortcut_first: bool) -> tree.Node:
    if isinstance(node, tree.Layer):
        return dataclasses.replace(node, path=names.get(node.path, node.path))
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tree.Node):
            changes[field.name] = _renamed(value, names, shortcut_first)
        elif isinstance(value, tuple) and value and isinstance(value[0], tree.Node):
            changes[field.name] = tuple(_renamed(item, names, shortcut_first) for item in value)
    if isinstance(node, tree.Residual):
        changes["shortcut_first"] = shortcut_first
    return dataclasses.replace(node, **changes)


def _counted(layers: list[tree.Layer], checkpoint: Checkpoint) -> dict[str, tuple[str, Span]]:
    """Layers numbered in order, each label for itself: ``conv2d``, ``conv2d_1``, …"""
    for kind in checkpoint.counted:
        if kind not in OPS:
            place = checkpoint.spans.find_key(("counted", kind))
            help = did_you_mean(kind, OPS)
            raise NetspecError([Diagnostic("NS610", f"no op is called `{kind}`", place, help)])
    counts: Counter[str] = Counter()
    named = {}
    for layer in layers:
        label = checkpoint.counted.get(layer.op.kind)
        if label is None:
            raise _nameless(layer.path, checkpoint)
        place = checkpoint.spans.find(("counted", layer.op.kind))
        named[layer.path] = (f"{label}_{counts[label]}" if counts[label] else label, place)
        counts[label] += 1
    return named


def _places(network: tree.Network) -> dict[str, dict[str, int]]:
    """What an expression in a name may know of each layer in a stage: where its block is."""
    total = sum(len(stage.blocks) for stage in network.stages)
    found = {}
    running = 0
    for number, stage in enumerate(network.stages):
        for index, block in enumerate(stage.blocks):
            place = {
                "stage": number,
                "index": index,
                "count": len(stage.blocks),
                "running_index": running,
                "total": total,
            }
            found.update({layer.path: place for layer in tree.layers(block)})
            running += 1
    for layer in tree.layers(network):
        found.setdefault(layer.path, {"total": total})
    return found


def _named(path: str, place: Mapping[str, int], checkpoint: Checkpoint) -> tuple[str, Span]:
    for pattern, template in checkpoint.layers.items():
        parts = match(pattern, path)
        if parts is not None:
            span = checkpoint.spans.find(("layers", pattern))
            return fill_template(template, {**place, **parts}, span), span
    raise _nameless(path, checkpoint)


def _nameless(path: str, checkpoint: Checkpoint) -> NetspecError:
    return NetspecError(
        [
            Diagnostic(
                "NS610",
                f"checkpoint `{checkpoint.name}` has no name for `{path}`",
                checkpoint.spans.span,
                "give a pattern that fits it",
            )
        ]
    )


def _check_distinct(named: Mapping[str, tuple[str, Span]], checkpoint: Checkpoint) -> None:
    owners: dict[str, str] = {}
    for path, (name, place) in named.items():
        if name in owners:
            message = (
                f"checkpoint `{checkpoint.name}` calls both `{owners[name]}` and `{path}` `{name}`"
            )
            raise NetspecError([Diagnostic("NS610", message, place)])
        owners[name] = path
