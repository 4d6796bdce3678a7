"""What other distributions bring to netspec: their entry points, read once a group and loaded when they are asked for.

A plug-in that is broken is told of in a line that names its distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from netspec.distribution import DISTRIBUTION
from netspec.errors import UsageError


@cache
def plugins(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by name; raises :class:`UsageError` for a name that two have."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if point.name in found:
            raise broken(point, f"{_origin(found[point.name])} has one of this name too")
        found[point.name] = point
    return found


def load(point: EntryPoint) -> Any:
    """What an entry point names; raises :class:`UsageError` where that cannot be imported."""
    try:
        return point.load()
    except Exception as error:  # the import runs the distribution's own code
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise broken(point, reason) from error


def is_own(point: EntryPoint) -> bool:
    """Whether an entry point is netspec's own."""
    return point.dist is not None and point.dist.name == DISTRIBUTION


def broken(point: EntryPoint, reason: str) -> UsageError:
    """The error for a plug-in that cannot be used, to be raised by the caller."""
    what = f"its entry point `{point.name}` of {point.group}"
    return UsageError(f"the distribution {_origin(point)} is broken: {what}: {reason}")


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
