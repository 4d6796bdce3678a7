"""Patterns of layer paths: ``{group}.{block}.conv{n}``, where each ``{name}`` is a part of one level.

They are simpler than regular expressions, for people and for what a file from elsewhere could cost:
a part never crosses a dot, two never touch, and there are few in a level.
"""

from __future__ import annotations

import re
from functools import cache

_PART = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MAX_PARTS = 3

PLACES = frozenset({"stage", "index", "count", "running_index", "total"})
"""What the name on the other side may use besides the parts: where the block of a layer is."""


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a pattern, in a sentence; None where it is one."""
    names = _PART.findall(pattern)
    plain = _PART.sub("\0", pattern)
    if "{" in plain or "}" in plain:
        return (
            f"`{pattern}` is no pattern: braces hold a name, as in `{{group}}.{{block}}.conv{{n}}`"
        )
    hidden = PLACES.intersection(names)
    if hidden:
        return f"`{pattern}` hides `{min(hidden)}`, which says where a layer is; take another name"
    if len(set(names)) < len(names):
        return f"`{pattern}` names two parts alike"
    if "\0\0" in plain:
        return f"two parts of `{pattern}` touch, so that nothing says where one ends"
    if any(level.count("\0") > _MAX_PARTS for level in plain.split(".")):
        return f"a level of `{pattern}` has more than {_MAX_PARTS} parts"
    return None


def match(pattern: str, path: str) -> dict[str, int | str] | None:
    """The parts of ``path`` by name, numbers as such; None where the pattern does not fit all of it."""
    found = _compiled(pattern).fullmatch(path)
    if found is None:
        return None
    return {name: _value(part) for name, part in found.groupdict().items()}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = _PART.split(pattern)  # text, name, text, name, …, text
    names = pieces[1::2]
    groups = [f"(?P<{name}>[^.]+?)" for name in names] + [""]
    texts = [re.escape(text) for text in pieces[::2]]
    return re.compile("".join(text + group for text, group in zip(texts, groups, strict=True)))


def _value(part: str) -> int | str:
    """A part as an expression sees it: a number where writing that number gives the part again."""
    return int(part) if part.isascii() and part.isdigit() and str(int(part[:18])) == part else part
