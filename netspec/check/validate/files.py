"""Which files there are to check."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePath

from netspec.errors import UsageError, did_you_mean, fail
from netspec.lang import library
from netspec.lang.source import MAX_BYTES
from netspec.system.channels import readable
from netspec.system.room import reason

SUFFIXES = (".yaml", ".yml")
STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Target:
    """A file to look at.

    Attributes:
        path: where it is.
        is_searched: whether it was found in a directory rather than named.
        problem: why it cannot be looked at, where that is known before it is opened.
        content: of a file that comes with netspec.
    """

    path: str
    is_searched: bool
    problem: str = ""
    content: bytes | None = None

    def read(self) -> bytes:
        """The content, up to a byte more than a file of ours may have.

        Raises :class:`NetspecError` where it cannot be read.
        """
        if self.content is not None:
            return self.content
        name = readable(self.path)
        if self.problem:
            raise fail("NS109", f"{name}: {self.problem}")
        try:
            with open(self.path, "rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise fail("NS109", f"{name}: {reason(error)}") from error


def find_targets(
    paths: Sequence[str],
    exclude: Sequence[str],
    suffixes: tuple[str, ...] = SUFFIXES,
    *,
    zoo: bool = False,
) -> list[Target]:
    """The files that ``paths`` name or hold, each once, without those that a pattern excludes.

    Directories are searched for files of the ``suffixes``. Left out are hidden directories and files,
    virtual environments, and other git repositories and worktrees; links to directories are not followed.
    What cannot be looked at is among the targets, with its problem. Raises :class:`UsageError` for a path
    that does not exist. With ``zoo`` the names of networks that come with netspec will do as well, where
    there is no such path.
    """
    found: dict[str, Target] = {}
    for given in paths:
        if given == STANDARD_INPUT:
            found.setdefault(given, Target(given, False))
        elif os.path.isdir(given):
            for target in _walk(given, exclude, suffixes):
                found.setdefault(os.path.normpath(target.path), target)
        elif os.path.lexists(given):
            if not is_excluded(given, exclude):
                found[os.path.normpath(given)] = Target(given, False)
        elif zoo and (member := library.zoo_member(given)):
            file, _ = member
            content = library.zoo_text(file).encode()
            found[f"<netspec>/{file}"] = Target(f"{file}.yaml", False, content=content)
        else:
            hint = did_you_mean(given, library.zoo_variants()) if zoo else None
            name = readable(given)
            raise UsageError(f"{name}: no such file or directory" + (f"; {hint}" if hint else ""))
    return list(found.values())


def _walk(folder: str, exclude: Sequence[str], suffixes: tuple[str, ...]) -> Iterator[Target]:
    unreadable: list[Target] = []

    def note(error: OSError) -> None:
        unreadable.append(Target(str(error.filename), True, reason(error)))

    for place, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and not is_excluded(os.path.join(place, name), exclude)
            and not _is_apart(os.path.join(place, name))
        )
        for name in sorted(files):
            path = os.path.join(place, name)
            is_meant = name.endswith(suffixes) and not name.startswith(".")
            if is_meant and not is_excluded(path, exclude):
                yield Target(path, True, "" if os.path.isfile(path) else _why_no_file(path))
    yield from unreadable


def _is_apart(folder: str) -> bool:
    """Whether a directory below another is a virtual environment, or a repository or worktree of git."""
    return any(os.path.lexists(os.path.join(folder, name)) for name in (".git", "pyvenv.cfg"))


def _why_no_file(path: str) -> str:
    return "is no regular file" if os.path.exists(path) else "is a link that leads nowhere"


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
