"""Factors and shifts a channel: which ops are such, and how the layers around take them into their weights.

In evaluation a batch normalisation is ``gain * x + shift``, a number of each for a channel, and a `scale` is
``gain * x``. A layer that ends in a product and a sum a channel takes them in from behind; one that begins
with a sum over channels takes them in from ahead (Jacob et al., 2018, for convolutions).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netspec.ir.passes.recipes import Recipe
from netspec.ir.program import Node
from netspec.ops import Op
from netspec.ops.convolution import Conv, Linear
from netspec.ops.geometry import is_zero
from netspec.ops.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Normalization,
)
from netspec.ops.structure import Scale
from netspec.ops.transposed import ConvTranspose

if TYPE_CHECKING:
    from netspec.ir.passes.recipes import Array, Make, Tensors

FROM_BEHIND = (
    *(Conv, Linear, ConvTranspose),
    *(BatchNorm, LayerNorm, GroupNorm, InstanceNorm),
    Scale,
)
"""Ops that end in a product and a sum a channel. Of what is derived from them elsewhere, nobody knows."""


@dataclass(frozen=True)
class Affine:
    """``gain * x + shift``, a value of each a channel.

    Attributes:
        taken: the canonical names of the tensors that both are made of.
        gain: the factors.
        shift: what is added; None for nothing.
    """

    taken: tuple[str, ...]
    gain: Make
    shift: Make | None = None


def affine_of(node: Node) -> Affine | None:
    """What an op does to each channel in evaluation; None where it is something else."""
    path = node.path
    if type(node.op) is Scale:
        return _of_scale(path, node.op.bias)
    if type(node.op) is BatchNorm:
        return _of_batch_norm(path, node.op.eps, node.op.affine)
    return None


def _of_scale(path: str, bias: bool) -> Affine:
    weight, shift = f"{path}.weight", f"{path}.bias"
    if not bias:
        return Affine((weight,), lambda tensors: tensors[weight])
    return Affine((weight, shift), lambda tensors: tensors[weight], lambda tensors: tensors[shift])


def _of_batch_norm(path: str, eps: float, affine: bool) -> Affine:
    mean, variance = f"{path}.running_mean", f"{path}.running_var"

    def gain(tensors: Tensors) -> Array:
        found: Array = (tensors[variance] + eps) ** -0.5
        return found * tensors[f"{path}.weight"] if affine else found

    def shift(tensors: Tensors) -> Array:
        found: Array = -tensors[mean] * gain(tensors)
        return found + tensors[f"{path}.bias"] if affine else found

    own = (f"{path}.weight", f"{path}.bias") if affine else ()
    return Affine((*own, mean, variance), gain, shift)


# From behind


def takes_from_behind(op: Op) -> bool:
    """Whether a layer can take in what stands behind it."""
    return type(op) in FROM_BEHIND


def behind(node: Node, affine: Affine) -> tuple[Op, dict[str, Recipe]]:
    """The op that does what ``node`` and then ``affine`` do, and its tensors."""
    weight, bias = f"{node.path}.weight", f"{node.path}.bias"
    op, had_weight, had_bias = _with_bias(node.op, affine.shift is not None)

    def scaled(tensors: Tensors) -> Array:
        gain = affine.gain(tensors)
        return _by_output(node.op, tensors[weight], gain) if had_weight else gain

    def shifted(tensors: Tensors) -> Array:
        found = affine.shift(tensors) if affine.shift else None
        if had_bias:
            own = affine.gain(tensors) * tensors[bias]
            return own if found is None else own + found
        return affine.gain(tensors) * 0 if found is None else found

    own = (weight,) if had_weight else ()
    recipes = {weight: Recipe((*own, *affine.taken), scaled)}
    if had_bias or affine.shift is not None or not had_weight:
        taken = (*own, *((bias,) if had_bias else ()), *affine.taken)
        recipes[bias] = Recipe(taken, shifted)
    return op, recipes


def _with_bias(op: Op, is_shifted: bool) -> tuple[Op, bool, bool]:
    """The op with what it needs to take a factor and a shift; whether it had a weight and a bias before."""
    match op:
        case Normalization():
            return replace(op, affine=True), op.affine, op.affine
        case Conv() | Linear() | ConvTranspose() | Scale():
            return replace(op, bias=op.bias or is_shifted), True, op.bias
    return op, True, False


def _by_output(op: Op, weight: Array, gain: Array) -> Array:
    """A weight, times one factor for each channel that it gives."""
    if isinstance(op, ConvTranspose):
        grouped = weight.reshape(op.groups, -1, *weight.shape[1:])
        factors = gain.reshape(op.groups, 1, -1, *(1,) * len(op.kernel))
        return (grouped * factors).reshape(weight.shape)
    return weight * gain.reshape(-1, *(1,) * (weight.ndim - 1))


# From ahead


def takes_from_ahead(op: Op, affine: Affine) -> str | None:
    """Why a layer cannot take in what stands ahead of it; empty where it can, None where no such layer does."""
    if type(op) is Linear:
        return ""
    if type(op) is Conv:
        if affine.shift is None or is_unpadded(op):
            return ""
        return "pads with zeros, which have no share in the shift"
    if type(op) is ConvTranspose:
        return "is a transposed convolution, whose taps do not all reach the border"
    return None


def is_unpadded(op: Conv) -> bool:
    """Whether a convolution never meets a zero of its padding."""
    if op.pads is None:  # by TensorFlow's rule, a single tap never leaves the map
        return all(length == 1 for length in op.kernel)
    return is_zero(op.pads)


def ahead(node: Node, affine: Affine) -> tuple[Op, dict[str, Recipe]]:
    """The op that does what ``affine`` and then ``node`` do, and its tensors."""
    weight, bias = f"{node.path}.weight", f"{node.path}.bias"
    op, _, had_bias = _with_bias(node.op, affine.shift is not None)
    groups = node.op.groups if isinstance(node.op, Conv) else 1

    def scaled(tensors: Tensors) -> Array:
        return _by_input(tensors[weight], affine.gain(tensors), groups)

    recipes = {weight: Recipe((weight, *affine.taken), scaled)}
    if affine.shift is not None:
        shift = affine.shift

        def shifted(tensors: Tensors) -> Array:
            met = _by_input(tensors[weight], shift(tensors), groups)
            found: Array = met.reshape(len(met), -1).sum(axis=1)
            return found + tensors[bias] if had_bias else found

        own = (weight, bias) if had_bias else (weight,)
        recipes[bias] = Recipe((*own, *affine.taken), shifted)
    return op, recipes


def _by_input(weight: Array, factors: Array, groups: int) -> Array:
    """A weight (out, in / groups, *kernel), times one factor for each channel that it takes."""
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    spread = factors.reshape(groups, 1, -1, *(1,) * (weight.ndim - 2))
    return (grouped * spread).reshape(weight.shape)
