"""The line length that a project has given to ruff, so that what is written there needs no formatter."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.errors import UsageError
from netspec.system.channels import readable
from netspec.system.room import reason

LINE_LENGTH = 88
"""What `ruff format` takes where nothing says otherwise."""

LONGEST = 320
"""The longest line that ruff lets a project have."""

_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")
"""Where ruff looks in a folder; the first that is there counts."""


def line_length_at(path: str | os.PathLike[str] | None) -> int:
    """The line length of the project that a file at ``path`` is in, which need not exist.

    It is that of the nearest settings of ruff above the file, or of those that they extend; ruff's own for
    what is no file.

    Raises :class:`UsageError` for settings that cannot be read.
    """
    for folder in () if path is None else Path(os.path.abspath(path)).parents:
        for name in _FILES:
            settings = _settings(folder / name)
            if settings is not None:
                return _length(folder / name, settings, ())
    return LINE_LENGTH


def _settings(file: Path) -> Mapping[str, Any] | None:
    """What a file says of ruff; None where there is no such file, or it says nothing."""
    if not file.is_file():
        return None
    try:
        found: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{readable(str(file))}: {reason(error)}") from error
    except ValueError as error:
        raise UsageError(f"{readable(str(file))}: no TOML: {error}") from error
    if file.name == "pyproject.toml":
        tool = found.get("tool")
        found = tool.get("ruff") if isinstance(tool, dict) else None
    return found if isinstance(found, dict) else None


def _length(file: Path, settings: Mapping[str, Any], seen: tuple[Path, ...]) -> int:
    length = settings.get("line-length")
    if length is None:
        extended = settings.get("extend")
        if not isinstance(extended, str) or file in seen:
            return LINE_LENGTH
        other = Path(os.path.normpath(file.parent / os.path.expanduser(extended)))
        return _length(other, _settings(other) or {}, (*seen, file))
    check_line_length(length, f"{readable(str(file))}: line-length")
    return int(length)


def check_line_length(length: Any, what: str = "line_length") -> None:
    """Raise :class:`UsageError` for what is no length of a line to ruff; ``what`` is its name in the message."""
    if type(length) is not int or not 1 <= length <= LONGEST:
        raise UsageError(f"{what} must be a whole number from 1 to {LONGEST}, not {length!r}")
