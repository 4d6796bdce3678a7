"""Tables, on standard output as wide as the terminal; without blanks at the ends of lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 200
"""Away from a terminal there is no width to keep to; names are never cut short."""

_BLANKS = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)


def make_console(stream: TextIO | None = None) -> Console:
    """A console on a stream, standard output unless given. Loads rich."""
    from rich.console import Console

    stream = stream or sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, highlight=False, width=width)


def as_text(print_to: Callable[[Console], None]) -> str:
    """What ``print_to`` prints on the console that it is given: plain text, without a line end at the end."""
    stream = StringIO()
    print_to(make_console(stream))
    return stream.getvalue().rstrip("\n")


def show(console: Console, *renderables: Any, **options: Any) -> None:
    """Print ``renderables`` as ``console.print`` does, without blanks at the ends of lines."""
    with console.capture() as captured:
        console.print(*renderables, **options)
    console.file.write(_BLANKS.sub(r"\1", captured.get()))
