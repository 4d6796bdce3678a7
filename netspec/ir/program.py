"""A program: ops that take values and give values, in regions that hold names and structure.

Dataflow is in the values alone. Regions say how a network is divided into stages and blocks, which names
stand in which container, and in what order layers are registered; what runs after what follows from the
values. Everything is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from netspec.errors import Span
from netspec.ir.definition import Definition
from netspec.ir.formula import NO_FORMULAS, Formula, Formulas, Indices, no_indices
from netspec.ops import Op
from netspec.ops.structure import ResizeLike
from netspec.ops.types import TensorType

Kind = Literal[
    "network",
    "stage",
    "block",
    "sequence",
    "residual",
    "gate",
    "branches",
    "when",
    "repeat",
    "inline",
]

MERGING: tuple[Kind, ...] = ("residual", "gate", "branches")
"""Kinds of regions whose parts all take what enters, and whose last item merges them."""


@dataclass(frozen=True, eq=False)
class Value:
    """What one op gives and others take.

    Attributes:
        id: counted over the program, those that come first ahead.
        type: channels and spatial size, no batch.
    """

    id: int
    type: TensorType

    def __str__(self) -> str:
        return f"%{self.id}: {self.type}"


@dataclass(frozen=True, eq=False)
class Node:
    """An op at its place.

    Attributes:
        op: what it does.
        inputs: what it takes, in the order of its operands.
        outputs: what it gives.
        path: its canonical name: PyTorch's key, and with ``_`` for ``.`` Keras' layer name.
        span: where it stands in the spec.
        formulas: what the numbers among its attributes are made of.
        indices: the values of the names in them that count, as the index of a ``repeat``.
    """

    op: Op
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    path: str
    span: Span | None = None
    formulas: Formulas = NO_FORMULAS
    indices: Indices = field(default_factory=no_indices)

    @property
    def source(self) -> TensorType:
        """The type of the first input."""
        return self.inputs[0].type

    @property
    def target(self) -> TensorType:
        """The type of the first result."""
        return self.outputs[0].type

    def __str__(self) -> str:
        taken = ", ".join(f"%{value.id}" for value in self.inputs)
        given = ", ".join(str(value) for value in self.outputs)
        return f"{given} = {self.op.kind} {taken}  # {self.path}"


@dataclass(frozen=True, eq=False)
class Decided:
    """A formula that decided what a region is made of, and that nothing inside records.

    Attributes:
        what: what it decided, in words: a name, a number of blocks.
        formula: the formula.
        span: where it stands in the spec.
    """

    what: str
    formula: Formula
    span: Span | None


class Layer(Protocol):
    """What rows of backends are told of an op of one input: the op, its name, and the types on both sides."""

    @property
    def op(self) -> Op:
        """What it does."""

    @property
    def path(self) -> str:
        """Its canonical name."""

    @property
    def source(self) -> TensorType:
        """The type that enters."""

    @property
    def target(self) -> TensorType:
        """The type that leaves."""

    @property
    def span(self) -> Span | None:
        """Where it stands in the spec."""


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a program: structure and names, never dataflow.

    A ``when`` is there in every instance, also where nothing was taken and it is empty; so is a slot, whose
    test is its name. ``repeat`` and ``inline``, the body of an inline block, give names to nothing either.

    What flows is one value. Blocks, inline or not, may take and give further ones, and a stage gives what its
    last block does.

    Attributes:
        kind: what it was in the spec.
        items: ops and regions in the order of registration, which is an order to run them in too.
        inputs: the values that it takes from around it; the first flows in.
        outputs: the values that it gives, the first of which flows out: inputs themselves, where it does
            nothing or hands them on.
        path: its name; empty where it gives none to what it holds.
        definition: the block that it is an instance of, which may be an inline one.
        arguments: what the block was called with; of a network, what all its names mean.
        span: where it stands in the spec.
        formulas: what its arguments are made of; of a network, the names that it derives.
        indices: the values of the names in them that count.
        test: what decided about a ``when``, how often to ``repeat``, or how many blocks a stage has.
        outcome: what the test came to: True where a `when` took its first branch or a slot holds steps; a
            number of repetitions or blocks.
        decided: of a block or the network, what decided the names and numbers of steps inside.
        position: the index that the first step of a ``when`` has in the named sequence around it; None
            elsewhere.
    """

    kind: Kind
    items: tuple[Node | Region, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    path: str = ""
    definition: Definition | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    span: Span | None = None
    formulas: Formulas = NO_FORMULAS
    indices: Indices = field(default_factory=no_indices)
    test: Formula | None = None
    outcome: Any = None
    position: int | None = None
    decided: tuple[Decided, ...] = ()

    @property
    def source(self) -> Value:
        """The value that flows in."""
        return self.inputs[0]

    @property
    def result(self) -> Value:
        """The value that flows out."""
        return self.outputs[0]

    @property
    def is_unary(self) -> bool:
        """Whether it takes one value and gives one."""
        return len(self.inputs) == len(self.outputs) == 1

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every op inside, in the order of registration."""
        found: list[Node] = []
        waiting: list[Node | Region] = [self]
        while waiting:
            item = waiting.pop()
            if isinstance(item, Node):
                found.append(item)
            else:
                waiting.extend(reversed(item.items))
        return tuple(found)

    @cached_property
    def layers(self) -> tuple[Node, ...]:
        """The ops inside that are no functions, in the order of registration."""
        return tuple(node for node in self.nodes if not node.op.is_function)

    @property
    def blocks(self) -> tuple[Region, ...]:
        """The blocks of a stage: those that are directly inside."""
        return tuple(
            item for item in self.items if isinstance(item, Region) and item.kind == "block"
        )

    @property
    def ahead(self) -> tuple[Node | Region, ...]:
        """What stands in a stage besides its blocks, which is ahead of them."""
        blocks = set(self.blocks)
        return tuple(item for item in self.items if item not in blocks)

    @property
    def does_nothing(self) -> bool:
        """Whether what flows in flows out, and no op is inside."""
        return self.result is self.source and not self.nodes

    @property
    def target(self) -> TensorType:
        """The type that flows out."""
        return self.result.type

    def regions(self, *kinds: Kind) -> Iterator[Region]:
        """The regions inside of these kinds, outer ones first, in the order of registration."""
        waiting: list[Region] = [item for item in reversed(self.items) if isinstance(item, Region)]
        while waiting:
            region = waiting.pop()
            if region.kind in kinds:
                yield region
            waiting.extend(item for item in reversed(region.items) if isinstance(item, Region))


@dataclass(frozen=True, eq=False)
class Program:
    """A whole network.

    Attributes:
        main: everything, in one region: the stem, the stages, the head.
        inputs: the values that nothing inside gives; the first flows into the stem.
        outputs: what the network gives, by name; the result of the head is among them, as ``output`` unless
            the spec gives it another name.
        name: the spec's name.
        variant: the variant's, None where the spec has none.
        title: what people call the network.
        doc: one line on it.
        arguments: the parameters that stay arguments of generated functions, with their values.
        span: the spec.
        names: what the spec calls results (`as`): by the value's id, a name for each block in which it has
            one, by the block's path, which is empty for the network. Source calls variables so.
        training_only: the names of outputs that are for training alone, as those of auxiliary heads.
        input_names: where the spec names each input, in the order of ``inputs``; empty for a network whose
            one input has no name.
        kept_inputs: where inputs behind the first depend on one of ``arguments``; they have no formulas, so
            that source would hold the number of one value alone.
    """

    main: Region
    inputs: tuple[Value, ...]
    outputs: Mapping[str, Value]
    name: str
    variant: str | None
    title: str
    doc: str
    arguments: Mapping[str, Any]
    span: Span | None = None
    names: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    training_only: frozenset[str] = frozenset()
    input_names: Mapping[str, Span] = field(default_factory=dict)
    kept_inputs: tuple[Span | None, ...] = ()

    @property
    def model_name(self) -> str:
        """What functions and models are called: the variant's name where there is one."""
        return self.variant or self.name

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every op, in the order of registration, which is an order to run them in too."""
        return self.main.nodes

    @property
    def layers(self) -> tuple[Node, ...]:
        """The ops that are no functions: those that PyTorch has a module for, and the summary counts."""
        return self.main.layers

    @property
    def source(self) -> TensorType:
        """The type of the input; of several, of the first."""
        return self.inputs[0].type

    @property
    def named_inputs(self) -> Mapping[str, Value]:
        """The inputs by name; empty for a network whose one input has no name."""
        return dict(zip(self.input_names, self.inputs, strict=False))

    @property
    def target(self) -> TensorType:
        """The type of the head's result."""
        return self.main.result.type

    @property
    def has_outputs(self) -> bool:
        """Whether the spec names outputs, so that models give them by name; else they give the head's result."""
        return [*self.outputs] != ["output"]

    @property
    def evaluation_outputs(self) -> Mapping[str, Value]:
        """What the network gives in evaluation, by name: all outputs but those for training alone."""
        return {name: v for name, v in self.outputs.items() if name not in self.training_only}

    def leading_to(
        self, values: Iterable[Value], read: Callable[[Node], Iterable[Value]] | None = None
    ) -> set[Node]:
        """The ops that any of ``values`` depends on, by the inputs of each op, or those that ``read`` gives."""
        found: set[Node] = set()
        waiting = [value.id for value in values]
        while waiting:
            node = self.producers.get(waiting.pop())
            if node is not None and node not in found:
                found.add(node)
                waiting += [value.id for value in (read(node) if read else node.inputs)]
        return found

    @property
    def stem(self) -> Region:
        """What stands ahead of the stages."""
        return self._part(0)

    @property
    def head(self) -> Region:
        """What stands behind the stages."""
        return self._part(-1)

    def _part(self, index: int) -> Region:
        part = self.main.items[index]
        assert isinstance(part, Region)
        return part

    @cached_property
    def stages(self) -> tuple[Region, ...]:
        """The stages, in order."""
        return tuple(self.main.regions("stage"))

    @cached_property
    def by_path(self) -> Mapping[str, Node]:
        """Every op by its path."""
        return {node.path: node for node in self.nodes}

    @cached_property
    def producers(self) -> Mapping[int, Node]:
        """The op that gives each value, by the value's id; the inputs have none."""
        return {value.id: node for node in self.nodes for value in node.outputs}

    @cached_property
    def uses(self) -> Mapping[int, tuple[Node, ...]]:
        """The ops that take each value, by its id; empty for one that nothing takes."""
        found: dict[int, list[Node]] = {value.id: [] for value in self.inputs}
        for node in self.nodes:
            for value in node.outputs:
                found.setdefault(value.id, [])
            for value in dict.fromkeys(node.inputs):
                found[value.id].append(node)
        return {key: tuple(nodes) for key, nodes in found.items()}


def read_values(node: Node) -> tuple[Value, ...]:
    """The inputs whose values an op reads: what only gives a size gets no gradient, and Keras leaves it out."""
    return node.inputs[:1] if isinstance(node.op, ResizeLike) else node.inputs
