"""Documents: texts, places where a line may break, and groups that stay on one line where they fit.

The method is that of Wadler, "A prettier printer" (2003).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

INDENT = 4


@dataclass(frozen=True)
class Line:
    """A place where a line may break; ``flat`` stands there when it does not."""

    flat: str = ""


@dataclass(frozen=True)
class Row:
    """Parts side by side."""

    parts: tuple[Document, ...]


@dataclass(frozen=True)
class Group:
    """Parts that are laid out on one line if they fit there."""

    parts: tuple[Document, ...]


@dataclass(frozen=True)
class Indent:
    """Parts whose lines stand one level deeper."""

    parts: tuple[Document, ...]


@dataclass(frozen=True)
class IfBroken:
    """Text that stands only where the group around it is broken over lines."""

    text: str


Document = str | Line | Row | Group | Indent | IfBroken


def row(*parts: Document) -> Document:
    """Parts side by side."""
    return Row(parts)


def brackets(opening: str, items: Sequence[Document], closing: str) -> Document:
    """Arguments: on one line, else all on a line of their own, else a line for each."""
    if not items:
        return opening + closing
    # Two groups, as ruff has it: only the inner one, a line for each item, ends in a comma.
    return Group((opening, Indent((Line(), Group(separated(items)))), Line(), closing))


def literal(opening: str, items: Sequence[Document], closing: str) -> Document:
    """A list, tuple or dict: on one line, else a line for each of its items."""
    if not items:
        return opening + closing
    return Group((opening, Indent((Line(), *separated(items))), Line(), closing))


def enclosed(document: Document) -> Document:
    """``(document)``."""
    return Group(("(", Indent((Line(), document)), Line(), ")"))


def enclosed_if_broken(*parts: Document) -> Document:
    """Parts with parentheses around them where they break over lines."""
    return Group((IfBroken("("), Indent((Line(), *parts)), Line(), IfBroken(")")))


def separated(items: Sequence[Document]) -> tuple[Document, ...]:
    """Items with commas between them, and behind the last of several that have lines of their own."""
    parts: list[Document] = []
    for index, item in enumerate(items):
        parts += [",", Line(" "), item] if index else [item]
    return (*parts, IfBroken(",")) if len(items) > 1 else tuple(parts)


def flat(document: Document) -> str:
    """A document on one line."""
    return "".join(_flat(document))


def _flat(document: Document) -> Iterator[str]:
    match document:
        case str():
            yield document
        case Line(flat=text):
            yield text
        case IfBroken():
            return
        case Group(parts=parts) | Indent(parts=parts) | Row(parts=parts):
            for part in parts:
                yield from _flat(part)


def lines_of(document: Document, level: int, width: int) -> list[str]:
    """The lines of a document that stands ``level`` levels deep, of ``width`` characters where it can."""
    margin = " " * (INDENT * level)
    text = _Printer(width).print((margin, document), level)
    return [line.rstrip() for line in text.split("\n")]


@dataclass
class _Entry:
    level: int
    broken: bool
    document: Document


class _Printer:
    def __init__(self, width: int) -> None:
        self.width = width
        self.out: list[str] = []
        self.column = 0

    def print(self, parts: tuple[Document, ...], level: int) -> str:
        stack = [_Entry(level, True, part) for part in reversed(parts)]
        while stack:
            self._step(stack.pop(), stack)
        return "".join(self.out)

    def _step(self, entry: _Entry, stack: list[_Entry]) -> None:
        level, broken, document = entry.level, entry.broken, entry.document
        match document:
            case str():
                self._put(document)
            case Line(flat=text):
                if broken:
                    self.out.append("\n" + " " * (INDENT * level))
                    self.column = INDENT * level
                else:
                    self._put(text)
            case IfBroken(text=text):
                if broken:
                    self._put(text)
            case Indent(parts=parts):
                stack.extend(_Entry(level + 1, broken, part) for part in reversed(parts))
            case Row(parts=parts):
                stack.extend(_Entry(level, broken, part) for part in reversed(parts))
            case Group(parts=parts):
                inside = broken and not self._fits(parts, stack)
                stack.extend(_Entry(level, inside, part) for part in reversed(parts))

    def _put(self, text: str) -> None:
        self.out.append(text)
        self.column += len(text)

    def _fits(self, parts: tuple[Document, ...], rest: list[_Entry]) -> bool:
        """Whether the parts fit on this line, with what follows them up to where a line may break."""
        room = self.width - self.column
        pending = [_Entry(0, False, part) for part in reversed(parts)]
        following = len(rest) - 1
        while room >= 0:
            if not pending:
                if following < 0:
                    return True
                pending.append(rest[following])
                following -= 1
                continue
            entry = pending.pop()
            match entry.document:
                case str() as text:
                    room -= len(text)
                case Line(flat=text):
                    if entry.broken:
                        return True
                    room -= len(text)
                case IfBroken(text=text):
                    room -= len(text) if entry.broken else 0
                case Group(parts=inner) | Indent(parts=inner) | Row(parts=inner):
                    pending += [_Entry(0, entry.broken, part) for part in reversed(inner)]
        return False
