"""What goes wrong, told to a person: where it is, what was expected, and the nearest right thing.

Everything that is the user's to mend is raised as :class:`NetspecError`, which carries one or more
:class:`Diagnostic`. Anything else that escapes is a bug of netspec. What each code means stands in
:mod:`netspec.check.codes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from netspec.system.channels import printable

Severity = Literal["error", "warning"]

LINT_CODES = "NS3"
"""What the codes of lints begin with; they are warnings, all others are errors."""


_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


def split_lines(text: str) -> list[str]:
    """The lines of a text, as YAML counts them; at least one, which may be empty."""
    return _LINE_BREAK.split(text)


@dataclass(frozen=True, eq=False)
class Text:
    """A source text, which places in it belong to.

    Attributes:
        file: what the text is called.
        lines: its lines, without their ends.
    """

    file: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str, file: str) -> Text:
        """``text`` under the name of ``file``."""
        return cls(file, tuple(split_lines(text)))

    def line(self, number: int) -> str:
        """Line ``number``, from 1; empty where there is none."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def place(self, line: int, column: int, end_line: int = 0, end_column: int = 0) -> Span:
        """A place in the text: of one character unless its end is given."""
        return Span(self.file, line, column, end_line or line, end_column or column + 1, self)

    @property
    def end(self) -> Span:
        """The place behind the last character."""
        return self.place(len(self.lines), len(self.lines[-1]) + 1)


@dataclass(frozen=True)
class Span:
    """A place in a source text; lines and columns count from 1, the end is exclusive.

    Attributes:
        text: the text that it is a place of, to be quoted. Places of two readings of a file are equal.
        names: the places of names that the spec gives to what stands here, by the key that gives each.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: Text | None = field(default=None, compare=False, repr=False)
    names: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)

    @property
    def quoted(self) -> str | None:
        """The line in which it begins; None where the text is not known."""
        if self.text is None or not 1 <= self.line <= len(self.text.lines):
            return None
        return self.text.line(self.line)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def surrounds(self, other: Span) -> bool:
        """Whether ``other`` lies inside this place and is smaller."""
        start, end = (self.line, self.column), (self.end_line, self.end_column)
        inner, last = (other.line, other.column), (other.end_line, other.end_column)
        return self.file == other.file and self != other and start <= inner and last <= end


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
        variants: the variants that have it, as text, where that is not all of them.
        strict: whether a warning counts as an error.
    """

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    path: str | None = None
    trace: tuple[tuple[str, Span], ...] = field(default=())
    variants: str | None = None
    strict: bool = False

    @property
    def sentence(self) -> str:
        """The message, with the variants that it concerns."""
        return f"{self.message} (in {self.variants})" if self.variants else self.message

    @property
    def severity(self) -> Severity:
        """How bad it is: what its code says, unless warnings are to count as errors."""
        return "error" if self.strict else severity_of(self.code)


def severity_of(code: str) -> Severity:
    """How bad a problem of this code is."""
    return "warning" if code.startswith(LINT_CODES) else "error"


def by_position(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """What diagnostics are sorted by: those without a place first, then in the order of the text."""
    span = diagnostic.span
    if span is None:
        return ("", 0, 0, diagnostic.code)
    return (span.file, span.line, span.column, diagnostic.code)


class NetspecError(Exception):
    """The input is wrong; ``diagnostics`` say where and how.

    ``recovery`` is what to go on with for whoever looks for more problems: the type that the wrong
    part most likely should give, where that is known.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], recovery: object = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self.recovery = recovery
        super().__init__(self.diagnostics, recovery)  # which pickling calls it with again

    def __str__(self) -> str:
        return "\n".join(render(diagnostic) for diagnostic in self.diagnostics)


class UsageError(Exception):
    """The command or call is wrong (not the spec): an unknown variant, a missing extra, a bad path."""


class InternalError(Exception):
    """An invariant of netspec itself is broken; the message names the op, its path and the pass."""


def fail(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    help: str | None = None,
    path: str | None = None,
    recovery: object = None,
) -> NetspecError:
    """A :class:`NetspecError` of one diagnostic, to be raised by the caller."""
    return NetspecError([Diagnostic(code, message, span, help, path)], recovery)


# Characters that are taken for one another, such as the letter O and zero.
_LOOKALIKES = str.maketrans("oil-", "011_")


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that ``word`` is most likely a misspelling of, or None."""
    known = sorted(choices)
    plain = word.lower().translate(_LOOKALIKES)
    for choice in known:
        if choice.lower().translate(_LOOKALIKES) == plain:
            return choice
    parts = sorted(word.lower().split("_"))
    for choice in known:
        if len(parts) > 1 and sorted(choice.lower().split("_")) == parts:
            return choice
    import difflib

    found = difflib.get_close_matches(word[:100], known[:1000], n=1, cutoff=0.6)
    return found[0] if found else None


def suggest(word: object, choices: Iterable[str]) -> str | None:
    """Help text that names the nearest choice; None where no choice is near, or ``word`` is no text."""
    match = nearest(word, choices) if isinstance(word, str) else None
    return None if match is None else f"did you mean `{match}`?"


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """Help text that names the nearest choice, or lists the choices when they are few."""
    known = sorted(choices)
    suggestion = suggest(word, known)
    if suggestion is not None:
        return suggestion
    if len(known) == 1:
        return f"expected `{known[0]}`"
    if known and len(known) <= 12:
        return "expected one of " + ", ".join(f"`{name}`" for name in known)
    return None


_RESET = "\x1b[0m"
_COLOURS = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "note": "\x1b[1;34m",
    "help": "\x1b[1;36m",
}


def render(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """The diagnostic as text: position, message, the line with carets under it, help, and calls."""

    def paint(text: str, kind: str) -> str:
        return f"{_COLOURS[kind]}{text}{_RESET}" if colour else text

    severity = diagnostic.severity
    where = f"{printable(str(diagnostic.span))}: " if diagnostic.span else ""
    places = [f"at {diagnostic.path}"] if diagnostic.path else []
    places += [f"in {diagnostic.variants}"] if diagnostic.variants else []
    path = f" ({', '.join(places)})" if places else ""
    kind = paint(f"{severity}[{diagnostic.code}]", severity)
    text = [f"{where}{kind}: {printable(diagnostic.message + path)}"]
    if diagnostic.span is not None:
        text += _snippet(diagnostic.span, lambda part: paint(part, severity))
    if diagnostic.help:
        text.append(f"  {paint('help', 'help')}: {printable(diagnostic.help)}")
    for what, span in diagnostic.trace:
        text.append(f"  {paint('note', 'note')}: in {printable(f'{what} at {span}')}")
        text += _snippet(span, lambda part: paint(part, "note"))
    return "\n".join(text)


_MAX_WIDTH = 160


def _snippet(span: Span, paint: Callable[[str], str]) -> list[str]:
    """The line of ``span`` and carets under it, aligned as a terminal shows them."""
    line = span.quoted
    if line is None or span.column > len(line) + 1:
        return []
    start = span.column - 1
    last = span.end_column - 1 if span.end_line == span.line else len(line)
    end = max(start + 1, min(last, len(line.rstrip())))
    shift = max(0, start - _MAX_WIDTH // 2)
    prefix = "…" if shift else ""
    before = prefix + _displayed(line[shift:start])
    marked = _displayed(line[start:end])
    after = _displayed(line[end : shift + _MAX_WIDTH])
    if len(line) > max(end, shift + _MAX_WIDTH):
        after += "…"
    number = str(span.line)
    carets = "^" * max(1, _width(marked))
    return [
        f"  {number} | {before}{marked}{after}".rstrip(),
        f"  {' ' * len(number)} | {' ' * _width(before)}{paint(carets)}",
    ]


def _displayed(text: str) -> str:
    """``text`` with tabs as one blank, which keeps columns, and nothing that a terminal obeys."""
    return printable(text.replace("\t", " "))


def _width(text: str) -> int:
    """The number of cells that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
