"""What a stage gives to each of its blocks."""

from __future__ import annotations

from netspec.elaborate.arguments import is_for_each_block
from netspec.elaborate.reader import Reader
from netspec.errors import NetspecError, fail
from netspec.schema.fields import to_expression
from netspec.schema.models import STAGE_KEYS
from netspec.schema.refusal import Refusal
from netspec.schema.syntax import Argument, StageSyntax

COUNTERS = frozenset(("index", "running_index"))
"""Names whose values change from block to block."""


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
        is_its = index == at or _is_of_each_block(entry.stride)
        given["stride"] = entry.stride if is_its else reader.stride_of_others(entry.stride)
    if index == 0:
        given |= entry.first
    if index == count - 1:
        given |= entry.last
    return given


def _is_of_each_block(argument: Argument) -> bool:
    """Whether a value is written for each block: as a list, or by what counts them."""
    if is_for_each_block(argument):
        return True
    if not isinstance(argument.value, str):
        return False
    try:
        return not COUNTERS.isdisjoint(to_expression(argument.value).names)
    except (
        NetspecError,
        Refusal,
        ValueError,
    ):  # what is wrong with it is told where it is worked out
        return False
