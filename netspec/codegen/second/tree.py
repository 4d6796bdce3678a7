"""The intermediate representation: a network as a tree of typed nodes, every number explicit.

Structure nodes hold children; leaves are layers. Each node knows the type that enters and the type
that leaves it. ``path`` is the canonical name: PyTorch's key, and with ``_`` for ``.`` Keras' layer
name. The same classes serve a concrete network and the generalised body of a block, where numbers are
varying (:mod:`netspec.symbolic`), paths relative, and a :class:`Choice` may stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from netspec.errors import Span
from netspec.ir.formula import NO_FORMULAS, Formula, Formulas, Indices, no_indices
from netspec.ops import Op
from netspec.schema.syntax import BlockDefinition
from netspec.symbolic import Varying
from netspec.types import TensorType

Merge = Literal["add", "concat", "mul"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """What every node has: the types on both sides, and its place in the spec."""

    source: TensorType
    target: TensorType
    span: Span | None = None

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes directly inside, in the order of names and registration."""
        return ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer(Node):
    """A primitive op at its place.

    ``formulas`` are those of its attributes, ``indices`` the values of names that count at its place.
    """

    path: str
    op: Op
    formulas: Formulas = NO_FORMULAS
    indices: Indices = field(default_factory=no_indices)

    def __str__(self) -> str:
        return f"{self.path}: {self.op.kind} {self.source} -> {self.target}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Expansion:
    """What the spec says where a sequence without a name came from; it changes nothing in the tree.

    Attributes:
        kind: a ``when``, a ``slot``, a ``repeat``, or the call of an ``inline`` block.
        test: what decided: the test of a ``when``, the name of a slot, the number of repetitions.
        outcome: what the test came to; for a slot, whether it holds steps.
        position: the index that its first step has in a named sequence; None elsewhere.
        definition: the inline block.
        arguments: what that was called with.
        formulas: what its arguments are made of.
        indices: the values of names that count at its place.
    """

    kind: Literal["when", "slot", "repeat", "inline"]
    test: Formula | None = None
    outcome: Any = None
    position: int | None = None
    definition: BlockDefinition | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    formulas: Formulas = NO_FORMULAS
    indices: Indices = field(default_factory=no_indices)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequence(Node):
    """Nodes in a row. With a path it is a container whose children carry indices.

    ``expansion`` says what stood there in the spec, where that was no plain list of steps.
    """

    items: tuple[Node, ...]
    path: str | None = None
    expansion: Expansion | None = None

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, kw_only=True, eq=False)
class Residual(Node):
    """body(x) + shortcut(x); the body comes first in every order.

    ``shortcut_first`` turns the sum's two sides, as some published Keras models have them. It changes
    no number, only the order in which Keras counts layers in files.
    """

    path: str
    body: Sequence
    shortcut: Sequence
    shortcut_first: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.body, self.shortcut)


@dataclass(frozen=True, kw_only=True, eq=False)
class Gate(Node):
    """x * body(x); a body of size 1 is spread over x."""

    path: str
    body: Sequence

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.body,)


@dataclass(frozen=True, kw_only=True, eq=False)
class Branches(Node):
    """Several paths from one input, merged by add, concat (channels) or mul."""

    path: str
    paths: tuple[Sequence, ...]
    merge: Merge

    @property
    def children(self) -> tuple[Node, ...]:
        return self.paths


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice(Node):
    """`then` in the instances where the test holds, `other` elsewhere; only in generalised bodies."""

    test: Varying
    then: Sequence
    other: Sequence

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.then, self.other)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference(Node):
    """Named results of this block instead of what flows in; several are merged."""

    path: str
    names: tuple[str, ...]
    merge: Merge


@dataclass(frozen=True, kw_only=True, eq=False)
class Tap(Node):
    """A node whose result has a name, for later steps of the same block and for outputs."""

    name: str
    body: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.body,)


@dataclass(frozen=True, kw_only=True, eq=False)
class Block(Node):
    """An instance of a block: its definition, at these arguments, expanded.

    ``formulas`` are those of its arguments, ``indices`` the values of names that count at its place.
    """

    path: str
    definition: BlockDefinition
    arguments: Mapping[str, Any]
    body: Sequence
    formulas: Formulas = NO_FORMULAS
    indices: Indices = field(default_factory=no_indices)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.body,)


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage(Node):
    """A stage: steps ahead of it, and its blocks in a container of its own.

    ``schedule`` holds the arguments that change from block to block by a formula of the index; it is
    there for generated source, and empty elsewhere.
    """

    path: str
    between: Sequence
    blocks: tuple[Block, ...]
    schedule: Mapping[str, Varying] = field(default_factory=dict)

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.between, *self.blocks)


@dataclass(frozen=True, kw_only=True, eq=False)
class Network(Node):
    """A whole network. ``outputs`` maps names to stage paths or named results.

    ``arguments`` are the parameters that stay arguments of generated functions, with their values;
    ``values`` are those of all names of the spec, and ``formulas`` those of the names that it derives.
    """

    name: str
    variant: str | None
    title: str
    doc: str
    stem: Sequence
    stages: tuple[Stage, ...]
    head: Sequence
    arguments: Mapping[str, Any]
    outputs: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    formulas: Formulas = NO_FORMULAS

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.stem, *self.stages, self.head)

    @property
    def model_name(self) -> str:
        """What functions and models are called: the variant's name where there is one."""
        return self.variant or self.name


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes inside it, in the order of names and registration."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def layers(node: Node) -> Iterator[Layer]:
    """The layers inside a node, in the order of names and registration."""
    return (found for found in walk(node) if isinstance(found, Layer))


def blocks(node: Node) -> Iterator[Block]:
    """The block instances inside a node, outer ones first."""
    return (found for found in walk(node) if isinstance(found, Block))
