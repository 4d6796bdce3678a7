"""What goes wrong, told to a person: where it is, what was expected, and the nearest right thing.

Everything that is the user's to mend is raised as :class:`NetspecError`, which carries one or more
:class:`Diagnostic`. Anything else that escapes is a bug of netspec.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Span:
    """A place in a source text; lines and columns count from 1, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One problem of the input.

    Attributes:
        code: stable identifier, such as ``NS201``.
        message: what is wrong, in one sentence without a full stop.
        span: where; None when the problem has no place in a text (a missing file, say).
        help: what to do about it, when that is known.
        path: the network path of the step concerned (``layer2.0.conv3``), when there is one.
        trace: the calls that led there, innermost first, each as (what, where).
    """

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    path: str | None = None
    trace: tuple[tuple[str, Span], ...] = field(default=())


class NetspecError(Exception):
    """The input is wrong; ``diagnostics`` say where and how. ``sources`` holds the texts to quote."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(render(d) for d in self.diagnostics))


class UsageError(Exception):
    """The command or call is wrong (not the spec): an unknown variant, a missing extra, a bad path."""


class InternalError(Exception):
    """An invariant of netspec itself is broken; the message names the op, its path and the pass."""


_SOURCES: dict[str, list[str]] = {}
_MAX_SOURCES = 256


def remember_source(file: str, text: str) -> None:
    """Keep the lines of ``text`` so that diagnostics that point into ``file`` can quote them."""
    if len(_SOURCES) >= _MAX_SOURCES and file not in _SOURCES:
        _SOURCES.pop(next(iter(_SOURCES)))
    _SOURCES[file] = text.splitlines()


def fail(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    help: str | None = None,
    path: str | None = None,
) -> NetspecError:
    """A :class:`NetspecError` of one diagnostic, to be raised by the caller."""
    return NetspecError([Diagnostic(code, message, span, help, path)])


# Characters that are taken for one another, such as the letter O and zero.
_LOOKALIKES = str.maketrans("oil-", "011_")


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that ``word`` is most likely a misspelling of, or None."""
    found = difflib.get_close_matches(word, sorted(choices), n=4, cutoff=0.6)
    plain = word.lower().translate(_LOOKALIKES)
    for choice in found:
        if choice.lower().translate(_LOOKALIKES) == plain:
            return choice
    return found[0] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """Help text that names the nearest choice, or lists the choices when they are few."""
    known = sorted(choices)
    match = nearest(word, known)
    if match is not None:
        return f"did you mean `{match}`?"
    if known and len(known) <= 12:
        return "expected one of " + ", ".join(f"`{name}`" for name in known)
    return None


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic as text: position, message, the line with a caret under it, and help."""
    where = f"{diagnostic.span}: " if diagnostic.span else ""
    path = f" (at {diagnostic.path})" if diagnostic.path else ""
    lines = [f"{where}error[{diagnostic.code}]: {diagnostic.message}{path}"]
    if diagnostic.span is not None:
        lines += _snippet(diagnostic.span)
    if diagnostic.help:
        lines.append(f"  help: {diagnostic.help}")
    lines += [f"  in {what} at {span}" for what, span in diagnostic.trace]
    return "\n".join(lines)


def _snippet(span: Span) -> list[str]:
    source = _SOURCES.get(span.file)
    if source is None or not 1 <= span.line <= len(source):
        return []
    text = source[span.line - 1].replace("\t", " ")[:200]
    last = span.end_column if span.end_line == span.line else len(text) + 1
    carets = "^" * max(1, min(last, len(text) + 1) - span.column)
    number = str(span.line)
    return [
        f"  {number} | {text}",
        f"  {' ' * len(number)} | {' ' * (span.column - 1)}{carets}",
    ]
