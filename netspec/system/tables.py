"""Tables on standard output, as wide as the terminal and without blanks at the ends of lines."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 200
"""Away from a terminal there is no width to keep to; names are never cut short."""

_BLANKS = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)


def make_console() -> Console:
    """A console on standard output. Loads rich."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(file=sys.stdout, highlight=False, width=width)


def show(console: Console, *renderables: Any, **options: Any) -> None:
    """Print ``renderables`` as ``console.print`` does, without blanks at the ends of lines."""
    with console.capture() as captured:
        console.print(*renderables, **options)
    console.file.write(_BLANKS.sub(r"\1", captured.get()))
