"""The words of steps that are no ops: an op of theirs could not be written."""

from __future__ import annotations

META = ("name", "as", "from", "merge")
COMBINATORS = ("residual", "gate", "concat", "branches", "repeat", "when", "sequence")
ROLES = ("norm", "act")
