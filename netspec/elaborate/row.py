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
        source: the value that flows in.
        value: what flows out of what there is so far.
        items: the ops and regions that there are so far.
    """

    __slots__ = ("_ids", "items", "source", "value")

    def __init__(self, source: Value, ids: Iterator[int]) -> None:
        """``ids`` counts the values of the program."""
        self.source = self.value = source
        self.items: list[Node | Region] = []
        self._ids = ids

    @property
    def type(self) -> TensorType:
        """The type of what flows out."""
        return self.value.type

    def flow(self, type: TensorType) -> Value:
        """Let a new value of this type flow out."""
        self.value = Value(next(self._ids), type)
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

    def part(self) -> Row:
        """An empty row that takes what flows here."""
        return Row(self.value, self._ids)

    def region(self, kind: Kind, path: str = "", **more: Any) -> Region:
        """All that there is, as a region."""
        return Region(kind, tuple(self.items), self.source, self.value, path, **more)

    def add(self, region: Region) -> None:
        """Add a region, whose result flows on."""
        self.items.append(region)
        self.value = region.result
