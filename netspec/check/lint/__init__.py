"""Lints: what is legal and most likely not meant. They look at a sound spec and its networks."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.errors import UsageError, did_you_mean

OPTIONAL_LINTS = frozenset({"NS307", "NS308"})
"""Lints that are looked for when asked for."""

LINTS = frozenset({"NS301", "NS302", "NS303", "NS304", "NS305", "NS306", "NS309", "NS310"})
"""Lints that are looked for unless turned off."""


def select(enable: Sequence[str], disable: Sequence[str]) -> frozenset[str]:
    """The lints to look for, by code; raises :class:`UsageError` for a code that is none."""
    known = LINTS | OPTIONAL_LINTS
    for code in sorted({*enable, *disable}):
        if code not in known:
            hint = did_you_mean(code, known) or "`netspec explain` lists all codes"
            raise UsageError(f"`{code}` is no lint; {hint}")
    return (LINTS | {*enable}) - {*disable}
