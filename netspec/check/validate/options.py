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
    """

    bounds: Bounds = field(default_factory=Bounds)
    lints: frozenset[str] = LINTS
    strict: bool = False
