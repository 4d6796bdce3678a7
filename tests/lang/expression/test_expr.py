"""The expressions of the language: a closed grammar, Python's arithmetic, bounds, and printing back."""

from __future__ import annotations

import ast
import contextlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.errors import NetspecError, Span
from netspec.lang.expression.arithmetic import FUNCTION_DOCS, FUNCTIONS, make_divisible
from netspec.lang.expression.expr import Expression, constant, parse
from netspec.lang.expression.formula import is_long
from netspec.lang.expression.magnitude import MAX_MAGNITUDE
from netspec.lang.expression.symbolic import Diverges, Varying, named, to_text, value_at

NAMES = {"a": 7, "b": 2, "c": -3, "half": 0.5, "yes": True, "items": [4, 5, 6], "word": "same"}


def evaluate(text: str, **names: Any) -> Any:
    return parse(text).evaluate({**NAMES, **names})


def code_of(text: str, **names: Any) -> str:
    with pytest.raises(NetspecError) as caught:
        evaluate(text, **names)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("1e-5", 1e-5),
        ("true", True),
        ("True", True),
        ("false", False),
        ("'same'", "same"),
        ("[1, a, [b]]", [1, 7, [2]]),
        ("a + b * c", 1),
        ("a - b - 1", 4),
        ("(a + b) * c", -27),
        ("a / b", 3.5),
        ("a // b", 3),
        ("c // b", -2),
        ("c % b", 1),
        ("2 ** -1", 0.5),
        ("-2 ** 2", -4),
        ("+a", 7),
        ("not yes", False),
        ("a == 7", True),
        ("a != 7", False),
        ("b < a <= 7 > c >= -3", True),
        ("1 < a < 3", False),
        ("word == 'same'", True),
        ("yes and a > 8 or b == 2", True),
        ("1 if a > 8 else 2", 2),
        ("items[1]", 5),
        ("items[-1]", 6),
        ("items[b - 1] + 1", 6),
        ("[1, 2][0]", 1),
        ("items + [1]", [4, 5, 6, 1]),
        ("min(a, b)", 2),
        ("max(items)", 6),
        ("round(2.5)", 2),
        ("round(3.14159, 2)", 3.14),
        ("round(2.5, 0)", 2.0),
        ("round(1234, -2)", 1200),
        ("ceil(half)", 1),
        ("floor(-half)", -1),
        ("len(items)", 3),
        ("make_divisible(37, 8)", 40),
        ("  a  ", 7),
    ],
)
def test_every_form_of_the_grammar(text: str, value: Any) -> None:
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "a.real",
        "().__class__",
        "items.append(1)",
        "abs(a)",
        "print()",
        "__import__('os')",
        "eval('1')",
        "min(a, key=b)",
        "min(*items)",
        "lambda: 1",
        "[x for x in items]",
        "{1: 2}",
        "{1, 2}",
        "(1, 2)",
        "()",
        "items[0:4:2]",
        "items[:, 0]",
        "(a := 1)",
        "f'{a}'",
        "b'x'",
        "None",
        "...",
        "1j",
        "a @ b",
        "a << 1",
        "a | b",
        "~a",
        "a is b",
        "a in items",
        "a not in items",
        "await a",
        "yield a",
        "min",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    assert code_of(text) in ("NS200", "NS201", "NS202")


@pytest.mark.parametrize(
    "text", ["a.real", "min(a, key=b)", "lambda: 1", "(1, 2)", "items[0:4:2]", "None", "~a"]
)
def test_a_refusal_comes_before_any_evaluation(text: str) -> None:
    with pytest.raises(NetspecError, match="not part of the expression language"):
        parse(f"1 if true else {text}")


@pytest.mark.parametrize(
    "text", ["", "1 +", "a b", "1; 2", "a = 1", "import os", "é", "1\n+ 1", "a\x00", "01", "((1)"]
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(NetspecError) as caught:
        parse(text, Span("f.yaml", 3, 4, 3, 9))
    assert caught.value.diagnostics[0].code == "NS200"
    assert str(caught.value.diagnostics[0].span) == "f.yaml:3:4"


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9",
        "9 ** 65",
        "9 ** -65",
        "(2 ** 50) ** 2",
        "2 ** 53 * 2",
        "2 ** 53 + 1",
        "9" * 300,
        "1e300 * 1e300",
        "'x' * 100000",
        "[0] * 100000",
        "round(5, -100000000)",
        "round(0.5, 10 ** 9)",
        "(-1) ** 0.5",
        "1 / 0",
        "1 // 0",
        "1 % 0",
        "0 ** -1",
        "make_divisible(8, 0)",
        "items[3]",
        "items[-4]",
        "items[yes]",
        "items[half]",
        "a[0]",
        "min()",
        "len(a)",
        "a + 'x'",
        "'%s' % a",
        "1 and 2",
        "a or yes",
        "not a",
        "not not a",
        "a < 'x'",
        "-items",
    ],
)
def test_what_has_no_value(text: str) -> None:
    assert code_of(text) == "NS203"


@pytest.mark.parametrize("text", ["1" * 401, "'" + "x" * 400 + "'", "-" * 60 + "a"])
def test_length_and_depth_are_bounded(text: str) -> None:
    assert code_of(text) == "NS506"


def test_bounds_hold_at_the_edge() -> None:
    assert evaluate("2 ** 53") == MAX_MAGNITUDE
    assert evaluate("-(2 ** 53)") == -MAX_MAGNITUDE
    assert evaluate("'" + "x" * 398 + "'") == "x" * 398
    assert evaluate("-" * 40 + "a") == 7


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(NetspecError) as caught:
        parse("2 * widht", Span("f", 1, 2, 1, 9)).evaluate({"width": 3, "depth": 2})
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("NS202", "did you mean `width`?")
    assert found.span == Span("f", 1, 2, 1, 9)


def test_names_are_those_that_it_reads() -> None:
    assert parse("max(a, b) if true else items[c]").names == {"a", "b", "c", "items"}


def test_what_python_does_not_evaluate_is_not_evaluated() -> None:
    assert evaluate("b != 0 and 1 // b > 0", b=0) is False
    assert evaluate("b == 0 or 1 // b > 0", b=0) is True
    assert evaluate("0 if b == 0 else 1 // b", b=0) == 0


def test_literals_as_expressions() -> None:
    assert constant([1, [2.5, True]]).evaluate({}) == [1, [2.5, True]]
    assert constant(-3).text == "-3"


def test_every_function_is_documented() -> None:
    assert FUNCTION_DOCS.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize(
    ("value", "divisor", "limit", "expected"),
    [
        (32, 8, 0.9, 32),
        (33, 8, 0.9, 32),
        (36, 8, 0.9, 40),
        (3, 8, 0.9, 8),
        (11, 8, 0.9, 16),
        (11, 8, 0.0, 8),
    ],
)
def test_make_divisible_is_mobilenets(
    value: int, divisor: int, limit: float, expected: int
) -> None:
    assert make_divisible(value, divisor, limit) == expected


# Against Python itself, and varying numbers against plain ones

NUMBER_NAMES = ("a", "b", "c")
numbers = st.one_of(
    st.integers(-9, 9).map(str), st.sampled_from(NUMBER_NAMES), st.sampled_from(["0.5", "2.25"])
)


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    truth = st.tuples(inner, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), inner).map(
        " ".join
    )
    truths = st.one_of(
        truth,
        st.tuples(truth, st.sampled_from(["and", "or"]), truth).map(" ".join),
        truth.map("not {}".format),
    )
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "/", "%"]), inner).map(
            lambda part: f"({' '.join(part)})"
        ),
        st.tuples(inner, st.integers(0, 3)).map(lambda part: f"({part[0]} ** {part[1]})"),
        inner.map("(-{})".format),
        inner.map("(+{})".format),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            "{0[0]}({0[1]}, {0[2]})".format
        ),
        st.tuples(st.sampled_from(["round", "ceil", "floor"]), inner).map("{0[0]}({0[1]})".format),
        st.tuples(inner, truths, inner).map("({0[0]} if {0[1]} else {0[2]})".format),
        st.tuples(st.integers(-3, 2), inner).map("[1, {0[1]}, 3][{0[0]}]".format),
    )


formulas = st.recursive(numbers, _numbers, max_leaves=8)
values = st.fixed_dictionaries(
    {name: st.one_of(st.integers(-20, 20), st.sampled_from([0.25, -1.5])) for name in NUMBER_NAMES}
)


def python_value(text: str, names: dict[str, Any]) -> Any:
    """What Python makes of the text; the exception where it makes none."""
    try:
        return eval(text, {"__builtins__": {}}, {**FUNCTIONS, **names})
    except (ArithmeticError, ValueError, TypeError) as error:
        return error


@given(formulas, values)
def test_plain_numbers_follow_python(text: str, names: dict[str, Any]) -> None:
    expected = python_value(text, names)
    if isinstance(expected, Exception | complex):
        with pytest.raises(NetspecError):
            parse(text).evaluate(names)
        return
    try:
        found = parse(text).evaluate(names)
    except NetspecError:
        # Some number on the way is too large; each step of the formula is a node of its tree.
        steps = [
            ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.expr)
        ]
        sizes = [python_value(step, names) for step in steps if step not in FUNCTIONS]
        assert any(isinstance(n, int | float) and abs(n) > MAX_MAGNITUDE for n in sizes)
        return
    assert found == expected
    assert type(found) is type(expected)


@settings(max_examples=300)
@given(formulas, st.lists(values, min_size=2, max_size=3))
def test_varying_numbers_agree_with_plain_ones(text: str, instances: list[dict[str, Any]]) -> None:
    """Instance by instance, and the formula that is printed gives the same once more."""
    expected = []
    for names in instances:
        try:
            expected.append(parse(text).evaluate(names))
        except NetspecError:
            expected.append(None)
    varying = {name: named(name, [names[name] for names in instances]) for name in NUMBER_NAMES}
    if None in expected:
        with contextlib.suppress(Diverges), pytest.raises(NetspecError):
            parse(text).evaluate(varying)
        return
    try:
        found = parse(text).evaluate(varying)
    except Diverges:
        return  # two classes it will be
    for index, names in enumerate(instances):
        assert value_at(found, index) == expected[index]
        if isinstance(found, Varying) and found.node is not None:
            printed = to_text(found)
            assert printed is not None
            assert python_value(printed, names) == expected[index]


@given(formulas)
def test_the_parser_keeps_the_formula(text: str) -> None:
    assert ast.dump(parse(text).node) == ast.dump(ast.parse(text, mode="eval").body)


def test_an_operand_counts_only_where_the_others_leave_it_open() -> None:
    width = named("width", [0, 4, 8])
    found = parse("width != 0 and 16 // width > 2").evaluate({"width": width})
    assert found.values == (False, True, False)
    assert to_text(found) == "width != 0 and 16 // width > 2"
    found = parse("width == 0 or 16 // width > 2").evaluate({"width": width})
    assert found.values == (True, True, False)


def test_varying_numbers_have_the_same_bounds() -> None:
    width = named("width", [1, 1000])
    text = "9 ** 9 ** width if width < 2 else 0"
    assert parse(text).evaluate({"width": 1000}) == 0
    assert parse(text).evaluate({"width": width}).values == (9**9, 0)
    with pytest.raises(NetspecError):
        parse("9 ** 9 ** width").evaluate({"width": width})


def test_a_list_of_varying_numbers_is_not_indexed_by_one() -> None:
    names = {"items": [named("u", [1, 2]), 3], "at": named("at", [0, 1])}
    assert parse("items[0] + 1").evaluate(names).values == (2, 3)
    with pytest.raises(Diverges):
        parse("items[at]").evaluate(names)


def test_whole_numbers_simplify_and_fractions_do_not() -> None:
    whole, fraction = named("w", [3, 5]), named("f", [2.5, 3.5])
    assert to_text(parse("w * 4 // 4").evaluate({"w": whole})) == "w"
    assert to_text(parse("1 * w + 0").evaluate({"w": whole})) == "w"
    for text in ("f // 1", "f * 4 // 4"):
        found = parse(text).evaluate({"f": fraction})
        assert to_text(found) == text


def test_python_says_nothing_of_its_own(recwarn: pytest.WarningsRecorder) -> None:
    for text in ("1if 2 else 3", "0x1for", "1 is 1", "'\\d'"):
        with contextlib.suppress(NetspecError):
            parse(text)
    assert list(recwarn) == []


def test_lists_in_lists_count_as_what_they_hold() -> None:
    """Each name stands for four times what the one before it does; the fifth is beyond the bound."""
    names: dict[str, Any] = {"a": [1] * 10}
    for _ in range(3):
        names["a"] = parse("[a, a, a, a]").evaluate(names)
    with pytest.raises(NetspecError, match="longer than 1,000"):
        parse("[[a, a, a, a], [a, a, a, a]]").evaluate(names)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_written_out_gives_the_same_fraction(seed: int) -> None:
    """Bit for bit, and without a number that came out of a step: whole ones are worked out."""
    draw = random.Random(seed)
    environment = {"rate": 0.3, "index": 7, "total": 17, "wide": True}

    def formula(depth: int) -> str:
        if depth == 0:
            return draw.choice(["rate", "index", "total", "0.1", "3", "2.5"])
        left, right = formula(depth - 1), formula(draw.randint(0, depth - 1))
        if draw.random() < 0.1:
            return f"({left} if wide else {right})"
        return f"({left} {draw.choice(['+', '-', '*', '/'])} {right})"

    for _ in range(100):
        parsed = parse(formula(draw.randint(1, 3)))
        try:
            value = parsed.evaluate(environment)
        except NetspecError:
            continue
        node = parsed.written_out(environment)
        assert node is not None
        found = Expression(parsed.text, node).evaluate({})
        assert (found, type(found)) == (value, type(value))
        numbers = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
        assert not any(isinstance(number, float) and is_long(number) for number in numbers)
