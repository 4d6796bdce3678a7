"""YAML text to plain values and a tree of spans, in one pass over the parser's events.

PyYAML's loaders read YAML 1.1 (``no`` is False, ``1e-5`` a string), keep the last of duplicate keys,
and crash on deep nesting. The event stream does none of this: scalars get YAML 1.2's core meaning
here, and every guard (size, depth, aliases, tags, duplicate keys, several documents) stands beside
the event that it concerns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from netspec.errors import Diagnostic, NetspecError, Span, Text, fail

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_DIGITS = 30
MAX_PROBLEMS = 100
"""How many problems of a text are told; the rest is then left unread."""

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
    """A parsed text: plain values (dict, list, str, int, float, bool, None) and their places.

    Attributes:
        data: the values.
        spans: where they stand.
        file: what diagnostics call the text.
        problems: what the text has that the language has not; none of a document from :func:`parse`.
        unreadable: the places of values that are therefore unknown, whatever ``data`` has there.
    """

    data: Any
    spans: SpanTree
    file: str
    problems: tuple[Diagnostic, ...] = ()
    unreadable: tuple[Location, ...] = ()


def decode(raw: bytes, file: str) -> str:
    """Bytes to text; refuses what is too large or not UTF-8."""
    if len(raw) > MAX_BYTES:
        raise fail("NS501", f"{file}: larger than {MAX_BYTES:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        raise fail("NS110", "the file is not UTF-8 text", Text.of(before, file).end) from None


def parse(text: str, file: str = "<string>") -> Document:
    """Parse one YAML document; raises :class:`NetspecError` with every problem and its position."""
    document = parse_recovering(text, file)
    if document.problems:
        raise NetspecError(document.problems)
    return document


def parse_recovering(text: str, file: str) -> Document:
    """Parse one YAML document as far as it makes sense.

    Raises :class:`NetspecError` where the text cannot be read to its end.
    """
    text = text.removeprefix("\ufeff")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        place = Text.of(text[: error.start], file).end
        raise fail("NS110", "half a character, which UTF-8 does not hold", place) from None
    if size > MAX_BYTES:
        raise fail("NS501", f"{file}: larger than {MAX_BYTES:,} bytes")
    return _Reader(text, file).read()


_ABOUT_DEPTH = ("did not find expected key", "did not find expected '-' indicator")
"""What the parser says where a line of a block stands too far in or out."""

_ABOUT_FLOW = ("did not find expected ',' or '}'", "did not find expected ',' or ']'")
"""What it says where a value inside braces or brackets ends, for one, at a bracket of its own."""


_BARE_WORD = r"[ \t]*(?:- +)*(?P<word>[A-Za-z_][\w.]*)[ \t]*(?:#.*)?\Z"

_KEY = r"[ \t]*(?P<key>[\w.\"']+)[ \t]*:(?:\s|\Z)"


def _without_colon(above: str, line: str) -> str | None:
    """Help where the line above ``line`` holds a single word, and ``line`` a key that belongs to it."""
    match, key = re.match(_BARE_WORD, above), re.match(_KEY, line)
    if match is None or key is None or key.start("key") < match.start("word"):
        return None
    word = match["word"]
    return f"what has keys beneath it ends with a colon: `{word}:` on the line above"


class _Calls:
    """Watches for calls, such as `f(a, b)`, that the commas of a flow collection have cut.

    Attributes:
        place: the key or index of the first piece.
        pieces: what was between the commas.
        span: from the first piece to the last.
    """

    place: str | int
    span: Span

    def __init__(self, is_flow: bool | None) -> None:
        self._is_flow = bool(is_flow)
        self.pieces: list[str] = []

    def begin(self, place: str | int, value: Any, span: Span) -> None:
        """A value that may be the first piece of a call."""
        is_open = self._is_flow and isinstance(value, str) and _open_parentheses(value) > 0
        self.pieces = [value] if is_open else []
        self.place, self.span = place, span

    def goes_on(self, value: Any, span: Span) -> bool:
        """Whether a value is a further piece of the call at hand."""
        if not self.pieces or self.is_whole or value is None or isinstance(value, list | dict):
            return False
        self.pieces.append(str(value))
        self.span = replace(self.span, end_line=span.end_line, end_column=span.end_column)
        return True

    @property
    def is_whole(self) -> bool:
        """Whether all parentheses are closed."""
        return _open_parentheses(self.text) <= 0

    @property
    def text(self) -> str:
        """The call as it was meant."""
        return ", ".join(self.pieces)


def _open_parentheses(text: str) -> int:
    return text.count("(") - text.count(")")


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.source = Text.of(text, file)
        end = self.source.end
        self.end = end.line, end.column
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=loader))
        self.nodes = 0
        self.problems: list[Diagnostic] = []
        self.unreadable: list[Location] = []

    def read(self) -> Document:
        try:
            return self._document()
        except yaml.YAMLError as error:
            stop = self._syntax_error(error)
        except NetspecError as error:
            stop = error
        raise NetspecError((*self.problems, *stop.diagnostics))

    def _document(self) -> Document:
        data, spans = None, SpanTree(self.source.place(1, 1, 1, 1))
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                data, spans = self._node(next(self.events), ())
                next(self.events)  # the end of the document
                extra = next(self.events)
                if isinstance(extra, yaml.DocumentStartEvent):
                    message = "a second document; one file holds one"
                    self._problem("NS111", message, self._span(extra))
                break
        return Document(data, spans, self.source.file, tuple(self.problems), tuple(self.unreadable))

    def _problem(
        self, code: str, message: str, span: Span, at: Location = (), help: str | None = None
    ) -> None:
        """What is no part of the language, so that the value ``at`` its place is unknown."""
        self.problems.append(Diagnostic(code, message, span, help))
        if len(self.problems) == MAX_PROBLEMS:
            last = self.problems.pop()
            raise NetspecError([last])
        if at:
            self.unreadable.append(at)

    def _node(self, event: Any, at: Location) -> tuple[Any, SpanTree]:
        span = self._span(event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise fail("NS501", f"more than {MAX_NODES:,} values", span)
        if len(at) > MAX_DEPTH:
            raise fail("NS501", f"nested deeper than {MAX_DEPTH} levels", span)
        if isinstance(event, yaml.AliasEvent):
            message = f"alias `*{event.anchor}`: anchors and aliases are not part of the language"
            hint = "name the value in `params` or `let` instead"
            self._problem("NS112", message, span, at, hint)
            return None, SpanTree(span)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tag `{tag}`: tags are not part of the language"
            self._problem("NS113", message, span, at)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0]
            return (self._scalar(event.value, span, at) if plain else event.value), SpanTree(span)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(span, at, _Calls(event.flow_style))
        return self._mapping(span, at, _Calls(event.flow_style))

    def _sequence(self, start: Span, at: Location, calls: _Calls) -> tuple[list[Any], SpanTree]:
        items: list[Any] = []
        tree = SpanTree(start)
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            value, child = self._node(event, (*at, len(items)))
            if not calls.goes_on(value, child.span):
                calls.begin(len(items), value, child.span)
            elif calls.is_whole:
                self._cut_call(calls, at)
            tree.children[len(items)] = child
            items.append(value)
        tree.span = self._join(start, event)
        return items, tree

    def _cut_call(self, calls: _Calls, at: Location) -> None:
        """A comma has cut a call in two, as it does inside braces and brackets."""
        message = f"a comma ends a value here: `{calls.text}` is cut"
        self._problem("NS117", message, calls.span, at, f'put quotes around it: "{calls.text}"')

    def _mapping(self, start: Span, at: Location, calls: _Calls) -> tuple[dict[str, Any], SpanTree]:
        items: dict[str, Any] = {}
        tree = SpanTree(start)
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, key_span = self._key(event, at), self._span(event)
            value, child = self._node(next(self.events), at if key is None else (*at, key))
            if key is None:
                continue
            if key in items:
                hint = f"the first `{key}` is on line {tree.key_spans[key].line}"
                self._problem("NS105", f"duplicate key `{key}`", key_span, (*at, key), hint)
                continue
            if value is not None or not calls.goes_on(key, key_span):
                calls.begin(key, value, child.span)
            elif calls.is_whole:
                self._cut_call(calls, (*at, calls.place))
                for piece in calls.pieces[1:]:
                    items.pop(piece, None)
                continue
            items[key] = value
            tree.key_spans[key] = key_span
            tree.children[key] = child
        tree.span = self._join(start, event)
        return items, tree

    def _key(self, event: Any, at: Location) -> str | None:
        """The key that an event begins; None where it is no word, which is a problem."""
        if isinstance(event, yaml.ScalarEvent):
            self._node(event, (*at, event.value))
            return str(event.value)
        hint = "an expression stands as it is, without braces"
        self._problem("NS114", "a key must be a word", self._span(event), at, hint)
        if not isinstance(event, yaml.AliasEvent):
            self._node(event, at)
        return None

    def _scalar(self, text: str, span: Span, at: Location) -> Any:
        """The value of a plain scalar under YAML 1.2's core schema."""
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in "+-.0123456789":
            return text
        if _SPECIAL_FLOATS.match(text):
            message = f"`{text}` is not a number that a network can hold"
            self._problem("NS115", message, span, at)
            return None
        integer = _INTEGER.match(text) or _OCTAL.match(text) or _HEXADECIMAL.match(text)
        if (integer or _FLOAT.match(text)) and len(text) > MAX_DIGITS:
            self._problem("NS115", f"a number of more than {MAX_DIGITS} digits", span, at)
            return None
        if _INTEGER.match(text):
            return int(text, 10)
        if integer:
            return int(text, 0)
        if _FLOAT.match(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                self._problem("NS115", f"`{text}` is out of range", span, at)
                return None
            return number
        return text

    def _span(self, event: Any) -> Span:
        return self.source.place(*self._within(event.start_mark), *self._within(event.end_mark))

    def _join(self, start: Span, end: Any) -> Span:
        return self.source.place(start.line, start.column, *self._within(end.end_mark))

    def _within(self, mark: Any) -> tuple[int, int]:
        """Line and column of a mark, from 1; the end of the text where it lies beyond.

        Behind a comment that the text ends in, the parser is on a line that there is none of, and what is
        empty has its place there.
        """
        return min((mark.line + 1, mark.column + 1), self.end)

    def _syntax_error(self, error: yaml.YAMLError) -> NetspecError:
        if isinstance(error, yaml.reader.ReaderError):
            return self._unreadable(error)
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        span = None if mark is None else self._at(mark)
        hint = None
        rest = self.source.line(span.line)[span.column - 1 :] if span else ""
        if rest.startswith("\t"):
            hint = "indent with blanks; YAML takes no tabs there"
        if problem in _ABOUT_FLOW and rest.startswith(("[", "{")):
            hint = 'put quotes around what has `[` or `{` in it, such as "depths[stage]"'
        if problem in _ABOUT_DEPTH:
            hint = "is this line indented like those that it belongs with?"
        if span and (rest.startswith(":") or problem in _ABOUT_DEPTH):
            above, line = self.source.line(span.line - 1), self.source.line(span.line)
            hint = _without_colon(above, line) or hint
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
        place = self._behind(self.text.partition(chr(code))[0])
        return fail("NS100", f"not valid YAML: unacceptable character U+{code:04X}", place)

    def _behind(self, text: str) -> Span:
        """The place of the character that follows ``text``, with which the whole begins."""
        end = Text.of(text, self.source.file).end
        return self.source.place(end.line, end.column)

    def _at(self, mark: Any) -> Span:
        """The place of a mark; behind the last word where the parser has run off the end."""
        end = self._behind(self.text.rstrip())
        line, column = min((mark.line + 1, mark.column + 1), (end.line, end.column))
        return self.source.place(line, column)
