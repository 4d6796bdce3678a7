"""Lints: what is legal and most likely not meant. They look at a sound spec and its networks."""

from __future__ import annotations

OPTIONAL_LINTS = frozenset({"NS307", "NS308"})
"""Lints that are looked for when asked for."""

LINTS = frozenset({"NS301", "NS302", "NS303", "NS304", "NS305", "NS306", "NS309", "NS310"})
"""Lints that are looked for unless turned off."""
