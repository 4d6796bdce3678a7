"""YAML text to values and places: YAML 1.2's scalars, and every guard with its position."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from netspec.errors import Diagnostic, NetspecError
from netspec.lang.source import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    MAX_PROBLEMS,
    decode,
    parse,
    parse_recovering,
)


def value_of(text: str) -> Any:
    return parse(f"key: {text}").data["key"]


def problem(text: str) -> Diagnostic:
    with pytest.raises(NetspecError) as caught:
        parse(text, "f.yaml")
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1e-5", 1e-5),
        ("1.0e-5", 1e-5),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.5e1", -5.0),
        ("1.2.3", "1.2.3"),
        ("2001-12-14", "2001-12-14"),
        ("=", "="),
        ("<<", "<<"),
        ("1 / 3", "1 / 3"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  1", "1"),
        ("[1, a]", [1, "a"]),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_keys_stay_text() -> None:
    assert parse("1: a\nyes: b\n'2': c\ntrue: d").data == {
        "1": "a",
        "yes": "b",
        "2": "c",
        "true": "d",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "--- # nothing\n...\n"])
def test_an_empty_text_is_nothing(text: str) -> None:
    assert parse(text).data is None


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: [1", "NS100", (1, 6)),
        ("a: 1\n  b: 2", "NS100", (2, 4)),
        ("a:\n\t- 1", "NS100", (2, 1)),
        ("a: 1\nb: \x07", "NS100", (2, 4)),
        ("é: 1\na: x\x00", "NS100", (2, 5)),
        ("a: 1\nb: 2\na: 3", "NS105", (3, 1)),
        ("a: {b: 1, b: 2}", "NS105", (1, 11)),
        ("a: 1\nb: '\ud800'", "NS110", (2, 5)),
        ("a: 1\n---\nb: 2", "NS111", (2, 1)),
        ("a: &x 1\nb: *x", "NS112", (2, 4)),
        ("a: &x 1\n*x : 2", "NS114", (2, 1)),
        ("a: !!python/object:os.system 1", "NS113", (1, 4)),
        ("a: !!str 1", "NS113", (1, 4)),
        ("!!str a: 1", "NS113", (1, 1)),
        ("a: !x [1]", "NS113", (1, 4)),
        ("a: ! 1", "NS113", (1, 4)),
        ("? [1]\n: 2", "NS114", (1, 3)),
        ("? {a: 1}\n: 2", "NS114", (1, 3)),
        ("a: .inf", "NS115", (1, 4)),
        ("a: -.Inf", "NS115", (1, 4)),
        ("a: .nan", "NS115", (1, 4)),
        ("a: 1e999", "NS115", (1, 4)),
        ("a: [0, " + "9" * 31 + "]", "NS115", (1, 8)),
        ("a: 0x" + "f" * 40, "NS115", (1, 4)),
        ("[" * (MAX_DEPTH + 2), "NS501", (1, MAX_DEPTH + 2)),
        (
            "\n".join(" " * i + "a:" for i in range(MAX_DEPTH + 2)),
            "NS501",
            (MAX_DEPTH + 1, MAX_DEPTH + 1),
        ),
    ],
)
def test_guards_say_where(text: str, code: str, place: tuple[int, int]) -> None:
    found = problem(text)
    assert found.span is not None
    assert (found.code, (found.span.line, found.span.column)) == (code, place)


def test_depth_and_size_at_the_bound_pass() -> None:
    parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    parse("[" + "1," * (MAX_NODES - 2) + "1]")
    parse("# " + "x" * (MAX_BYTES - 2))


def test_beyond_the_bounds_nothing_is_read() -> None:
    assert problem("[" + "1," * MAX_NODES + "1]").code == "NS501"
    assert problem("# " + "x" * (MAX_BYTES - 1)).code == "NS501"
    assert problem("# " + "é" * (MAX_BYTES // 2)).code == "NS501"


def problems(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(NetspecError) as caught:
        parse(text, "f.yaml")
    spans = [(found.code, found.span) for found in caught.value.diagnostics]
    return [(code, span.line, span.column) for code, span in spans if span is not None]


def test_no_alias_of_a_bomb_is_followed() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    found = problems("\n".join(lines))
    assert len(found) == 2 * 39
    assert found[0] == ("NS112", 2, 10)


def test_every_problem_of_a_text_is_told() -> None:
    text = "a: 1\na: !x 2\nb: [*c, .inf]\n{d: 1}: 3\n---\ne: 1"
    assert problems(text) == [
        ("NS113", 2, 4),
        ("NS105", 2, 1),
        ("NS112", 3, 5),
        ("NS115", 3, 9),
        ("NS114", 4, 1),
        ("NS111", 5, 1),
    ]


def test_problems_ahead_of_a_mistake_in_the_syntax_are_told() -> None:
    assert problems("a: 1\na: 2\nb: [") == [("NS105", 2, 1), ("NS100", 3, 5)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a: f(x, y)}", [(1, 5)]),
        ("{a: f(x, g(y, z), 3) + 1, b: 2}", [(1, 5)]),
        ("{a: f(x, y), b: f(y, z)}", [(1, 5), (1, 17)]),
        ("[1, f(x, 2), 3]", [(1, 5)]),
        ("{a: [f(x, 2)]}", [(1, 6)]),
        ("{a: 'f(x', 'y)': }", [(1, 5)]),
        ("{a: f(x, y: 1)}", []),
        ("{a: f(x, y}", []),
        ("{a: 'f(x, y)', b: (x)}", []),
        ("{a: f(x, y: , b: 2)}", []),
        ("a: f(x\nb:\ny):", []),
        ("- f(x\n- y)", []),
    ],
)
def test_calls_that_commas_cut(text: str, expected: list[tuple[int, int]]) -> None:
    found = parse_recovering(text, "f.yaml").problems
    assert {problem.code for problem in found} <= {"NS117"}
    places = [(p.span.line, p.span.column) for p in found if p.span is not None]
    assert places == expected


def test_what_is_left_of_a_cut_call_is_no_key() -> None:
    document = parse_recovering("{a: f(x, y, z), b: 2}", "f.yaml")
    assert document.data == {"a": "f(x", "b": 2}
    assert document.unreadable == (("a",),)


def test_a_text_full_of_problems_is_left_unread_at_a_bound() -> None:
    assert len(problems("- *a\n" * 1000)) == MAX_PROBLEMS


def test_deep_nesting_does_not_crash_the_parser() -> None:
    assert problem("[" * 60_000).code == "NS501"
    assert problem("- " * 60_000).code == "NS501"


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("---\n# only", ()),
        ("--- # only", ()),
        ("a: # nothing", ("a",)),
        ("a:\n  b:\n    # nothing", ("a", "b")),
        ("a:\n  -  # nothing", ("a", 0)),
        ("a: {b: 1}\n# behind", ()),
        ("a:\n- b\n# behind", ("a",)),
        ("a: |\n  b\n  # behind", ("a",)),
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_places_end_where_the_text_does(
    text: str, location: tuple[str | int, ...], slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if slow:
        monkeypatch.delattr("yaml.CSafeLoader", raising=False)
    span = parse(text, "f").spans.find(location)
    rows = text.split("\n")
    end = (len(rows), len(rows[-1]) + 1)
    assert (span.line, span.column) <= (span.end_line, span.end_column) <= end


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_change_no_value(newline: str) -> None:
    text = newline.join(["\ufeffa: 1", "b: [x,", "  y]", ""])
    document = parse(text)
    assert document.data == {"a": 1, "b": ["x", "y"]}
    assert str(document.spans.find(("b", 1))) == "<string>:3:3"


def test_bytes_are_utf_8() -> None:
    assert decode(b"\xef\xbb\xbfa: \xc3\xa9", "f.yaml") == "a: é"
    with pytest.raises(NetspecError) as caught:
        decode("x: 1\né: ".encode() + b"\xe9\n", "f.yaml")
    assert str(caught.value.diagnostics[0].span) == "f.yaml:2:4"
    with pytest.raises(NetspecError, match="larger than"):
        decode(b"#" * (MAX_BYTES + 1), "f.yaml")


def test_the_slow_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert value_of("[no, 0o17, {a: 1e-5}]") == ["no", 15, {"a": 1e-5}]
    found = problem("é: 1\na: x\x00")
    assert str(found.span) == "f.yaml:2:5"


class TestPlaces:
    TEXT = "name: n\nstem:\n  - conv: {out: 4}\n  - relu\nwords: [a, b]\n"

    @pytest.mark.parametrize(
        ("location", "place"),
        [
            ((), "1:1"),
            (("name",), "1:7"),
            (("stem", 0, "conv"), "3:11"),
            (("stem", 0, "conv", "out"), "3:17"),
            (("stem", 1), "4:5"),
            (("words", 1), "5:12"),
            (("stem", 0, "conv", "missing"), "3:11"),
            (("missing", "more"), "1:1"),
            (("stem", 7), "3:3"),
        ],
    )
    def test_values(self, location: tuple[str | int, ...], place: str) -> None:
        assert str(parse(self.TEXT, "f").spans.find(location)) == f"f:{place}"

    def test_keys(self) -> None:
        spans = parse(self.TEXT, "f").spans
        assert str(spans.find_key(("stem", 0, "conv", "out"))) == "f:3:12"
        assert str(spans.find_key(("stem", 0))) == "f:3:5"

    def test_ends(self) -> None:
        span = parse(self.TEXT, "f").spans.find(("words",))
        assert (span.end_line, span.end_column) == (5, 14)

    def test_an_index_into_no_list_is_passed_over(self) -> None:
        spans = parse("stem: {conv: {out: 4}}", "f").spans
        assert str(spans.find(("stem", 0, "conv", "out"))) == "f:1:20"
