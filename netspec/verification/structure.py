"""The level ``shapes``: what models hold and the shapes that leave their parts, against the IR."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from netspec.ir import Layer, Program
from netspec.ir.analysis import evaluation_shapes, output_shapes
from netspec.ops.structure import RandomDrop
from netspec.verification.parts import Part, part_by_layer
from netspec.verification.results import Failure
from netspec.verification.witnesses import Witness

if TYPE_CHECKING:
    from netspec.backends.probe import Held, Observed


def check_weights(
    witness: Witness, model: Any, parts: list[Part], notes: list[str]
) -> Failure | None:
    """Names, shapes and kinds of all that ``model`` holds; another order of it is worth a note."""
    probe = witness.party.probe
    expected, held = probe.expected(witness.network), probe.held(model)
    wanted, found = _by_layer(expected), _by_layer(held)
    layers = {probe.spelled(layer.path): layer for layer in witness.network.layers}
    for name, tensors in wanted.items():
        if sorted(found.get(name, [])) != sorted(tensors):
            message = f"`{name}` holds {_told(found.get(name, []))}; the spec says {_told(tensors)}"
            return failure_at(layers[name], message, witness.network, parts)
    for name, tensors in found.items():
        if name not in wanted:
            message = f"`{name}` holds {_told(tensors)}; the spec has nothing to hold there"
            layer = layers.get(name)
            if layer is not None:
                return failure_at(layer, message, witness.network, parts)
            return Failure(message)
    if probe.ordered and expected != held:
        notes.append(_order(witness, expected, held))
    return None


def _order(witness: Witness, expected: Sequence[Held], held: Sequence[Held]) -> str:
    """What to say of another order: no number depends on it, optimisers that count positions do."""
    pairs = zip_longest(expected, held)
    ours, theirs = next((a, b) for a, b in pairs if a != b)
    return (
        f"{witness.name} lists its weights in another order: `{theirs.layer}.{theirs.name}` stands "
        f"where `{ours.layer}.{ours.name}` does in the spec"
    )


def _by_layer(held: Iterable[Held]) -> dict[str, list[tuple[str, tuple[int, ...], bool]]]:
    found: dict[str, list[tuple[str, tuple[int, ...], bool]]] = {}
    for tensor in held:
        entry = (tensor.name, tensor.shape, tensor.trainable)
        found.setdefault(tensor.layer, []).append(entry)
    return found


def _told(tensors: list[tuple[str, tuple[int, ...], bool]]) -> str:
    if not tensors:
        return "nothing"
    return ", ".join(
        f"{name} {'×'.join(map(str, shape))}" + ("" if trainable else " (not trainable)")
        for name, shape, trainable in tensors
    )


def check_drops(
    witness: Witness, model: Any, parts: list[Part], notes: list[str]
) -> Failure | None:
    """The rates of what drops at random, which no comparison of numbers can see.

    Generated source may let one module serve several layers, so a layer that is missing is none that
    is wrong, as long as its rate is there. A reference may drop by functions, which cannot be seen: what is
    missing there is a note.
    """
    probe = witness.party.probe
    found = probe.drop_rates(model)
    if not witness.ours:
        return _reference_drops(witness, found, parts, notes)
    for layer in witness.network.layers:
        if not isinstance(layer.op, RandomDrop):
            continue
        name = probe.spelled(layer.path)
        rates = [found[name]] if name in found else sorted(set(found.values()))
        if layer.op.rate not in rates:
            has = ", ".join(f"{rate:g}" for rate in rates) or "nothing"
            message = f"`{name}` drops at {has}; the spec says {layer.op.rate:g}"
            return failure_at(layer, message, witness.network, parts)
    wanted = {layer.op.rate for layer in witness.network.layers if isinstance(layer.op, RandomDrop)}
    for name, rate in found.items():
        if rate not in wanted:
            return Failure(f"`{name}` drops at {rate:g}; nothing in the spec does")
    return None


def _reference_drops(
    witness: Witness, found: Mapping[str, float], parts: list[Part], notes: list[str]
) -> Failure | None:
    """The rates of a reference's layers, by name where names agree; a rate of zero drops nothing."""
    spelled = witness.party.probe.spelled
    found = {name: rate for name, rate in found.items() if rate}
    layers = [layer for layer in witness.network.layers if isinstance(layer.op, RandomDrop)]
    wanted = {spelled(layer.path): layer for layer in layers if _rate(layer)}
    rates = {_rate(layer) for layer in wanted.values()}
    for name, rate in found.items():
        layer = wanted.get(name)
        if layer is not None and not _alike(rate, [_rate(layer)]):
            message = f"`{name}` drops at {rate:g}; the spec says {_rate(layer):g}"
            return failure_at(layer, message, witness.network, parts)
        if not _alike(rate, rates):
            return Failure(f"`{name}` drops at {rate:g}; nothing in the spec does")
    unseen = sorted(rate for rate in rates if not _alike(rate, found.values()))
    if unseen:
        listed = ", ".join(f"{rate:g}" for rate in unseen)
        notes.append(
            f"{witness.name}: no layer that drops at {listed}, as the spec does, can be seen in it; a function "
            "may do so, and was not compared"
        )
    elif wanted.keys() - found.keys():
        # Layers without weights have names of their own, and one may serve several places.
        notes.append(
            f"{witness.name}: the rates of what drops at random were compared as a whole, since its layers have "
            "other names"
        )
    return None


def _rate(layer: Layer) -> float:
    assert isinstance(layer.op, RandomDrop)
    return layer.op.rate


def _alike(rate: float, others: Iterable[float]) -> bool:
    """Whether a rate is among others, as written or worked out: 0.1 * 3 is 0.30000000000000004."""
    return any(math.isclose(rate, other, rel_tol=1e-6) for other in others)


def check_shapes(witness: Witness, observed: Observed, parts: list[Part]) -> Failure | None:
    """The shape at the end of every part that can be seen, and of every output."""
    for part in parts[:-1]:
        if part.name in observed.places:
            found = observed.places[part.name].shape[1:]
            if found != part.region.target.shape:
                message = f"{_shape(found)} leave `{part.name}`"
                return Failure(
                    f"{message}; the spec says {_shape(part.region.target.shape)}",
                    part.name,
                    part.span,
                )
    gives_all = witness.ours and witness.party.probe.one_graph
    expected = (output_shapes if gives_all else evaluation_shapes)(witness.at_size)
    return _check_outputs(observed, expected, parts[-1])


def check_training(witness: Witness, observed: Observed, parts: list[Part]) -> Failure | None:
    """The shape of every output in training mode; a reference may leave out those for training alone."""
    if not witness.ours:
        return None
    return _check_outputs(observed, output_shapes(witness.at_size), parts[-1], "in training, ")


def _check_outputs(
    observed: Observed, expected: Mapping[str, tuple[int, ...]], last: Part, when: str = ""
) -> Failure | None:
    found_shapes = {name: array.shape[1:] for name, array in observed.outputs.items()}
    for name in [*expected, *(name for name in found_shapes if name not in expected)]:
        if found_shapes.get(name) != expected.get(name):
            message = f"{when}output `{name}` is {_shape(found_shapes.get(name))}"
            message += f"; the spec says {_shape(expected.get(name))}"
            return Failure(message, last.name, last.span)
    if list(found_shapes) != list(expected):
        order, wanted = (", ".join(map("`{}`".format, names)) for names in (found_shapes, expected))
        message = f"{when}outputs come in the order {order}; the spec says {wanted}"
        return Failure(message, last.name, last.span)
    return None


def in_evaluation(observed: Observed, network: Program) -> Observed:
    """Without what a model of one graph gives in evaluation, too, and is for training alone."""
    left = network.training_only
    return replace(observed, outputs={k: y for k, y in observed.outputs.items() if k not in left})


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else "×".join(map(str, shape))


def failure_at(layer: Layer, message: str, network: Program, parts: list[Part]) -> Failure:
    """A failure of a layer, with its part."""
    by_path = part_by_layer(parts)
    spans: Mapping[str, Part] = {part.name: part for part in parts}
    part = spans.get(by_path.get(layer.path, ""))
    name, span = (part.name, part.span) if part is not None else ("", network.span)
    return Failure(message, name, span, layer.path, layer.span)
