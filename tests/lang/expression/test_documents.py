"""Documents break where they do not fit, the outermost group first."""

from __future__ import annotations

import pytest

from netspec.lang.expression.documents import (
    brackets,
    enclosed_if_broken,
    flat,
    lines_of,
    literal,
    row,
)

CALL = row("x = f", brackets("(", ["a" * 9, row("g", brackets("(", ["b", "c"], ")"))], ")"))


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (25, ["x = f(aaaaaaaaa, g(b, c))"]),
        (24, ["x = f(", "    aaaaaaaaa, g(b, c)", ")"]),
        (21, ["x = f(", "    aaaaaaaaa,", "    g(b, c),", ")"]),
    ],
)
def test_arguments_break_all_together_and_then_each(width: int, lines: list[str]) -> None:
    assert lines_of(CALL, 0, width) == lines


def test_a_literal_breaks_at_once_and_parentheses_stand_only_where_lines_break() -> None:
    items = literal("[", ["aaaa", "bbbb"], "]")
    assert lines_of(items, 1, 12) == ["    [", "        aaaa,", "        bbbb,", "    ]"]
    assert lines_of(enclosed_if_broken("aaaaaa"), 0, 6) == ["aaaaaa"]
    assert lines_of(row("y = ", enclosed_if_broken("aaaaaa")), 0, 9) == ["y = (", "    aaaaaa", ")"]


def test_brackets_without_items_stay_closed_and_a_document_has_a_text() -> None:
    assert lines_of(row("x = f", brackets("(", [], ")")), 0, 3) == ["x = f()"]
    assert flat(CALL) == "x = f(aaaaaaaaa, g(b, c))"
