"""The levels of ``netspec verify``."""

from __future__ import annotations

LEVELS = ("shapes", "start", "forward", "training")
"""What is compared, in this order; each level needs the one ahead of it."""
