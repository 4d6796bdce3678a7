"""Published names: the network once more, its layers called as a published checkpoint calls them.

The rules are data, under ``checkpoints:`` in the spec. A network with other paths is all that a backend
needs to find or write other names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from netspec.elaborate.scope import fill_template
from netspec.errors import Diagnostic, NetspecError, Span, did_you_mean
from netspec.ir import Layer, Node, Program, Value
from netspec.ir.parameters import parameters_of
from netspec.ir.rewrite import rewrite
from netspec.lang.schema.patterns import match
from netspec.lang.schema.syntax import Checkpoint, PublishedTensor
from netspec.ops import OPS


def published_names(network: Program, checkpoint: Checkpoint) -> dict[str, str]:
    """What the checkpoint calls each layer that has weights, by our path.

    Raises :class:`NetspecError` where a rule is wrong, fits nothing where one must, or two layers would
    have one name.
    """
    layers = [layer for layer in network.layers if layer.op.parameters(layer.source)]
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


def published_tensors(network: Program, checkpoint: Checkpoint) -> dict[str, PublishedTensor]:
    """What the checkpoint calls single parameters, by canonical name; those are no layer's there.

    Raises :class:`NetspecError` where a pattern fits nothing.
    """
    places = _places(network)
    found: dict[str, PublishedTensor] = {}
    idle = dict.fromkeys(checkpoint.tensors)
    for name, layer, _ in parameters_of(network.layers):
        for pattern, tensor in checkpoint.tensors.items():
            parts = match(pattern, name)
            if parts is None:
                continue
            idle.pop(pattern, None)
            span = checkpoint.spans.find(("tensors", pattern))
            known = {**places.get(layer.path, {}), **parts}
            found[name] = replace(tensor, name=fill_template(tensor.name, known, span))
            break
    for pattern in idle:
        message = f"no parameter is called `{pattern}`"
        place = checkpoint.spans.find_key(("tensors", pattern))
        help = "parameters are called as layers are, and `weight`, `bias`, … behind a dot"
        raise NetspecError([Diagnostic("NS610", message, place, help)])
    return found


def renamed(network: Program, names: Mapping[str, str], shortcut_first: bool) -> Program:
    """The network with new paths of the layers that ``names`` holds, for reading and writing weights.

    With ``shortcut_first``, residuals add the other way round.
    """
    joins = {network.producers[r.result.id].path for r in network.main.regions("residual")}

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        if shortcut_first and node.path in joins:
            inputs = inputs[::-1]
        return replace(node, path=names.get(node.path, node.path), inputs=inputs)

    return rewrite(network, change)


def _counted(layers: Sequence[Layer], checkpoint: Checkpoint) -> dict[str, tuple[str, Span]]:
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


def _places(network: Program) -> dict[str, dict[str, int]]:
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
            found.update({layer.path: place for layer in block.layers})
            running += 1
    for layer in network.layers:
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
