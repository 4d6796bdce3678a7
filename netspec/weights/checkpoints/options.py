"""What a caller may say about how the tensors of a file and of a network are brought together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from netspec.errors import UsageError
from netspec.weights.checkpoints.renaming import Renaming


@dataclass(frozen=True)
class Matching:
    """How strict matching is, and what names mean.

    Attributes:
        renaming: a table that the file's names go through first.
        allow_missing: regular expressions; tensors of the network that all of one fits may be missing.
        allow_unexpected: the same for tensors of the file that the network has no use for.
        take: which of several sets of weights in the file.
    """

    renaming: Renaming | None = None
    allow_missing: Sequence[str] = ()
    allow_unexpected: Sequence[str] = ()
    take: str | None = None

    def __post_init__(self) -> None:
        for expression in (*self.allow_missing, *self.allow_unexpected):
            try:
                re.compile(expression)
            except re.error as error:
                raise UsageError(f"`{expression}` is no regular expression: {error}") from None

    def may_be_missing(self, *names: str) -> bool:
        """Whether one of the names of a tensor is allowed to be missing."""
        return _fits(self.allow_missing, names)

    def may_be_unexpected(self, *names: str) -> bool:
        """Whether one of the names of a tensor is allowed to be left over."""
        return _fits(self.allow_unexpected, names)


STRICT = Matching()
"""Everything matches by its own name, and nothing may be missing or left over."""


def _fits(expressions: Sequence[str], names: Sequence[str]) -> bool:
    return any(re.fullmatch(expression, name) for expression in expressions for name in names)
