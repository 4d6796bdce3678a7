"""What a format of weight files is, and which one a path asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from netspec.errors import UsageError
from netspec.weights.storage.tensors import StoredTensor

if TYPE_CHECKING:
    from netspec.ir import Program


@dataclass(frozen=True)
class Contents:
    """What an open file holds.

    Attributes:
        tensors: by the file's names, prefixes of wrappers taken off.
        notes: what was chosen among several, and what was left: a sentence each.
        others: the names of sets that were not chosen.
        odd: the names of what lies among the tensors and is no plain one.
    """

    tensors: Mapping[str, StoredTensor]
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


class Format(Protocol):
    """A kind of file that holds tensors by name."""

    title: str
    """What people call it."""
    reads_with: tuple[str, ...]
    """The importable modules that reading needs."""
    writes_with: tuple[str, ...] | None
    """Those that writing needs; None where the format is only read."""

    def open(self, path: Path, take: str | None) -> AbstractContextManager[Contents]:
        """The contents, readable while the context lasts.

        Args:
            path: an existing file, which nothing has vouched for.
            take: which of several sets of weights in the file.

        Raises:
            NetspecError: the file is damaged, unsafe, or holds something else.
            UsageError: there is no set called ``take``.
        """

    def write(self, path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
        """Write ``tensors``, reading each once; layers of ``network`` are called as in the file."""


def format_of(path: Path, formats: Mapping[str, Format]) -> tuple[str, Format]:
    """The format whose suffix ``path`` has, the longest that fits; raises :class:`UsageError`."""
    suffix = longest_suffix(path.name.lower(), formats)
    if suffix is None:
        known = ", ".join(formats)
        raise UsageError(f"{path}: no format of weights has this suffix; known are {known}")
    return suffix, formats[suffix]


def longest_suffix(name: str, suffixes: Iterable[str]) -> str | None:
    """The longest of ``suffixes`` that a file's name ends in; None where it ends in none."""
    return max((suffix for suffix in suffixes if name.endswith(suffix)), key=len, default=None)


def refuse_choice(path: Path, take: str | None) -> None:
    """Raise :class:`UsageError` where one set of several is asked of a format that holds one."""
    if take is not None:
        raise UsageError(f"{path}: files of this kind hold one set of weights; leave out --take")
