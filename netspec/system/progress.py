"""What long work says of itself while it is under way: what is done, of what."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]
"""Takes one line that says what is going on, such as ``12 of 320 tensors``."""


def silent(_: str) -> None:
    """Says nothing."""
