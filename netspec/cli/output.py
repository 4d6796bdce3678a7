"""Files of text, and signs of life on standard error. Loads rich when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netspec.cli.streams import tell
from netspec.system.progress import Tell, silent


def write_text_file(path: Path, text: str, force: bool) -> None:
    """Write ``text`` to ``path`` and say so; a file that holds it already is left as it is.

    Raises :class:`UsageError` where ``path`` cannot be written, or holds something else and not ``force``.
    """
    from netspec.system.files import check_output, check_writable, holds, write_atomically

    check_writable(path)
    if holds(path, text):
        tell(f"{path}: unchanged")
        return
    check_output(path, force)
    write_atomically(path, text)
    tell(f"wrote {path}")


def is_watched() -> bool:
    """Whether standard error is a terminal, where one line may take the place of another."""
    return sys.stderr.isatty()


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Show what is going on while the body runs; silent unless on a terminal.

    The body gets a function that says what is done of what.
    """
    if not is_watched():
        yield silent
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(what)) as status:
        yield lambda text: status.update(escape(f"{what}: {text}"))
