"""What a person sees of an error: place, message, the line with carets, help, calls; and guesses."""

from __future__ import annotations

import pickle
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import netspec
from netspec import loads
from netspec.backends.rows import Unsupported
from netspec.cli.streams import Terminated
from netspec.codegen.cases import DecidedByKept
from netspec.errors import (
    Diagnostic,
    InternalError,
    NetspecError,
    Span,
    Text,
    UsageError,
    by_position,
    did_you_mean,
    fail,
    nearest,
    render,
    severity_of,
)
from netspec.exports.base import ExportError
from netspec.ir.template.data import Guard, Split
from netspec.lang.expression.symbolic import Diverges, Varying
from netspec.lang.expression.unknown import Poisoned
from netspec.lang.schema.refusal import Refusal
from netspec.ops.base import GroupsError, OpError, RangeError, WindowError
from netspec.system.channels import printable
from netspec.tools.generated import OriginError
from netspec.unparse.naming import Unrolled
from netspec.unparse.steps import Step

TEXT = Text.of("name: n\nwidths: wide, narrow\nend", "f.yaml")
SPAN = TEXT.place(2, 9, 2, 14)


def test_whole() -> None:
    found = Diagnostic(
        "NS205",
        "`width` needs a whole number",
        SPAN,
        "use `//` to divide",
        "layer1.0.conv1",
        (
            ("block `b`, called", TEXT.place(3, 1, 3, 4)),
            ("block `c`, called", Span("g.yaml", 1, 1, 1, 2)),
        ),
    )
    assert render(found) == (
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
        (TEXT.place(2, 9, 2, 14), "        ^^^^^"),
        (TEXT.place(2, 9, 3, 2), "        ^^^^^^^^^^^^"),
        (TEXT.place(2, 9, 2, 9), "        ^"),
        (TEXT.place(2, 21, 2, 22), "                    ^"),
    ],
)
def test_carets_stand_under_the_span(span: Span, carets: str) -> None:
    assert render(Diagnostic("NS100", "m", span)).splitlines()[2] == f"    | {carets}"


@pytest.mark.parametrize("span", [TEXT.place(9, 1), TEXT.place(1, 40), Span("x", 1, 1, 1, 2)])
def test_a_place_that_the_text_lacks_is_not_quoted(span: Span) -> None:
    assert len(render(Diagnostic("NS100", "m", span)).splitlines()) == 1


def test_wide_and_long_lines_stay_aligned() -> None:
    wide = "a: 日本語, b"
    shown = render(Diagnostic("NS100", "m", Text.of(wide, "f").place(1, 9)))
    assert shown.splitlines()[2] == "    |            ^"
    tabbed = render(Diagnostic("NS100", "m", Text.of("\tx", "f").place(1, 2)))
    assert tabbed.splitlines()[1:] == ["  1 |  x", "    |  ^"]
    long = "x" * 500 + "HERE" + "y" * 500
    rows = render(Diagnostic("NS100", "m", Text.of(long, "f").place(1, 501, 1, 505))).splitlines()
    start = rows[2].index("^")
    assert rows[1][start : start + 4] == "HERE"
    assert rows[1].startswith("  1 | …")
    assert rows[1].endswith("…")
    assert len(rows[1]) < 200


def test_nothing_that_a_terminal_obeys_is_printed() -> None:
    text = "a: \x1b[31mred\x07"
    found = Diagnostic("NS100", text, Text.of(text, "\x1bf").place(1, 1), text)
    shown = render(found)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert printable("é \x1b\u202e") == "é \\x1b\\u202e"


def test_colour_is_for_terminals() -> None:
    found = Diagnostic("NS100", "m", SPAN, "h")
    coloured = render(found, colour=True)
    assert "\x1b[" in coloured
    assert "\x1b[" not in render(found)


def test_lines_are_those_of_yaml() -> None:
    text = Text.of("a: 1\r\nb: 2\u2028c: 3", "a.yaml")
    assert [text.line(n) for n in (1, 2, 3, 4, 0)] == ["a: 1", "b: 2", "c: 3", "", ""]
    assert str(text.end) == "a.yaml:3:5"


def test_two_texts_of_one_name_do_not_mix() -> None:
    first, second = Text.of("one", "f.yaml"), Text.of("two", "f.yaml")
    assert first.place(1, 1) == second.place(1, 1)
    assert "  1 | one" in str(fail("NS100", "m", first.place(1, 1)))
    assert "  1 | two" in str(fail("NS100", "m", second.place(1, 1)))
    found = []
    for text in ("netspec: 1\nname: [", "netspec: 1\nname: {"):
        with pytest.raises(NetspecError) as caught:
            loads(text)
        found.append(str(caught.value))
    assert "name: [" in found[0]
    assert "name: {" in found[1]


def _errors() -> Iterator[BaseException]:
    """One of each class of errors of the package."""
    yield NetspecError([Diagnostic("NS100", "m", SPAN)], recovery=3)
    yield GroupsError("m", "groups")
    yield WindowError("m")
    yield RangeError("m", "rate")
    yield OpError("m", "a", "h")
    yield UsageError("m")
    yield InternalError("m")
    yield ExportError("m")
    yield OriginError("m")
    yield Diverges(Varying(None, (1, 2), False))
    yield Terminated(15)
    yield Unsupported("it has no equal")
    yield Poisoned()
    yield Split("m", "relu", {0: 1})
    yield Refusal("m", "NS104")
    yield DecidedByKept(Guard("what `relu` becomes", "relu", SPAN))
    yield Unrolled(Step("op", "relu"))


@pytest.mark.parametrize("error", _errors(), ids=lambda error: type(error).__name__)
def test_errors_can_be_pickled(error: BaseException) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again).keys() == vars(error).keys()


def test_every_class_of_errors_is_among_them() -> None:
    for module in pkgutil.walk_packages(netspec.__path__, "netspec."):
        if ".backends." not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    known = {type(error) for error in _errors()}
    waiting: list[type[BaseException]] = [BaseException]
    ours = set()
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        is_ours = found.__module__.startswith("netspec.") and ".backends." not in found.__module__
        if is_ours and not found.__name__.startswith("_"):
            ours.add(found)
    assert ours == known - {Unsupported}


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
