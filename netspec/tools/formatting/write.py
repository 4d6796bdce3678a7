"""Prints a tree in the canonical layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netspec.tools.formatting.order import ordered, shape_below
from netspec.tools.formatting.tree import Collection, Entry, Node, Remark, Scalar

WIDTH = 100
STEP = 2
LONGEST_KEY = 1000
"""YAML allows 1,024 characters between the start of a key and its colon."""


@dataclass(frozen=True)
class Line:
    """A line of output.

    Attributes:
        indent: the number of spaces ahead of it.
        text: what it says; nothing where it is blank.
        comment: a comment behind that.
        content: it belongs to a block text, where spaces and blank lines count.
    """

    indent: int
    text: str
    comment: str | None = None
    content: bool = False

    @property
    def remark(self) -> bool:
        """Whether it is a comment, or blank."""
        return not self.content and (not self.text or self.text.startswith("#"))


BLANK = Line(0, "")


def write(root: Collection, header: Sequence[Remark], shape: str) -> str:
    """The text of a file; ``header`` are the comments ahead of everything."""
    lines: list[Line] = []
    _add_remarks(lines, header, 0)
    first = root.entries[0]
    if lines and first.blank:
        lines.append(BLANK)
    first.blank = False
    lines += _collection(root, 0, shape)
    return "".join(f"{line}\n" for line in _printed(lines))


def _printed(lines: list[Line]) -> list[str]:
    """Lines as text; comments behind neighbours of the same indentation are aligned."""
    result: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        end = number + 1
        while line.comment and end < len(lines) and _aligned(line, lines[end]):
            end += 1
        run = lines[number:end]
        widths = [line.indent + len(line.text) for line in run]
        longest = max(len(line.comment or "") for line in run)
        column = max(widths) + 2
        for width, each in zip(widths, run, strict=True):
            text = " " * each.indent + each.text if each.text else ""
            if each.comment:
                gap = column - width if column + longest <= WIDTH else 2
                text += " " * gap + each.comment
            result.append(text)
        number = end
    return result


def _aligned(line: Line, other: Line) -> bool:
    return other.comment is not None and other.indent == line.indent


def _add_remarks(lines: list[Line], remarks: Sequence[Remark], indent: int) -> None:
    for remark in remarks:
        _add_blank(lines, remark.blank)
        lines.append(Line(indent, remark.text))


def _add_blank(lines: list[Line], blank: bool) -> None:
    """A blank line, but never at the start, twice, or behind a text that it would become part of."""
    if blank and lines and lines[-1] != BLANK and not (lines[-1].content and not lines[-1].text):
        lines.append(BLANK)


def _collection(collection: Collection, indent: int, shape: str) -> list[Line]:
    """A collection in block style."""
    lines: list[Line] = []
    for entry in ordered(collection, shape):
        _add_remarks(lines, entry.leading, indent)
        own = _pair(entry, indent, shape) if collection.mapping else _item(entry, indent, shape)
        _add_blank(lines, entry.blank)
        lines += own
    _add_remarks(lines, collection.tail, indent)
    return lines


def _pair(entry: Entry, indent: int, shape: str) -> list[Line]:
    """A key with its value."""
    key = entry.key
    assert key is not None
    if key.block or len(key.lines) > 1 or len(key.lines[0] if key.lines else "") > LONGEST_KEY:
        question = _prefixed("?", key, None, indent, "any")
        return [
            *question,
            *_prefixed(":", entry.value, entry.trailing, indent, shape_below(shape, entry)),
        ]
    name = f"{_key_text(key)}:"
    below = shape_below(shape, entry)
    inline = _inline(entry.value, below, indent + len(name) + 1)
    if inline is not None:
        return [Line(indent, f"{name} {inline}".rstrip(), entry.trailing)]
    if isinstance(entry.value, Collection):
        return [Line(indent, name, entry.trailing), *_collection(entry.value, indent + STEP, below)]
    return _scalar_lines(entry.value, name, entry.trailing, indent)


def _key_text(key: Scalar) -> str:
    return key.lines[0] if key.lines else '""'


def _item(entry: Entry, indent: int, shape: str) -> list[Line]:
    return _prefixed("-", entry.value, entry.trailing, indent, shape_below(shape, entry))


def _prefixed(mark: str, value: Node, trailing: str | None, indent: int, shape: str) -> list[Line]:
    """A value behind a dash, or behind the signs of a long key."""
    inline = _inline(value, shape, indent + STEP)
    if inline is not None:
        return [Line(indent, f"{mark} {inline}".rstrip(), trailing)]
    if isinstance(value, Scalar):
        return _scalar_lines(value, mark, trailing, indent)
    lines = _collection(value, indent + STEP, shape)
    ahead = [Line(indent, trailing)] if trailing else []
    while lines[0].remark:
        line = lines.pop(0)
        ahead.append(replace(line, indent=indent) if line.text else line)
    first = replace(lines[0], indent=indent, text=f"{mark} {lines[0].text}")
    return [*ahead, first, *lines[1:]]


def _inline(value: Node, shape: str, column: int) -> str | None:
    """The value on one line that starts at ``column``; None where it needs several."""
    if isinstance(value, Scalar):
        single = value.block is None and len(value.lines) <= 1
        return "".join(value.lines) if single else None
    if not value.entries:
        return "{}" if value.mapping else "[]"
    text = _flow(value, shape) if value.flow else None
    return text if text is not None and column + len(text) <= WIDTH else None


def _flow(value: Node, shape: str) -> str | None:
    """The value in flow style; None where comments or several lines are in the way."""
    if isinstance(value, Scalar):
        if value.block is not None or len(value.lines) > 1:
            return None
        return "".join(value.lines) or "null"
    if value.tail or any(entry.leading or entry.trailing for entry in value.entries):
        return None
    parts: list[str] = []
    for entry in ordered(value, shape):
        item = _flow(entry.value, shape_below(shape, entry))
        if item is None:
            return None
        if entry.key is not None:
            key = _flow(entry.key, "any") if entry.key.lines else '""'
            if key is None or len(key) > LONGEST_KEY:
                return None
            item = f"{key}: {item}"
        parts.append(item)
    return ("{%s}" if value.mapping else "[%s]") % ", ".join(parts)


def _scalar_lines(value: Scalar, head: str, trailing: str | None, indent: int) -> list[Line]:
    """A scalar of several lines behind ``head``; its further lines are indented from there."""
    deeper = indent + STEP
    if value.block is None:
        first, *middle, last = value.lines
        return [
            Line(indent, f"{head} {first}", content=True),
            *(Line(deeper, line, content=True) for line in middle),
            Line(deeper, last, trailing),
        ]
    block = value.block
    if block.newlines == 0:
        chomping, blank = "-", 0
    elif block.newlines == 1 and block.lines:
        chomping, blank = "", 0
    else:
        chomping, blank = "+", block.newlines - bool(block.lines)
    indicator = STEP if _needs_indicator(block.lines) else ""
    return [
        Line(indent, f"{head} {block.style}{indicator}{chomping}", trailing, content=True),
        *(Line(deeper, line, content=True) for line in block.lines),
        *(Line(deeper, "", content=True) for _ in range(blank)),
    ]


def _needs_indicator(lines: Sequence[str]) -> bool:
    """Whether the indentation of a block text cannot be told from its first lines."""
    for line in lines:
        if line.startswith((" ", "\t")):
            return True
        if line:
            return False
    return False
