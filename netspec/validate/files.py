"""Which files there are to check."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

from netspec.errors import UsageError

SUFFIXES = (".yaml", ".yml")
STANDARD_INPUT = "-"

_LOOKS_OURS = re.compile(rb"^[{\s]*[\"']?(netspec|block)[\"']?\s*:", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """A file to check, and whether it was found in a directory rather than named."""

    path: str
    is_searched: bool


def find_targets(
    paths: Sequence[str], exclude: Sequence[str], suffixes: tuple[str, ...] = SUFFIXES
) -> list[Target]:
    """The files that ``paths`` name or hold, each once, without those that a pattern excludes.

    Directories are searched for files of the ``suffixes``, hidden ones left out; links to directories
    are not followed. Raises :class:`UsageError` for a path that does not exist.
    """
    found: dict[str, Target] = {}
    for given in paths:
        if given == STANDARD_INPUT:
            found.setdefault(given, Target(given, False))
        elif os.path.isdir(given):
            for path in _walk(given, exclude, suffixes):
                found.setdefault(os.path.normpath(path), Target(path, True))
        elif os.path.lexists(given):
            if not is_excluded(given, exclude):
                found[os.path.normpath(given)] = Target(given, False)
        else:
            raise UsageError(f"{given}: no such file or directory")
    return list(found.values())


def _walk(folder: str, exclude: Sequence[str], suffixes: tuple[str, ...]) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not is_excluded(os.path.join(place, name), exclude)
        )
        for name in sorted(files):
            path = os.path.join(place, name)
            is_meant = name.endswith(suffixes) and not name.startswith(".")
            if is_meant and os.path.isfile(path) and not is_excluded(path, exclude):
                yield path


def is_excluded(path: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the path, a directory on the way to it, or the name of either."""
    plain = PurePath(os.path.normpath(path))
    places = [plain, *plain.parents]
    return any(
        fnmatch(place.as_posix(), pattern) or fnmatch(place.name, pattern)
        for pattern in (pattern.rstrip("/") for pattern in patterns)
        for place in places
        if place.name
    )


def folder_of(name: str) -> Path:
    """Where the blocks of a spec of this name are looked for."""
    return Path(name).parent


def looks_ours(raw: bytes) -> bool:
    """Whether a file of this content may be a spec or a block file, valid YAML or not."""
    return _LOOKS_OURS.search(raw) is not None


def is_ours(data: Any) -> bool:
    """Whether these plain values are those of a spec or a block file, right or wrong."""
    return isinstance(data, dict) and ("netspec" in data or "block" in data)
