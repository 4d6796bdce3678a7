"""Linear branches that are added become one convolution: RepVGG (Ding et al., 2021), MobileOne, ACNet.

A sum of convolutions of one input is a convolution, as far as the taps of all of them meet the input where
taps of the largest do. What enters, itself or normalised, is one with a single tap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from netspec.ir.passes.affine import affine_of
from netspec.ir.passes.base import Note, Outcome, Pass, require_inference
from netspec.ir.passes.kept import kept_attributes
from netspec.ir.passes.recipes import Recipe
from netspec.ir.program import Node, Program, Value
from netspec.ir.rewrite import Replacement, rewrite, with_op
from netspec.ops.convolution import Conv, Linear
from netspec.ops.geometry import effective_kernel
from netspec.ops.merge import Add
from netspec.ops.transposed import ConvTranspose
from netspec.ops.types import TensorType

if TYPE_CHECKING:
    from netspec.ir.passes.recipes import Array, Make, Tensors

DECIDING = frozenset(
    ("kernel", "stride", "padding", "output_padding", "dilation", "groups", "depthwise")
)
"""The attributes of a convolution that say where its taps fall."""

Taps = tuple[tuple[int, ...], ...]
"""For each axis, the tap of the larger kernel that each of the smaller one's falls on."""


class MergeBranches(Pass):
    """Merges the linear branches of each sum that take one input, where one of them covers the others."""

    name = "merge_branches"

    def requires(self, program: Program) -> None:
        """Nothing drops at random any more."""
        require_inference(program, self.name)

    def run(self, program: Program) -> Outcome:
        """The program with such branches merged."""
        finder = _Finder(program)
        merged: dict[Node, _Merged] = {}
        notes: list[Note] = []
        for node in program.nodes:
            if type(node.op) is Add:
                for terms in finder.by_source(node):
                    found, reasons = _merge(terms)
                    notes += [Note(self.name, node.path, text, False) for text in reasons]
                    if found is not None:
                        merged[node] = found
                        notes.append(Note(self.name, node.path, found.told))
                        break  # terms of another input are for the next round
        if not merged:
            return Outcome(program, notes=tuple(notes))
        changed = {found.node: found.op for found in merged.values()}
        gone = {n for found in merged.values() for n in found.gone}

        def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
            if node in gone:
                return Replacement((), inputs)
            if node not in merged:
                return with_op(node, changed.get(node, node.op), inputs)
            left = merged[node].left(inputs)
            if len(left) == 1:
                return Replacement((), left)
            return replace(node, inputs=left)

        recipes = {n: r for found in merged.values() for n, r in found.recipes().items()}
        # What was a branch is the sum now, and has the name of the sum.
        branches = {
            node.inputs[term.position].id
            for node, found in merged.items()
            for term in (found.cover, *(term for term, _ in found.others))
            if term.node
        }
        names = {id: name for id, name in program.names.items() if id not in branches}
        named = replace(program, names=names)
        return Outcome(rewrite(named, change), recipes, tuple(notes))


@dataclass(frozen=True, eq=False)
class _Term:
    """One of the values that are added.

    Attributes:
        position: among the operands.
        source: what it is made of.
        node: the op that makes it of that; None where it is ``source`` itself.
        type: its type.
        kept: the attributes that say where its taps fall and that depend on a kept argument.
    """

    position: int
    source: Value
    node: Node | None
    type: TensorType
    kept: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"`{self.node.path}`" if self.node else "what enters"


class _Finder:
    """Finds what sums are made of."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._outputs = {value.id for value in program.outputs.values()}
        self._kept = kept_attributes(program)

    def by_source(self, add: Node) -> list[list[_Term]]:
        """The terms of a sum that have their source in common with another, by source.

        Only those with a convolution or a linear layer among them.
        """
        terms: dict[int, list[_Term]] = {}
        for position, value in enumerate(add.inputs):
            term = self._term(position, value)
            terms.setdefault(term.source.id, []).append(term)
        return [
            found
            for found in terms.values()
            if len(found) > 1 and any(t.node and _mixes(t.node) for t in found)
        ]

    def _term(self, position: int, value: Value) -> _Term:
        node = self._program.producers.get(value.id)
        is_own = len(self._program.uses[value.id]) == 1 and value.id not in self._outputs
        if node is None or not is_own or not (_mixes(node) or affine_of(node)):
            return _Term(position, value, None, value.type)
        kept = sorted(self._kept.get(node, frozenset()) & DECIDING)
        return _Term(position, node.inputs[0], node, value.type, tuple(kept))


def _mixes(node: Node) -> bool:
    return type(node.op) in (Conv, ConvTranspose, Linear)


@dataclass(frozen=True, eq=False)
class _Merged:
    """Terms that become one.

    Attributes:
        cover: the term whose op stays, and does what all did.
        node: that op.
        others: the terms that go, each with where its taps fall.
    """

    cover: _Term
    node: Node
    others: list[tuple[_Term, Taps]]

    @property
    def op(self) -> Conv | ConvTranspose | Linear:
        """What the op that stays does."""
        op = self.node.op
        assert isinstance(op, Conv | ConvTranspose | Linear)
        shifts = (_kernel(term, self.node).shift for term, _ in self.others)
        return replace(op, bias=op.bias or any(shift is not None for shift in shifts))

    @property
    def gone(self) -> set[Node]:
        """The ops that go."""
        return {term.node for term, _ in self.others if term.node} - {self.node}

    @property
    def told(self) -> str:
        """What became of the terms, in words."""
        names = " and ".join(term.name for term, _ in self.others)
        return f"merged {names} into `{self.node.path}`"

    def left(self, operands: Sequence[Value]) -> tuple[Value, ...]:
        """What is still added."""
        without = {term.position for term, _ in self.others}
        return tuple(v for position, v in enumerate(operands) if position not in without)

    def recipes(self) -> dict[str, Recipe]:
        """The tensors of the op that stays."""
        own = _own(self.node)
        others = [(_kernel(term, self.node), taps) for term, taps in self.others]
        taken = dict.fromkeys((*own.taken, *(name for each, _ in others for name in each.taken)))
        shifts = [each.shift for each in (own, *(each for each, _ in others)) if each.shift]

        def weight(tensors: Tensors) -> Array:
            total = own.weight(tensors).copy()
            for each, taps in others:
                _add_at(total, each.weight(tensors), taps)
            return total

        def bias(tensors: Tensors) -> Array:
            first, *more = [shift(tensors) for shift in shifts]
            return sum(more, first)

        found = {f"{self.node.path}.weight": Recipe(tuple(taken), weight)}
        if shifts:
            found[f"{self.node.path}.bias"] = Recipe(tuple(taken), bias)
        return found


def _merge(terms: Sequence[_Term]) -> tuple[_Merged | None, list[str]]:
    """The terms as one, as far as one of them covers the others, and why it does not cover the rest."""
    mixing = [term for term in terms if term.node and _mixes(term.node)]
    cover = max(mixing, key=_reach)  # the first of equals
    assert cover.node is not None
    others: list[tuple[_Term, Taps]] = []
    reasons: list[str] = []
    for term in terms:
        if term is cover:
            continue
        taps = _kept(term, cover) or _taps(term, cover.node)
        if isinstance(taps, str):
            reasons.append(f"{term.name} is added to `{cover.node.path}`, and {taps}")
        else:
            others.append((term, taps))
    return _Merged(cover, cover.node, others) if others else None, reasons


def _kept(*terms: _Term) -> str:
    """Why terms stay that an argument of generated functions could make others; empty where none could."""
    kept = [f"`{name}` of {term.name}" for term in terms for name in term.kept]
    return f"{' and '.join(kept)} depends on an argument that stays one" if kept else ""


def _reach(term: _Term) -> int:
    op = _with_kernel(term.node)
    return math.prod(op.kernel) if op else 0


def _with_kernel(node: Node | None) -> Conv | ConvTranspose | None:
    """The op as one that has a kernel; None for any other."""
    return node.op if node and isinstance(node.op, Conv | ConvTranspose) else None


# Where taps fall


def _taps(term: _Term, cover: Node) -> Taps | str:
    """Where the taps of a term fall on those of the op that stays, or why they do not."""
    large, small = _with_kernel(cover), _with_kernel(term.node)
    if large is None:
        return ()
    axes = len(large.kernel)
    if small is None:
        if term.node is not None and type(term.node.op) is Linear:
            return "one of the two is no convolution"
        if any(step != 1 for step in large.stride):
            return "the stride is not 1"
        kernel, dilation, pads = (1,) * axes, (1,) * axes, ((0, 0),) * axes
    else:
        if type(small) is not type(large):
            return "one of the two is transposed"
        if small.groups != large.groups:
            return "the groups differ"
        if small.stride != large.stride:
            return "the strides differ"
        if (small.kernel, small.dilation) == (large.kernel, large.dilation) and (
            small.padding.rule == large.padding.rule == "same"
        ):
            return tuple(tuple(range(length)) for length in large.kernel)
        found = _fixed_pads(small)
        if found is None:
            return "where `padding: same` begins depends on the size of the input"
        kernel, dilation, pads = small.kernel, small.dilation, found
    around = _fixed_pads(large)
    if around is None:
        return "where `padding: same` begins depends on the size of the input"
    taps = []
    for axis in range(axes):
        shift = around[axis][0] - pads[axis][0]
        at = [tap * dilation[axis] + shift for tap in range(kernel[axis])]
        spacing = large.dilation[axis]
        if any(place % spacing or not 0 <= place // spacing < large.kernel[axis] for place in at):
            return "the taps of the one do not fall on taps of the other"
        taps.append(tuple(place // spacing for place in at))
    return tuple(taps)


def _fixed_pads(op: Conv | ConvTranspose) -> tuple[tuple[int, int], ...] | None:
    """(before, after) of each axis, of a transposed one what is cut off; None where they depend on the input's size."""
    if isinstance(op, ConvTranspose):
        return op.cuts
    if op.pads is not None or any(step != 1 for step in op.stride):
        return op.pads
    totals = [effective_kernel(k, d) - 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


# What terms are as kernels


@dataclass(frozen=True)
class _Kernel:
    """A term as a convolution.

    Attributes:
        taken: the canonical names of what it is made of.
        weight: (out, in / groups, *kernel).
        shift: (out,); None for nothing.
    """

    taken: tuple[str, ...]
    weight: Make
    shift: Make | None


def _own(node: Node) -> _Kernel:
    """What a convolution or a linear layer has."""
    assert isinstance(node.op, Conv | ConvTranspose | Linear)
    weight, bias = f"{node.path}.weight", f"{node.path}.bias"
    if not node.op.bias:
        return _Kernel((weight,), lambda tensors: tensors[weight], None)
    return _Kernel((weight, bias), lambda tensors: tensors[weight], lambda tensors: tensors[bias])


def _kernel(term: _Term, cover: Node) -> _Kernel:
    """A term as a kernel with as many groups as the op that stays."""
    if term.node is not None and _mixes(term.node):
        return _own(term.node)
    affine = affine_of(term.node) if term.node is not None else None
    channels = term.type.channels
    op = _with_kernel(cover)
    inside = channels // (op.groups if op else 1)
    axes = len(op.kernel) if op else 0

    def weight(tensors: Tensors) -> Array:
        import numpy

        found = numpy.zeros((channels, inside, *(1,) * axes))
        outputs = numpy.arange(channels)
        gain = affine.gain(tensors) if affine is not None else numpy.ones(channels)
        by_output = found.reshape(channels, inside)
        by_output[outputs, outputs % inside] = gain
        return found

    if affine is None:
        return _Kernel((), weight, None)
    return _Kernel(affine.taken, weight, affine.shift)


def _add_at(total: Array, kernel: Array, taps: Taps) -> None:
    """Add a kernel to a larger one, its taps where they fall."""
    for places in product(*map(enumerate, taps)):
        small: tuple[Any, ...] = (..., *(tap for tap, _ in places))
        large: tuple[Any, ...] = (..., *(tap for _, tap in places))
        total[large] += kernel[small]
