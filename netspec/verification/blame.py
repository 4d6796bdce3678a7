"""Finds the first layer that two models of one network compute differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.ir import Layer
from netspec.verification.compare import errors
from netspec.verification.parts import Part

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


def _differs(path: str, ours: Arrays, theirs: Arrays, bound: float) -> bool:
    if path not in ours or path not in theirs:
        return False
    return errors(ours[path], theirs[path])[1] > bound
