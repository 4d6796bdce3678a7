"""Rows: what a backend makes of an op. The one place where they are looked up, and where a refusal gets its
place in the spec.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from netspec.errors import fail

if TYPE_CHECKING:
    from netspec.ir import Layer

Made = TypeVar("Made")


class Unsupported(Exception):
    """Why a backend cannot do an op: stands in its table in the place of a row, or is raised by one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Rows = Mapping[str, Callable[["Layer"], Made] | Unsupported]
"""What a backend makes of the layers of each op, by the op's kind."""


def look_up(backend: str, rows: Rows[Made], layer: Layer) -> Made:
    """What the row of the layer's op makes of it.

    Raises :class:`NetspecError`, at the layer's place in the spec, where the backend has no row for the op
    or cannot do it.
    """
    kind = layer.op.kind
    row = rows.get(kind)
    if row is None:
        message = f"the {backend} backend has no row for `{kind}`"
        raise fail("NS701", message, layer.span, path=layer.path)
    try:
        if not isinstance(row, Unsupported):
            return row(layer)
        reason = row.reason
    except Unsupported as refusal:
        reason = refusal.reason
    message = f"the {backend} backend cannot do this `{kind}`: {reason}"
    raise fail("NS702", message, layer.span, path=layer.path)
