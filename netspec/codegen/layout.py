"""Lays Python out as `ruff format` does at 88 columns, so that generated source needs no formatter.

Expressions are documents: texts, places where a line may break, and groups that stay on one line
where they fit. The method is that of Wadler, "A prettier printer" (2003); where it stands for a
choice of ruff's, a comment says so. A test holds generated files against ruff itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH = 88
INDENT = 4


@dataclass(frozen=True)
class Line:
    """A place where a line may break; ``flat`` stands there when it does not."""

    flat: str = ""


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


@dataclass(frozen=True)
class Row:
    """Parts side by side."""

    parts: tuple[Document, ...]


@dataclass(frozen=True)
class Choice:
    """``then if test else other``; a statement puts parentheses around it where it breaks."""

    then: Document
    test: Document
    other: Document


@dataclass(frozen=True)
class Operation:
    """Operands joined by operators that bind alike, one for all or one between each two.

    A statement puts parentheses around it where it breaks.
    """

    operator: str | tuple[str, ...]
    operands: tuple[Document, ...]

    @property
    def operators(self) -> tuple[str, ...]:
        """What stands ahead of each operand but the first."""
        if isinstance(self.operator, tuple):
            return self.operator
        return (self.operator,) * (len(self.operands) - 1)


Document = str | Line | Group | Indent | IfBroken | Row | Choice | Operation


def brackets(opening: str, items: Sequence[Document], closing: str) -> Document:
    """Arguments: on one line, else all on a line of their own, else a line for each."""
    if not items:
        return opening + closing
    # Two groups, as ruff has it: only the inner one, a line for each item, ends in a comma.
    return Group((opening, Indent((Line(), Group(_separated(items)))), Line(), closing))


def literal(opening: str, items: Sequence[Document], closing: str) -> Document:
    """A list, tuple or dict: on one line, else a line for each of its items."""
    if not items:
        return opening + closing
    return Group((opening, Indent((Line(), *_separated(items))), Line(), closing))


def enclosed(document: Document) -> Document:
    """``(document)``."""
    return Group(("(", Indent((Line(), document)), Line(), ")"))


def enclosed_if_broken(document: Document) -> Document:
    """A document with parentheses around it where it breaks between its operands."""
    if not isinstance(document, Choice | Operation):
        return document
    inner = Group(_opened(document))
    return Group((IfBroken("("), Indent((Line(), inner)), Line(), IfBroken(")")))


def _separated(items: Sequence[Document]) -> tuple[Document, ...]:
    """Items with commas between them, and behind the last of several that have lines of their own."""
    parts: list[Document] = []
    for index, item in enumerate(items):
        parts += [",", Line(" "), item] if index else [item]
    return (*parts, IfBroken(",")) if len(items) > 1 else tuple(parts)


def call(function: Document, arguments: Sequence[Document]) -> Document:
    """``function(arguments)``."""
    return Row((function, brackets("(", arguments, ")")))


def keyword(name: str, value: Document) -> Document:
    """``name=value`` as an argument."""
    return Row((f"{name}=", value))


def comprehension(opening: str, item: Document, clause: str, closing: str) -> Document:
    """``[item for … in …]``, with any brackets."""
    inner = Group((item, Line(" "), clause))
    return Group((opening, Indent((Line(), inner)), Line(), closing))


def text_of(document: Document) -> str:
    """A document on one line."""
    return "".join(_flat(document))


def _flat(document: Document) -> Iterator[str]:
    match document:
        case str():
            yield document
        case Line(flat=flat):
            yield flat
        case IfBroken():
            return
        case Group(parts=parts) | Indent(parts=parts) | Row(parts=parts):
            for part in parts:
                yield from _flat(part)
        case _:
            for part in _opened(document):
                yield from _flat(part)


def _opened(document: Choice | Operation) -> tuple[Document, ...]:
    """The parts of an expression that may break between its operands."""
    if isinstance(document, Choice):
        return (
            *(document.then, Line(" "), "if ", document.test),
            *(Line(" "), "else ", document.other),
        )
    first, *rest = document.operands
    parts: list[Document] = [first]
    for operator, operand in zip(document.operators, rest, strict=True):
        parts += [Line(" "), f"{operator} ", operand]
    return tuple(parts)


def lay_out(document: Document, prefix: str = "", suffix: str = "", level: int = 0) -> list[str]:
    """The lines of a statement ``prefix document suffix``, ``level`` levels deep."""
    if isinstance(document, Operation) and _breaks_in_brackets(document):
        lines = lay_out(_joined(document), prefix, suffix, level)
        if len(lines[0]) <= WIDTH:
            return lines
    document = enclosed_if_broken(document)
    indent = " " * (INDENT * level)
    text = _Printer().print((indent + prefix, document, suffix), level)
    return [line.rstrip() for line in text.split("\n")]


def _breaks_in_brackets(operation: Operation) -> bool:
    """Whether ruff tries without parentheses: there are brackets to break behind a single operator."""
    operands = operation.operands
    inner = [each.operators for each in operands if isinstance(each, Operation)]
    return (
        len(operands) == 2
        and not any(operation.operators[0] in operators for operators in inner)
        and not any(isinstance(each, Choice) for each in operands)
        and _ends_in_brackets(operation)
    )


def _ends_in_brackets(document: Document) -> bool:
    match document:
        case Row(parts=(*_, last)) | Operation(operands=(*_, last)):
            return _ends_in_brackets(last)
        case Group(parts=(str(opening), *_)):
            return opening in ("(", "[", "{")
    return False


def _joined(document: Document) -> Document:
    """The document with its operators where no line breaks."""
    if not isinstance(document, Operation):
        return document
    first, *rest = map(_joined, document.operands)
    pairs = zip(document.operators, rest, strict=True)
    return Row((first, *(part for sign, operand in pairs for part in (f" {sign} ", operand))))


@dataclass
class _Entry:
    level: int
    broken: bool
    document: Document


class _Printer:
    def __init__(self) -> None:
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
            case Line(flat=flat):
                if broken:
                    self.out.append("\n" + " " * (INDENT * level))
                    self.column = INDENT * level
                else:
                    self._put(flat)
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
            case _:
                # Within brackets a conditional or an operation is a group of its own.
                stack.append(_Entry(level, broken, Group(_opened(document))))

    def _put(self, text: str) -> None:
        self.out.append(text)
        self.column += len(text)

    def _fits(self, parts: tuple[Document, ...], rest: list[_Entry]) -> bool:
        """Whether the parts fit on this line, with what follows them up to where a line may break."""
        room = WIDTH - self.column
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
                case Line(flat=flat):
                    if entry.broken:
                        return True
                    room -= len(flat)
                case IfBroken(text=text):
                    room -= len(text) if entry.broken else 0
                case Group(parts=inner) | Indent(parts=inner) | Row(parts=inner):
                    pending += [_Entry(0, entry.broken, part) for part in reversed(inner)]
                case _:
                    inner = _opened(entry.document)
                    pending += [_Entry(0, entry.broken, part) for part in reversed(inner)]
        return False
