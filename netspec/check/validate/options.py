"""How to check."""

from __future__ import annotations

from dataclasses import dataclass, field

from netspec.check.lint import LINTS
from netspec.elaborate.bounds import Bounds


@dataclass(frozen=True)
class Options:
    """How to check.

    Attributes:
        bounds: what a spec may ask for.
        lints: the codes of the lints to look for.
        strict: whether warnings count as errors.
        backends: the backends that networks are held against, in all that these refuse; None for the
            names that those of netspec refuse.
    """

    bounds: Bounds = field(default_factory=Bounds)
    lints: frozenset[str] = LINTS
    strict: bool = False
    backends: tuple[str, ...] | None = None
