"""Rows: what a backend makes of an op. The one place where they are looked up, and where a refusal gets its
place in the spec.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from netspec.errors import fail
from netspec.plugins import broken, load, plugins

if TYPE_CHECKING:
    from netspec.ir import Layer

Made = TypeVar("Made")

GROUP = "netspec.rows"
"""Entry points for rows from other distributions; behind it stands the name of the backend."""


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
    row = rows.get(kind) or rows_from_elsewhere(backend, frozenset(rows)).get(kind)
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


@cache
def rows_from_elsewhere(backend: str, own: frozenset[str]) -> Rows[Any]:
    """The rows for ``backend`` that other distributions bring, beside its ``own``.

    Raises :class:`UsageError` for one that is broken, or that it has itself.
    """
    found = {}
    for kind, point in plugins(f"{GROUP}.{backend}").items():
        if kind in own:
            raise broken(point, f"the {backend} backend has a row for `{kind}` itself")
        row = load(point)
        if not (callable(row) or isinstance(row, Unsupported)):
            raise broken(point, f"it is no row, but of type {type(row).__name__}")
        found[kind] = row
    return found
