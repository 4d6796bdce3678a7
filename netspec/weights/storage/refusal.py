"""Errors about files that nothing has vouched for."""

from __future__ import annotations

from pathlib import Path

from netspec.errors import Diagnostic, NetspecError


def damaged(path: Path, reason: str) -> NetspecError:
    """The error for a file that is no such file, or is cut short or changed."""
    return NetspecError([Diagnostic("NS601", f"{path}: {reason}")])


def unsafe(path: Path, reason: str) -> NetspecError:
    """The error for a file that could do harm if it were read."""
    return NetspecError([Diagnostic("NS602", f"{path}: {reason}")])
