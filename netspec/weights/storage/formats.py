"""What a format of weight files is, and which one a path asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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


def only_read(path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
    """Stands for the writer of a format that has none."""
    raise NotImplementedError(f"{path}: this format is only read")


@dataclass(frozen=True)
class Format:
    """A kind of file that holds tensors by name.

    Attributes:
        title: what people call it.
        open: gives the contents of an existing file, which nothing has vouched for, readable while the
            context lasts; and takes which of several sets of weights in it is meant. Raises
            :class:`NetspecError` where the file is damaged, unsafe or holds something else, and
            :class:`UsageError` where there is no such set.
        write: writes tensors, reading each once; layers of the network are called as in the file.
        reads_with: the importable modules that reading needs.
        writes_with: those that writing needs; None where the format is only read.
    """

    title: str
    open: Callable[[Path, str | None], AbstractContextManager[Contents]]
    write: Callable[[Path, Program, Mapping[str, StoredTensor]], None] = only_read
    reads_with: tuple[str, ...] = ()
    writes_with: tuple[str, ...] | None = None


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
