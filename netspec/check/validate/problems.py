"""Collects the problems of one file over its variants; each is told once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType

from netspec.elaborate.lookup import Calls, with_calls
from netspec.errors import Diagnostic, NetspecError, Span, by_position, fail
from netspec.lang.expression.unknown import Poisoned

EVERY = "*"
"""Stands for the name of a variant where a problem is that of the whole file."""

MAX_PROBLEMS = 200
MAX_NAMES = 8

FATAL = frozenset({"NS502", "NS508"})
"""Codes after which there is no going on: work, or what is told of it, is at its bound."""

_NUMBERS = r"(?:\d[\d,.]*|\?)(?:×(?:\d+|\?))*"

Key = tuple[str, Span | None, str]


class Attempt:
    """A ``with`` block whose problems are collected, and end nothing but the block."""

    def __init__(self, problems: Problems, calls: Calls) -> None:
        self._problems = problems
        self._calls = calls
        self.recovery: object = None

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, NetspecError):
            if error.diagnostics[0].code in FATAL:
                return False
            self._problems.add(error.diagnostics, self._calls)
            self.recovery = error.recovery
            return True
        return isinstance(error, Poisoned)


class Problems:
    """What is wrong in one file.

    A problem that comes back with other numbers (in another block, or another variant) is the same.

    Args:
        muted: codes that would be consequences of what is known to be wrong already.
    """

    def __init__(self, muted: Iterable[str] = ()) -> None:
        self.variant: str | None = EVERY
        self._muted = frozenset(muted)
        self._found: dict[Key, tuple[Diagnostic, dict[str | None, None]]] = {}
        self._log: list[Key] = []

    def add(self, diagnostics: Iterable[Diagnostic], calls: Calls = ()) -> None:
        """Take in what is wrong with the variant at hand; ``calls`` led there, outermost first.

        Raises :class:`NetspecError` with a code of :data:`FATAL` where that is more than is told.
        """
        for diagnostic in diagnostics:
            if diagnostic.code in self._muted:
                continue
            key = (diagnostic.code, diagnostic.span, re.sub(_NUMBERS, "#", diagnostic.message))
            self._log.append(key)
            if key in self._found:
                told, having = self._found[key]
                having[self.variant] = None
                if "?" in told.message and "?" not in diagnostic.message:
                    self._found[key] = (with_calls(diagnostic, calls), having)
            elif len(self._found) < MAX_PROBLEMS or diagnostic.code in FATAL:
                self._found[key] = (with_calls(diagnostic, calls), {self.variant: None})
            else:
                message = f"more than {MAX_PROBLEMS} problems; what else there may be is left"
                raise fail("NS508", message, diagnostic.span)

    @property
    def count(self) -> int:
        """How often a problem was found so far, the same one again included."""
        return len(self._log)

    def since(self, count: int) -> frozenset[Key]:
        """What was found since :attr:`count` was this."""
        return frozenset(self._log[count:])

    def add_again(self, keys: Iterable[Key]) -> None:
        """The variant at hand has these problems too."""
        for key in keys:
            if key in self._found:
                self._found[key][1][self.variant] = None

    def concerns(self, variant: str | None) -> bool:
        """Whether anything is wrong with this variant."""
        return any(having.keys() & {variant, EVERY} for _, having in self._found.values())

    @contextmanager
    def of_every_variant(self) -> Iterator[None]:
        """What is found in this context is the problem of the whole file."""
        before, self.variant = self.variant, EVERY
        try:
            yield
        finally:
            self.variant = before

    def attempt(self, calls: Calls = ()) -> Attempt:
        """A ``with`` block whose problems are added here."""
        return Attempt(self, calls)

    def diagnostics(self, variants: Iterable[str | None]) -> list[Diagnostic]:
        """All of them in the order of the text, with the names of those of ``variants`` that have it."""
        every = set(variants)
        return sorted(
            (_told(diagnostic, list(having), every) for diagnostic, having in self._found.values()),
            key=by_position,
        )


def _told(diagnostic: Diagnostic, having: list[str | None], every: set[str | None]) -> Diagnostic:
    """The diagnostic, with the variants that it concerns where that is not all of them."""
    if EVERY in having or set(having) >= every:
        return diagnostic
    names = [f"`{name}`" if name else "the spec without a variant" for name in having]
    listed = ", ".join(names[:MAX_NAMES])
    if len(names) > MAX_NAMES:
        listed += f" and {len(names) - MAX_NAMES} more"
    return dataclasses.replace(diagnostic, variants=listed)
