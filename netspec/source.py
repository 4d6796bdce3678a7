"""YAML text to plain values and a tree of spans, in one pass over the parser's events.

PyYAML's loaders read YAML 1.1 (``no`` is False, ``1e-5`` a string), keep the last of duplicate keys,
and crash on deep nesting. The event stream does none of this: scalars get YAML 1.2's core meaning
here, and every guard (size, depth, aliases, tags, duplicate keys, several documents) stands beside
the event that it concerns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from netspec.errors import (
    Diagnostic,
    NetspecError,
    Span,
    fail,
    remember_source,
    source_line,
    split_lines,
)

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_DIGITS = 30

Location = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SPECIAL_FLOATS = re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)\Z")


@dataclass
class SpanTree:
    """Where a value stands in its text, and where each of its keys and items does."""

    span: Span
    key_spans: dict[str, Span] = field(default_factory=dict)
    children: dict[str | int, SpanTree] = field(default_factory=dict)

    def find(self, location: Location) -> Span:
        """The span of the value at ``location``, or of its nearest enclosing value that exists."""
        return self.subtree(location).span

    def find_key(self, location: Location) -> Span:
        """The span of the key that ends ``location``; of the value where that is an item of a list."""
        tree = self.subtree(location[:-1])
        last = location[-1] if location else None
        if isinstance(last, str) and last in tree.key_spans:
            return tree.key_spans[last]
        return self.find(location)

    def subtree(self, location: Location) -> SpanTree:
        """The tree at ``location``, or of its nearest enclosing value that exists.

        A part that leads nowhere is passed over: a single step may stand for a list of one, and
        Pydantic puts the members of a union among the parts.
        """
        tree = self
        for part in location:
            tree = tree.children.get(part, tree)
        return tree


@dataclass(frozen=True)
class Document:
    """A parsed text: plain values (dict, list, str, int, float, bool, None) and their places."""

    data: Any
    spans: SpanTree
    file: str


def decode(raw: bytes, file: str) -> str:
    """Bytes to text; refuses what is too large or not UTF-8."""
    if len(raw) > MAX_BYTES:
        raise fail("NS501", f"{file}: larger than {MAX_BYTES:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        raise fail("NS110", "the file is not UTF-8 text", _place_behind(before, file)) from None


def parse(text: str, file: str = "<string>") -> Document:
    """Parse one YAML document; raises :class:`NetspecError` with a position for whatever is wrong."""
    text = text.removeprefix("\ufeff")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        place = _place_behind(text[: error.start], file)
        raise fail("NS110", "half a character, which UTF-8 does not hold", place) from None
    if size > MAX_BYTES:
        raise fail("NS501", f"{file}: larger than {MAX_BYTES:,} bytes")
    remember_source(file, text)
    return _Reader(text, file).read()


def _place_behind(text: str, file: str) -> Span:
    """The place of the character that follows ``text``."""
    lines = split_lines(text)
    line, column = len(lines), len(lines[-1]) + 1
    return Span(file, line, column, line, column + 1)


_ABOUT_DEPTH = ("did not find expected key", "did not find expected '-' indicator")
"""What the parser says where a line of a block stands too far in or out."""


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=loader))
        self.nodes = 0

    def read(self) -> Document:
        try:
            return self._document()
        except yaml.YAMLError as error:
            raise self._syntax_error(error) from None

    def _document(self) -> Document:
        start = Span(self.file, 1, 1, 1, 1)
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                data, spans = self._node(next(self.events), 0)
                next(self.events)  # the end of the document
                extra = next(self.events)
                if isinstance(extra, yaml.DocumentStartEvent):
                    raise fail("NS111", "a second document; one file holds one", self._span(extra))
                return Document(data, spans, self.file)
        return Document(None, SpanTree(start), self.file)

    def _node(self, event: Any, depth: int) -> tuple[Any, SpanTree]:
        span = self._span(event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise fail("NS501", f"more than {MAX_NODES:,} values", span)
        if depth > MAX_DEPTH:
            raise fail("NS501", f"nested deeper than {MAX_DEPTH} levels", span)
        if isinstance(event, yaml.AliasEvent):
            raise fail(
                "NS112",
                f"alias `*{event.anchor}`: anchors and aliases are not part of the language",
                span,
                help="name the value in `params` or `let` instead",
            )
        if event.tag is not None:
            raise fail("NS113", f"tag `{event.tag}`: tags are not part of the language", span)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0]
            return (self._scalar(event.value, span) if plain else event.value), SpanTree(span)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(span, depth)
        return self._mapping(span, depth)

    def _sequence(self, start: Span, depth: int) -> tuple[list[Any], SpanTree]:
        items: list[Any] = []
        tree = SpanTree(start)
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            value, child = self._node(event, depth + 1)
            tree.children[len(items)] = child
            items.append(value)
        tree.span = self._join(start, event)
        return items, tree

    def _mapping(self, start: Span, depth: int) -> tuple[dict[str, Any], SpanTree]:
        items: dict[str, Any] = {}
        tree = SpanTree(start)
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key_span = self._span(event)
            if not isinstance(event, yaml.ScalarEvent):
                hint = "an expression stands as it is, without braces"
                raise fail("NS114", "a key must be a word", key_span, help=hint)
            key = event.value
            self._node(event, depth + 1)
            if key in items:
                hint = f"the first `{key}` is on line {tree.key_spans[key].line}"
                raise fail("NS105", f"duplicate key `{key}`", key_span, help=hint)
            value, child = self._node(next(self.events), depth + 1)
            items[key] = value
            tree.key_spans[key] = key_span
            tree.children[key] = child
        tree.span = self._join(start, event)
        return items, tree

    def _scalar(self, text: str, span: Span) -> Any:
        """The value of a plain scalar under YAML 1.2's core schema."""
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in "+-.0123456789":
            return text
        if _SPECIAL_FLOATS.match(text):
            raise fail("NS115", f"`{text}` is not a number that a network can hold", span)
        integer = _INTEGER.match(text) or _OCTAL.match(text) or _HEXADECIMAL.match(text)
        if (integer or _FLOAT.match(text)) and len(text) > MAX_DIGITS:
            raise fail("NS115", f"a number of more than {MAX_DIGITS} digits", span)
        if _INTEGER.match(text):
            return int(text, 10)
        if integer:
            return int(text, 0)
        if _FLOAT.match(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                raise fail("NS115", f"`{text}` is out of range", span)
            return number
        return text

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _join(self, start: Span, end: Any) -> Span:
        mark = end.end_mark
        return Span(self.file, start.line, start.column, mark.line + 1, mark.column + 1)

    def _syntax_error(self, error: yaml.YAMLError) -> NetspecError:
        if isinstance(error, yaml.reader.ReaderError):
            return self._unreadable(error)
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        span = None if mark is None else self._at(mark)
        hint = None
        if span and (source_line(self.file, span.line) or "")[span.column - 1 :].startswith("\t"):
            hint = "indent with blanks; YAML takes no tabs there"
        if problem in _ABOUT_DEPTH:
            hint = "is this line indented like those that it belongs with?"
        context, start = getattr(error, "context", None) or "", getattr(error, "context_mark", None)
        trace: tuple[tuple[str, Span], ...] = ()
        if context.startswith("while parsing ") and start is not None and self._at(start) != span:
            what = context.removeprefix("while parsing ")
            trace = ((f"{what} that begins", self._at(start)),)
        return NetspecError(
            [Diagnostic("NS100", f"not valid YAML: {problem}", span, hint, trace=trace)]
        )

    def _unreadable(self, error: yaml.reader.ReaderError) -> NetspecError:
        # The C parser counts bytes and the other one characters; the first one is meant anyway.
        code = error.character if isinstance(error.character, int) else ord(error.character)
        place = _place_behind(self.text.partition(chr(code))[0], self.file)
        return fail("NS100", f"not valid YAML: unacceptable character U+{code:04X}", place)

    def _at(self, mark: Any) -> Span:
        """The place of a mark; behind the last word where the parser has run off the end."""
        end = _place_behind(self.text.rstrip(), self.file)
        line, column = min((mark.line + 1, mark.column + 1), (end.line, end.column))
        return Span(self.file, line, column, line, column + 1)
