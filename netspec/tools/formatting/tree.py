"""A YAML text as a tree that knows where everything stands, and every scalar as it was written.

PyYAML's nodes give the structure, its tokens the places of what nodes leave out: the dashes of
lists, and where a comment can be. A scalar is never written anew from its value, so what it means
cannot change.
"""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from netspec.errors import Span, fail

BREAKS = "\n\x85\u2028\u2029"
"""What ends a line for the parser, once carriage returns are gone."""

_BREAK = re.compile(f"[{BREAKS}]")
_ODD_BREAK = re.compile(f"[{BREAKS[1:]}]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SPACES = re.compile(r"[ \t]*")
_COMMENT = re.compile(f"#[^{BREAKS}]*")
_HEAD = re.compile(f"[|>][-+0-9]*[ \\t]*(#[^{BREAKS}]*)?")
_ODD_BACKSLASHES = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")


@dataclass(frozen=True)
class BlockText:
    """A literal or folded text: ``|`` or ``>``, and its lines without their indentation."""

    style: str
    lines: tuple[str, ...]
    newlines: int
    """How many line ends its value ends with."""


@dataclass(eq=False)
class Scalar:
    """A plain or quoted scalar by its lines, as written, or a block text; no line where it is empty."""

    start: int
    end: int
    lines: tuple[str, ...] = ()
    block: BlockText | None = None


@dataclass(frozen=True)
class Remark:
    """A comment on a line of its own, and whether a blank line is ahead of it."""

    text: str
    blank: bool


@dataclass(eq=False)
class Entry:
    """An item of a list, or a key with its value.

    Attributes:
        start: where it begins: its dash, or its key.
        parent: the collection that it is in.
        leading: comments ahead of it.
        trailing: the comment behind it, on its line.
        blank: whether a blank line is ahead of it, behind its leading comments.
    """

    start: int
    parent: Collection
    key: Scalar | None
    value: Node
    leading: list[Remark] = field(default_factory=list)
    trailing: str | None = None
    blank: bool = False


@dataclass(eq=False)
class Collection:
    """A mapping or a list; ``owner`` is the entry that it is the value of, ``tail`` its last comments."""

    start: int
    mapping: bool
    flow: bool
    owner: Entry | None
    end: int = 0
    entries: list[Entry] = field(default_factory=list)
    tail: list[Remark] = field(default_factory=list)


Node = Scalar | Collection


class Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in _BREAK.finditer(text))]

    def number(self, place: int) -> int:
        """The number of the line that holds ``place``, from 0."""
        return bisect(self.starts, place) - 1

    def column(self, place: int) -> int:
        """The number of characters ahead of ``place`` on its line."""
        return place - self.starts[self.number(place)]

    def end(self, place: int) -> int:
        """Where the line that holds ``place`` ends, ahead of its break."""
        following = self.number(place) + 1
        return self.starts[following] - 1 if following < len(self.starts) else len(self.text)

    def is_first(self, place: int) -> bool:
        """Whether nothing but spaces is ahead of ``place`` on its line."""
        return place <= self.first_word(self.number(place))

    def is_blank(self, number: int) -> bool:
        """Whether a line holds nothing but spaces."""
        return self.first_word(number) >= self.end(self.starts[number])

    def first_word(self, number: int) -> int:
        """Where the first character of a line stands that is no space."""
        return _SPACES.match(self.text, self.starts[number]).end()  # type: ignore[union-attr]


@dataclass(frozen=True, eq=False)
class Tree:
    """A whole text.

    Attributes:
        text: with line feeds for carriage returns.
        lines: its lines.
        root: the mapping that it holds.
        comments: where each comment starts and ends, in order.
        block_texts: where each block text starts and ends, in order.
    """

    text: str
    lines: Lines
    root: Collection
    comments: tuple[tuple[int, int], ...]
    block_texts: tuple[tuple[int, int], ...]

    def follows_blank(self, place: int) -> bool:
        """Whether ``place`` is the first on its line, and the line before is blank.

        A blank line that is part of a block text is none.
        """
        number = self.lines.number(place)
        if number == 0 or not self.lines.is_first(place) or not self.lines.is_blank(number - 1):
            return False
        before = self.lines.starts[number - 1]
        ahead = bisect(self.block_texts, (before, len(self.text)))
        return ahead == 0 or self.block_texts[ahead - 1][1] < before


def read_tree(text: str, file: str) -> Tree:
    """The tree of a text that :func:`netspec.lang.source.parse` takes and whose root is a mapping.

    Raises :class:`NetspecError` for an anchor.
    """
    text = with_line_feeds(text)
    tokens = list(yaml.scan(text, Loader=_LOADER))
    _refuse_anchors(tokens, file)
    reader = _Reader(text, tokens)
    root = reader.collection(yaml.compose(text, Loader=_LOADER))
    comments = tuple(_find_comments(text, tokens))
    return Tree(text, reader.lines, root, comments, tuple(reader.block_texts))


def comments_of(text: str) -> list[str]:
    """The comments in a text of line feeds, in order."""
    return [text[start:end] for start, end in _find_comments(text, yaml.scan(text, Loader=_LOADER))]


def with_line_feeds(text: str) -> str:
    """The text without a byte order mark and carriage returns, which mean nothing."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _refuse_anchors(tokens: Iterable[Any], file: str) -> None:
    for token in tokens:
        if isinstance(token, yaml.AnchorToken):
            line, column = token.start_mark.line + 1, token.start_mark.column + 1
            message = f"anchor `&{token.value}`: anchors and aliases are not part of the language"
            raise fail("NS112", message, Span(file, line, column, line, column + 1))


def _find_comments(text: str, tokens: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """What stands between scalars and begins with a ``#``; and behind the head of a block text."""
    place = 0
    for token in tokens:
        if isinstance(token, yaml.ScalarToken):
            for match in _COMMENT.finditer(text, place, token.start_mark.index):
                yield match.span()
            head = _HEAD.match(text, token.start_mark.index) if token.style in ("|", ">") else None
            if head and head[1]:
                yield head.span(1)
            place = token.end_mark.index
    for match in _COMMENT.finditer(text, place):
        yield match.span()


class _Reader:
    def __init__(self, text: str, tokens: list[Any]) -> None:
        self.text = text
        self.lines = Lines(text)
        self.block_texts: list[tuple[int, int]] = []
        self.scalars = (token for token in tokens if isinstance(token, yaml.ScalarToken))
        self.dashes = (token for token in tokens if isinstance(token, yaml.BlockEntryToken))

    def collection(self, node: Any, owner: Entry | None = None) -> Collection:
        """The collection that PyYAML made a node of."""
        mapping, flow = isinstance(node, yaml.MappingNode), bool(node.flow_style)
        start, end = node.start_mark.index, node.end_mark.index
        found = Collection(start, mapping, flow, owner, end)
        for item in node.value:
            key, value = item if mapping else (None, item)
            found.entries.append(self._entry(key, value, found))
        return found

    def _entry(self, key: Any, value: Any, parent: Collection) -> Entry:
        start = (key or value).start_mark.index
        if not parent.mapping and not parent.flow:
            start = next(self.dashes).start_mark.index
        indent = self.lines.column(parent.start)
        entry = Entry(start, parent, key and self._scalar(key, indent), Scalar(start, start))
        if isinstance(value, yaml.ScalarNode):
            entry.value = self._scalar(value, indent)
        else:
            entry.value = self.collection(value, entry)
        return entry

    def _scalar(self, node: Any, indent: int) -> Scalar:
        if not node.style and not node.value:
            return Scalar(node.start_mark.index, node.start_mark.index)
        token = next(self.scalars)
        start, end = token.start_mark.index, token.end_mark.index
        if node.style in ("|", ">"):
            scalar = self._block_text(start, node, indent)
        else:
            scalar = Scalar(start, end, tuple(_stripped(self.text[start:end])))
        if _ODD_BREAK.search(self.text, start, scalar.end):
            return Scalar(start, scalar.end, (quoted(node.value),))
        return scalar

    def _block_text(self, start: int, node: Any, indent: int) -> Scalar:
        """A block text, with its lines found as the parser finds them."""
        header_end = self.lines.end(start)
        header = self.text[start:header_end].split("#")[0].strip()
        explicit = [char for char in header if char.isdigit()]
        least = indent + int(explicit[0]) if explicit else 0
        lines: list[tuple[str, int]] = []
        place, longest = header_end, 0
        while place < len(self.text):
            end = self.lines.end(place + 1)
            line = self.text[place + 1 : end]
            spaces = len(line) - len(line.lstrip(" "))
            if not least:
                longest = max(longest, spaces)
                if line.strip(" "):
                    least = max(longest, indent + 1)
            if line.strip(" ") and spaces < least:
                break
            lines.append((line, end))
            place = end
        content = [(line[least or longest or indent + 1 :], end) for line, end in lines]
        newlines = len(node.value) - len(node.value.rstrip("\n"))
        while content and not content[-1][0]:
            content.pop()
        if "+" not in header:  # blank lines behind the text are no part of it
            place = content[-1][1] if content else header_end
        self.block_texts.append((start, place))
        block = BlockText(node.style, tuple(line for line, _ in content), newlines)
        return Scalar(start, place, block=block)


def _stripped(raw: str) -> Iterator[str]:
    """The lines of a plain or quoted scalar without the spaces that folding takes away."""
    lines = raw.split("\n")
    for number, line in enumerate(lines):
        if number > 0:
            line = line.lstrip(" \t")
        if number < len(lines) - 1:
            bare = line.rstrip(" \t")
            if raw.startswith('"') and _ODD_BACKSLASHES.search(bare) and bare != line:
                escaped = line[len(bare)]  # a space that is meant
                bare = bare[:-1] + ("\\t" if escaped == "\t" else "\\x20")
            line = bare
        yield line


def quoted(value: str) -> str:
    """A text in double quotes, on one line."""
    return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=math.inf).rstrip()
