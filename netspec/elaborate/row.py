"""What steps in a row make: ops and regions, one after another, and the value that flows on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from netspec.errors import Span
from netspec.ir import Node, Region, Value
from netspec.ir.program import Kind
from netspec.ops import Op
from netspec.ops.types import TensorType


class Row:
    """Steps that are being expanded.

    Attributes:
        inputs: the values that enter, the first of which flows in.
        values: what the last step gave, the first of which flows out.
        items: the ops and regions that there are so far.
    """

    __slots__ = ("_ids", "inputs", "items", "values")

    def __init__(self, inputs: tuple[Value, ...], ids: Iterator[int]) -> None:
        """The first of ``inputs`` flows; ``ids`` counts the values of the program."""
        self.inputs, self.values = inputs, inputs[:1]
        self.items: list[Node | Region] = []
        self._ids = ids

    @property
    def source(self) -> Value:
        """The value that flows in."""
        return self.inputs[0]

    @property
    def value(self) -> Value:
        """What flows out of what there is so far."""
        return self.values[0]

    @property
    def type(self) -> TensorType:
        """The type of what flows out."""
        return self.value.type

    def flow(self, type: TensorType) -> Value:
        """Let a new value of this type flow out."""
        self.values = (Value(next(self._ids), type),)
        return self.value

    def op(
        self,
        op: Op,
        inputs: Sequence[Value],
        types: Sequence[TensorType],
        path: str,
        span: Span | None,
        **noted: Any,
    ) -> None:
        """Add an op with results of these types, of which the first flows on."""
        first, *others = types
        outputs = (self.flow(first), *[Value(next(self._ids), type) for type in others])
        self.items.append(Node(op, tuple(inputs), outputs, path, span, **noted))
        self.values = outputs

    def part(self) -> Row:
        """An empty row that takes what flows here."""
        return Row((self.value,), self._ids)

    def region(self, kind: Kind, path: str = "", **more: Any) -> Region:
        """All that there is, as a region; blocks and stages give more than what flows."""
        outputs = self.values if kind in ("block", "inline", "stage") else self.values[:1]
        return Region(kind, tuple(self.items), self.inputs, outputs, path, **more)

    def add(self, region: Region) -> None:
        """Add a region, whose first result flows on."""
        self.items.append(region)
        self.values = region.outputs
