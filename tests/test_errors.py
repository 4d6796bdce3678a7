"""What a person sees of an error: place, message, the line with carets, help, calls; and guesses."""

from __future__ import annotations

import pytest

from netspec.channels import printable
from netspec.errors import (
    Diagnostic,
    NetspecError,
    Span,
    by_position,
    did_you_mean,
    fail,
    nearest,
    remember_source,
    render,
    severity_of,
    source_line,
)

SPAN = Span("f.yaml", 2, 9, 2, 14)


def line(file: str, number: int) -> str | None:
    lines = ["name: n", "widths: wide, narrow", "end"]
    return lines[number - 1] if file == "f.yaml" and number <= len(lines) else None


def test_whole() -> None:
    found = Diagnostic(
        "NS205",
        "`width` needs a whole number",
        SPAN,
        "use `//` to divide",
        "layer1.0.conv1",
        (
            ("block `b`, called", Span("f.yaml", 3, 1, 3, 4)),
            ("block `c`, called", Span("g.yaml", 1, 1, 1, 2)),
        ),
    )
    assert render(found, line) == (
        "f.yaml:2:9: error[NS205]: `width` needs a whole number (at layer1.0.conv1)\n"
        "  2 | widths: wide, narrow\n"
        "    |         ^^^^^\n"
        "  help: use `//` to divide\n"
        "  note: in block `b`, called at f.yaml:3:1\n"
        "  3 | end\n"
        "    | ^^^\n"
        "  note: in block `c`, called at g.yaml:1:1"
    )


def test_least() -> None:
    assert render(Diagnostic("NS100", "nothing there")) == "error[NS100]: nothing there"


@pytest.mark.parametrize(
    ("span", "carets"),
    [
        (Span("f.yaml", 2, 9, 2, 14), "        ^^^^^"),
        (Span("f.yaml", 2, 9, 3, 2), "        ^^^^^^^^^^^^"),
        (Span("f.yaml", 2, 9, 2, 9), "        ^"),
        (Span("f.yaml", 2, 21, 2, 22), "                    ^"),
    ],
)
def test_carets_stand_under_the_span(span: Span, carets: str) -> None:
    assert render(Diagnostic("NS100", "m", span), line).splitlines()[2] == f"    | {carets}"


@pytest.mark.parametrize(
    "span", [Span("f.yaml", 9, 1, 9, 2), Span("f.yaml", 1, 40, 1, 41), Span("x", 1, 1, 1, 2)]
)
def test_a_place_that_the_text_lacks_is_not_quoted(span: Span) -> None:
    assert len(render(Diagnostic("NS100", "m", span), line).splitlines()) == 1


def test_wide_and_long_lines_stay_aligned() -> None:
    wide = "a: 日本語, b"
    shown = render(Diagnostic("NS100", "m", Span("f", 1, 9, 1, 10)), lambda *_: wide)
    assert shown.splitlines()[2] == "    |            ^"
    tabbed = render(Diagnostic("NS100", "m", Span("f", 1, 2, 1, 3)), lambda *_: "\tx")
    assert tabbed.splitlines()[1:] == ["  1 |  x", "    |  ^"]
    long = "x" * 500 + "HERE" + "y" * 500
    rows = render(Diagnostic("NS100", "m", Span("f", 1, 501, 1, 505)), lambda *_: long).splitlines()
    start = rows[2].index("^")
    assert rows[1][start : start + 4] == "HERE"
    assert rows[1].startswith("  1 | …")
    assert rows[1].endswith("…")
    assert len(rows[1]) < 200


def test_nothing_that_a_terminal_obeys_is_printed() -> None:
    text = "a: \x1b[31mred\x07"
    found = Diagnostic("NS100", text, Span("\x1bf", 1, 1, 1, 2), text)
    shown = render(found, lambda *_: text)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert printable("é \x1b\u202e") == "é \\x1b\\u202e"


def test_colour_is_for_terminals() -> None:
    found = Diagnostic("NS100", "m", SPAN, "h")
    coloured = render(found, line, colour=True)
    assert "\x1b[" in coloured
    assert "\x1b[" not in render(found, line)


def test_sources_are_remembered() -> None:
    remember_source("remembered.yaml", "a: 1\r\nb: 2\u2028c: 3")
    assert [source_line("remembered.yaml", n) for n in (1, 2, 3, 4, 0)] == [
        "a: 1",
        "b: 2",
        "c: 3",
        None,
        None,
    ]
    assert source_line("forgotten.yaml", 1) is None
    remember_source("remembered.yaml", "new")
    assert "new" in str(fail("NS100", "m", Span("remembered.yaml", 1, 1, 1, 4)))


def test_only_so_many_sources_are_kept() -> None:
    remember_source("first.yaml", "x")
    for number in range(300):
        remember_source(f"{number}.yaml", "x")
    assert source_line("first.yaml", 1) is None
    assert source_line("299.yaml", 1) == "x"


def test_several_diagnostics_are_one_error() -> None:
    error = NetspecError([Diagnostic("NS100", "one"), Diagnostic("NS101", "two")])
    assert str(error) == "error[NS100]: one\nerror[NS101]: two"


def test_lints_are_warnings_unless_they_are_to_count() -> None:
    assert severity_of("NS301") == "warning"
    assert severity_of("NS401") == "error"
    assert Diagnostic("NS301", "m").severity == "warning"
    assert Diagnostic("NS301", "m", strict=True).severity == "error"
    assert "warning[NS301]" in render(Diagnostic("NS301", "m"))


def test_order_is_that_of_the_text() -> None:
    places = [None, Span("b", 1, 1, 1, 2), Span("a", 2, 1, 2, 2), Span("a", 1, 9, 1, 10)]
    found = sorted((Diagnostic("NS100", "m", place) for place in places), key=by_position)
    assert [str(d.span) for d in found if d.span] == ["a:1:9", "a:2:1", "b:1:1"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("widht", "width"),
        ("WIDTH", "width"),
        ("resnet5O", "resnet50"),
        ("resnet-50", "resnet_50"),
        ("xyz", None),
        ("x" * 10_000, None),
    ],
)
def test_the_nearest_word(word: str, expected: str | None) -> None:
    assert nearest(word, ["width", "depth", "resnet50", "resnet_50", "resnet501"]) == expected


def test_help_names_the_nearest_or_lists_the_few() -> None:
    assert did_you_mean("widht", ["width", "depth"]) == "did you mean `width`?"
    assert did_you_mean("xyz", ["width", "depth"]) == "expected one of `depth`, `width`"
    assert did_you_mean("xyz", [f"name{i}" for i in range(13)]) is None
    assert did_you_mean("xyz", []) is None
