"""Remembers which files had nothing wrong, so that they are not checked again while nothing changes.

An entry holds for a content, the options, the state of every block file that was looked for, and the
files of netspec itself. Only files without problems are remembered: what is wrong is always found anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import netspec
from netspec.validate.options import Options

MAX_GENERATIONS = 4
"""How many states of netspec itself have entries side by side."""


def cache_folder() -> Path | None:
    """Where entries are kept; None where the user wants none (``NETSPEC_CACHE_DIR`` is empty)."""
    given = os.environ.get("NETSPEC_CACHE_DIR")
    if given is not None:
        return Path(given) if given else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "netspec") if base and os.path.isabs(base) else None


@dataclass(frozen=True)
class Cache:
    """The entries for one state of netspec and one set of options.

    Attributes:
        folder: where they are.
        options: what is part of every key.
    """

    folder: Path
    options: str

    @staticmethod
    def open(root: Path, options: Options) -> Cache:
        """The cache under ``root``, which need not exist."""
        lints = ",".join(sorted(options.lints))
        key = f"{options.bounds.layers} {options.bounds.parameters} {lints}"
        return Cache(root / _state_of_netspec(), key)

    def find(self, raw: bytes, stem: str, folder: Path | None) -> str | None:
        """What a file of this content holds, if it had no problems and nothing has changed."""
        try:
            entry = json.loads(self._path(raw, stem, folder).read_bytes())
            blocks = entry["blocks"]
            if blocks == _states(blocks, folder):
                return str(entry["holds"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return None

    def store(
        self, raw: bytes, stem: str, folder: Path | None, holds: str, blocks: Iterable[str]
    ) -> None:
        """Remember that such a file has no problems; ``blocks`` are those looked for beside it."""
        entry = {"holds": holds, "blocks": _states(blocks, folder)}
        path = self._path(raw, stem, folder)
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        with suppress(OSError):  # without a place to write to, every file is checked every time
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True)
                _prune(self.folder.parent)
            temporary.write_text(json.dumps(entry), encoding="utf-8")
            os.replace(temporary, path)

    def _path(self, raw: bytes, stem: str, folder: Path | None) -> Path:
        where = "" if folder is None else "beside"
        digest = hashlib.sha256(f"{self.options}\0{stem}\0{where}\0".encode() + raw)
        return self.folder / digest.hexdigest()


def _states(names: Iterable[str], folder: Path | None) -> dict[str, list[str]]:
    """By the name of a block, the state of each file that it could be in."""
    if folder is None:
        return {name: [] for name in names}
    return {
        name: [_state(folder / f"{name}.yaml"), _state(folder / "blocks" / f"{name}.yaml")]
        for name in names
    }


def _state(path: Path) -> str:
    """A mark of a file's content and of where a link leads; empty where there is no file."""
    if not os.path.isfile(path):
        return ""
    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"
    return f"{content} {os.path.realpath(path)}" if os.path.islink(path) else content


def _state_of_netspec() -> str:
    """A mark of the version of netspec, and of its files where somebody works on them."""
    digest = hashlib.sha256(f"{netspec.__version__} {sys.version}".encode())
    package = Path(netspec.__file__).parent
    for root in (package, package.parent / "specs"):
        for path, size, time in sorted(_files(str(root))):
            digest.update(f"{path} {size} {time}\0".encode())
    return digest.hexdigest()[:24]


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            elif entry.name.endswith((".py", ".yaml")):
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns


def _prune(root: Path) -> None:
    """Forget the entries of states of netspec that are long gone."""
    generations = sorted(root.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for old in generations[MAX_GENERATIONS:]:
        shutil.rmtree(old, ignore_errors=True)
