"""What a stage gives to each of its blocks."""

from __future__ import annotations

from netspec.elaborate.reader import Reader
from netspec.errors import fail
from netspec.schema.models import STAGE_KEYS
from netspec.schema.syntax import Argument, StageSyntax


def check_keys(entry: StageSyntax) -> None:
    """Raise :class:`NetspecError` where `first` or `last` sets what belongs to the stage."""
    for group in (entry.first, entry.last):
        for name in group:
            if name in STAGE_KEYS and name not in ("block", "stride"):
                raise fail("NS206", f"`{name}` belongs to the stage", group[name].key_span)


def arguments_of_block(
    entry: StageSyntax, index: int, count: int, reader: Reader
) -> dict[str, Argument]:
    """The arguments of block ``index`` of ``count``, before any of them is worked out."""
    given = dict(entry.arguments)
    if entry.stride is not None:
        at = 0 if entry.stride_at == "first" else count - 1
        given["stride"] = entry.stride if index == at else reader.stride_elsewhere(entry.stride)
    if index == 0:
        given |= entry.first
    if index == count - 1:
        given |= entry.last
    return given
