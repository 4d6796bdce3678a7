"""What other distributions bring to netspec: their entry points, read once a group and loaded when they are asked for.

A plug-in that is broken is told of in a line that names its distribution.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

from netspec.distribution import DISTRIBUTION
from netspec.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def plugins(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by name; raises :class:`UsageError` for a name that two have.

    Those of netspec itself are left out: an older version that was installed had some.
    """
    found: dict[str, EntryPoint] = {}
    if not _may_exist(group):
        return found
    from importlib.metadata import entry_points

    for point in entry_points(group=group):
        if point.dist is not None and point.dist.name == DISTRIBUTION:
            continue
        if point.name in found:
            raise broken(point, f"{_origin(found[point.name])} has one of this name too")
        found[point.name] = point
    return found


def spare_pydantic_the_search() -> None:
    """Tell Pydantic that it has no plug-ins, where that is so: its search would import ``importlib.metadata``.

    That is for a process of our own, whose path does not change. What is replaced is private to Pydantic;
    should it be called otherwise in another version, Pydantic searches, as it would without this.
    """
    name = "pydantic.plugin._loader"
    if name not in sys.modules and not _may_exist("pydantic"):
        sys.modules[name] = found = ModuleType(name)
        found.get_plugins = tuple  # type: ignore[attr-defined]


def _may_exist(group: str) -> bool:
    """Whether the entry points of any distribution have a section that is called as the group.

    ``importlib.metadata``, which reads them, takes long to import and to ask. So the files are searched
    first, where distributions are in folders; where some may be elsewhere, as in an archive, it is asked.
    """
    if any(hasattr(finder, "find_distributions") for finder in {*sys.meta_path} - {PathFinder}):
        return True
    section = f"[{group}]".encode()
    texts = map(_texts, dict.fromkeys(sys.path))
    return any(text is None or section in text for text in texts)


@cache
def _texts(folder: str) -> bytes | None:
    """The entry points of all other distributions in a folder; None where it is no folder."""
    try:
        names = os.listdir(folder or ".")
    except NotADirectoryError:
        return None
    except OSError:
        return b""
    found: list[bytes] = []
    for name in names:
        is_own = name.partition("-")[0].partition(".")[0] == DISTRIBUTION.replace("-", "_")
        if name.lower().endswith((".dist-info", ".egg-info")) and not is_own:
            with (
                suppress(OSError),
                open(os.path.join(folder, name, "entry_points.txt"), "rb") as file,
            ):
                found.append(file.read())
    return b"\n".join(found)


def load(point: EntryPoint) -> Any:
    """What an entry point names; raises :class:`UsageError` where that cannot be imported."""
    try:
        return point.load()
    except Exception as error:  # the import runs the distribution's own code
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise broken(point, reason) from error


def broken(point: EntryPoint, reason: str) -> UsageError:
    """The error for a plug-in that cannot be used, to be raised by the caller."""
    what = f"its entry point `{point.name}` of {point.group}"
    return UsageError(f"the distribution {_origin(point)} is broken: {what}: {reason}")


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
