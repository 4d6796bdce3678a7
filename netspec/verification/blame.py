"""Finds the layers that two models of one network compute differently: the first, or every one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from netspec.ir import Layer
from netspec.verification.compare import errors
from netspec.verification.parts import Part
from netspec.verification.results import Failure

if TYPE_CHECKING:
    from netspec.backends.probe import Arrays, Inside


def first_difference(
    part: Part, ours: Inside, theirs: Inside, bound: float
) -> tuple[Layer, str] | None:
    """The first layer of ``part`` where the two models differ, and in what way; None where none does.

    Layers come in the order of names, which is one that data can flow in: all that a layer depends on
    stands ahead of it.
    """
    for layer in part.region.layers:
        if _differs(layer.path, ours.entered, theirs.entered, bound):
            return (
                layer,
                f"what enters `{layer.path}` differs: what stands ahead is wired differently",
            )
        if _differs(layer.path, ours.left, theirs.left, bound):
            return layer, f"`{layer.path}` ({layer.op.kind}) is the first layer that differs"
    return None


def every_difference(
    parts: Sequence[Part], fed: Inside, theirs: Inside, bound: float
) -> Iterator[Failure]:
    """Every layer that differs, and every one that is given something else.

    Args:
        parts: the network's parts.
        fed: what was seen of a model each of whose layers was fed what ``theirs`` has, so that one that is
            wrong leaves those behind it as they are.
        theirs: the baseline's.
        bound: how far apart they may be, over the largest value.
    """
    wired = "where all layers ahead give what the baseline's do: it is wired differently"
    for part in parts:
        for layer in part.region.layers:
            path, name = layer.path, f"`{layer.path}`"
            for what, ours, base, words in (
                (f"what enters {name}", fed.entered, theirs.entered, wired),
                (
                    f"{name} ({layer.op.kind})",
                    fed.left,
                    theirs.left,
                    "on what the baseline's takes",
                ),
            ):
                off = _off(path, ours, base)
                if off > bound:
                    message = _message(what, off, bound, words)
                    yield Failure(message, part.name, part.span, path, layer.span)
    last = parts[-1]
    for name in theirs.outputs:
        off = _off(name, fed.outputs, theirs.outputs)
        if off > bound:
            yield Failure(_message(f"output `{name}`", off, bound, wired), last.name, last.span)


def _message(what: str, off: float, bound: float, words: str) -> str:
    return f"{what} differs by {off:.1e} of its largest value, {bound:.0e} is allowed, {words}"


def _differs(path: str, ours: Arrays, theirs: Arrays, bound: float) -> bool:
    return _off(path, ours, theirs) > bound


def _off(name: str, ours: Arrays, theirs: Arrays) -> float:
    """How far apart two arrays of one name are; nothing where one of the two is unseen."""
    if name not in ours or name not in theirs:
        return 0.0
    return errors(ours[name], theirs[name])[1]
