"""What stands ahead of all names of a file, or of one of its parts, and of none in the network; and the reverse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from netspec.errors import Diagnostic

_SEPARATOR = re.compile(r"[./]")
_MAX_PREFIX = 4
"""How many words of a prefix that is not known are looked at together."""

_MAX_PARTS = 50
"""So many parts of a file are looked at."""


def common_prefix(names: Collection[str], expected: Collection[str], known: Collection[str]) -> str:
    """What wrappers put ahead of the names, as far as the network's own names do not begin so too.

    Args:
        names: those of the file.
        expected: those of the network.
        known: what the framework's wrappers are called, with the separator.
    """
    ours = set(expected)
    taken, going_on = "", True
    while going_on:
        going_on = False
        for prefix in _first_parts((name.removeprefix(taken) for name in names), 1):
            longer = taken + prefix
            bare = {name.removeprefix(longer) for name in names}
            wrapped = [name for name in names if name.startswith(longer)]
            behind = {name.removeprefix(longer) for name in wrapped}
            is_own = any(name.startswith(prefix) for name in ours)
            # What is called otherwise still is a wrapper where the names behind it are the network's.
            fits = prefix in known or not ours.isdisjoint(behind)
            if len(wrapped) * 2 > len(names) and len(bare) == len(names) and not is_own and fits:
                taken, going_on = longer, True
                break
    return taken


def explained(file: str, names: Collection[str], expected: Collection[str]) -> Diagnostic | None:
    """The one thing that is wrong where all names of the network stand behind a prefix, or lack one."""
    ours = set(expected)
    if not ours or not ours.isdisjoint(names):
        return None
    parts = list(_first_parts(names, _MAX_PARTS))
    whole = [
        part
        for part in parts
        if ours <= {name.removeprefix(part) for name in names if name.startswith(part)}
    ]
    if whole:
        part = min(whole, key=len)
        beside = {
            other for other in parts if not other.startswith(part) and not part.startswith(other)
        }
        others = [other for other in whole if other in beside]
        listed = " and under ".join(f"`{one}`" for one in (part, *others))
        allowed = "".join(
            f" --allow-unexpected '{re.escape(other)}.*'"
            for other in sorted(beside)
            if not any(other != shorter and other.startswith(shorter) for shorter in beside)
        )
        return Diagnostic(
            "NS603",
            f"{file}: holds the network's tensors under {listed}",
            help=f"a --map file with the line `{re.escape(part)}(.*): \\1`"
            + (f", and{allowed}, take those under `{part}`" if allowed else " takes them"),
        )
    for part in _first_parts(ours, _MAX_PARTS):
        if ours <= {part + name for name in names}:
            return Diagnostic(
                "NS603",
                f"{file}: its names lack the `{part}` that the network's begin with",
                help=f"a --map file with the line `(.*): {part}\\1` puts it there",
            )
    return None


def _first_parts(names: Iterable[str], most: int) -> Iterator[str]:
    """What most names begin with, up to their first dot or slash, their second, and so on.

    Args:
        names: the names.
        most: how many of each depth.
    """
    ends = [(name, [found.end() for found in _SEPARATOR.finditer(name)]) for name in names]
    for depth in range(_MAX_PREFIX):
        starts = Counter(name[: at[depth]] for name, at in ends if len(at) > depth)
        yield from (start for start, _ in starts.most_common(most))
