"""Plain values as YAML text, each collection in braces or over several lines as it is marked.

The text is laid out anew by ``netspec/tools/formatting``, which breaks what does not fit a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from netspec.lang.expression.formula import print_number
from netspec.tools.formatting.tree import quoted
from netspec.tools.formatting.write import WIDTH

STEP = 2

_NUMBER = re.compile(r"[-+]?(\.?[0-9][0-9_]*(\.[0-9]*)?([eE][-+]?[0-9]+)?|0[ox][0-9a-fA-F]+)")
_IN_BRACES = re.compile(r"[A-Za-z0-9(_][A-Za-z0-9_ ().*/+<>=!%{}-]*")
_ON_A_LINE = re.compile(r"[A-Za-z0-9(]([^:#]|:(?! )|(?<! )#)*")
_OTHER = frozenset(("true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL"))
"""Words that YAML takes for something else than text."""


class Braces(dict[str, Any]):
    """A mapping in braces."""


class Brackets(list[Any]):
    """A list in brackets."""


def to_yaml(value: dict[str, Any]) -> str:
    """A mapping as YAML; keys are texts."""
    return "\n".join(_mapping(value)) + "\n"


def bare(value: Any) -> Any:
    """The value without marks, as YAML is read."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items()}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def is_short(value: dict[str, Any]) -> bool:
    """Whether a mapping that is an item of a section is well written in braces: on a line, without quotes."""
    text = _inline(value, _IN_BRACES)
    return len(text) <= WIDTH - 2 * STEP and not any(
        "{" in str(item) for item in value.values() if isinstance(item, str)
    )


def _mapping(value: dict[str, Any]) -> Iterator[str]:
    for key, inner in value.items():
        yield from _behind(f"{_text(key, _ON_A_LINE)}:", inner)


def _list(value: list[Any]) -> Iterator[str]:
    for item in value:
        if isinstance(item, dict) and not isinstance(item, Braces) and item:
            first, *others = _mapping(item)
            yield f"- {first}"
            yield from _deeper(others)
        else:
            yield from _behind("-", item)


def _behind(head: str, value: Any) -> Iterator[str]:
    """A value behind a key or a dash: on the line, or below it."""
    if value is None:
        yield head
    elif isinstance(value, dict | list) and value and not isinstance(value, Braces | Brackets):
        yield head
        yield from _deeper(_mapping(value) if isinstance(value, dict) else _list(value))
    else:
        yield f"{head} {_inline(value, _ON_A_LINE)}"


def _deeper(lines: Iterator[str] | list[str]) -> Iterator[str]:
    for line in lines:
        yield " " * STEP + line


def _inline(value: Any, plain: re.Pattern[str]) -> str:
    match value:
        case dict():
            inner = (
                f"{_text(key, _IN_BRACES)}: {_inline(item, _IN_BRACES)}"
                for key, item in value.items()
            )
            return f"{{{', '.join(inner)}}}"
        case list():
            return f"[{', '.join(_inline(item, _IN_BRACES) for item in value)}]"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return print_number(value)
    return _text(str(value), plain)


def _text(text: str, plain: re.Pattern[str]) -> str:
    """A text without quotes where YAML reads it as that text."""
    reads_so = (
        plain.fullmatch(text)
        and text not in _OTHER
        and not _NUMBER.fullmatch(text)
        and text.isprintable()
        and not text.endswith((" ", ":"))
    )
    braced = plain is _IN_BRACES and ("{" in text or "}" in text)
    return text if reads_so and not braced else quoted(text)
