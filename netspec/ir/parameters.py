"""The parameters that layers hold, by their canonical names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from netspec.ir.program import Layer
from netspec.ops.types import Parameter

Held = TypeVar("Held", bound=Layer)


def parameters_of(layers: Iterable[Held]) -> Iterator[tuple[str, Held, Parameter]]:
    """Every parameter of ``layers``, whatever its role, with its name (``path.name``) and its layer."""
    for layer in layers:
        for parameter in layer.op.parameters(layer.source):
            yield f"{layer.path}.{parameter.name}", layer, parameter
