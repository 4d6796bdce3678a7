"""Bounds on what a spec may ask for, held before time or memory is spent."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LAYERS = 20_000
MAX_PARAMETERS = 10**11
MAX_NESTING = 64
MAX_CHANNELS = 2**24
MAX_FEATURES = 2**32
MAX_LENGTH = 2**24

RAISE_LAYERS = "`--max-layers` raises the bound"
RAISE_PARAMETERS = "`--max-parameters` raises the bound"


@dataclass(frozen=True)
class Bounds:
    """The bounds that a user can raise; all others are constants of this module.

    Attributes:
        layers: layers of a network; also repetitions of one thing.
        parameters: numbers that a network holds, statistics included.
    """

    layers: int = MAX_LAYERS
    parameters: int = MAX_PARAMETERS

    @property
    def steps(self) -> int:
        """Steps to expand, those included that make no layer."""
        return 4 * self.layers
