"""The command line in this process, which saves the seconds that importing the frameworks takes."""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from dataclasses import dataclass
from unittest import mock


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    status: int
    out: str
    err: str


def netspec_command(*arguments: object) -> Finished:
    """Run ``python -m netspec`` with arguments; an exception that it lets through is raised here."""
    out, err = io.StringIO(), io.StringIO()
    words = ["netspec", *(str(argument) for argument in arguments)]
    with (
        mock.patch.object(sys, "argv", words),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            runpy.run_module("netspec", run_name="__main__")
            status: object = 0
        except SystemExit as end:
            status = end.code or 0
    assert isinstance(status, int), status
    return Finished(status, out.getvalue(), err.getvalue())
