"""Formulas over whole numbers in fewer words: equal for all of them, and never for fractions."""

from __future__ import annotations

import ast
import operator
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from netspec.lang.expression.algebra import size_of
from netspec.lang.expression.symbolic import Varying, compare, named, to_text

A = named("a", [3, 8, 5])
B = named("b", [2, 8, 11])
INDEX = named("index", [0, 1, 2])
TIME = named("time", [1, 3, 5])
RATE = named("rate", [0.1, 1.7, 5.3])
FLAG = named("flag", [True, False, True])


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (A + A, "2 * a"),
        (A * 2 + A * 3, "a * 5"),
        (2 * A // 2, "a"),
        (2 * A // 4, "a // 2"),
        ((4 * A + 5) // 4, "a + 1"),
        ((A + B) * 2 // 2, "a + b"),
        (INDEX + 18 + 1, "index + 19"),
        (16 * (INDEX + 3 + 1), "16 * (index + 4)"),
        (48 + 16 * INDEX, "48 + 16 * index"),
        (8 - A, "8 - a"),
        (A * B * 64 // 64, "a * b"),
        ((A - 1) * B // 2, "(a - 1) * b // 2"),
        (A * A * B, "a**2 * b"),
        (A * B * A * 4, "a**2 * b * 4"),
        (A**1, "a"),
        (A**2 - 1 + 1, "a**2"),
        (compare(ast.Eq(), operator.eq, 3, A), "a == 3"),
        (compare(ast.Gt(), operator.gt, 8, A + 4), "a < 4"),
        (A * 4 == 12, "a == 3"),
        (2 * A < 7, "a < 4"),
        (2 * A <= 7, "a <= 3"),
        (A * 2 != B + A, "a != b"),
        ((TIME - 1) // 2 == 0, "1 <= time <= 2"),
        (compare(ast.Eq(), operator.eq, 0, (TIME - 1) // 2), "1 <= time <= 2"),
        ((TIME - 1) // 2 > 0, "time >= 3"),
        ((TIME - 1) // 2 != 0, "(time - 1) // 2 != 0"),
        (3 - (TIME - 1) // 2 > 2, "(time - 1) // 2 < 1"),
    ],
)
def test_said_in_fewer_words(found: Any, text: str) -> None:
    assert to_text(found) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (RATE + RATE, "rate + rate"),
        (RATE * 4 / 4, "rate * 4 / 4"),
        (2.0 / A, "2 / a"),
        (2.5 / A, "2.5 / a"),
        (2.0 * A, "2.0 * a"),
        (RATE * 2 // 2, "rate * 2 // 2"),
        (RATE + 0.1 + 0.2, "rate + 0.1 + 0.2"),
        (RATE * A + RATE * B, "rate * a + rate * b"),
        (FLAG * 1 + 0, "flag * 1"),
        (A / 2 * 2, "a / 2 * 2"),
    ],
)
def test_nothing_else_is_said_otherwise(found: Any, text: str) -> None:
    """Fractions round after each step, and a flag times 1 is no flag any more."""
    assert to_text(found) == text


def test_what_a_kept_argument_may_make_a_fraction_stays() -> None:
    """Of what is not a name, its values here do not say that it is whole at others."""
    classes = named("classes", [4, 4, 4], kept=True)
    chosen = Varying(ast.parse("1 if classes > 3 else 0.5", mode="eval").body, (1, 1, 1), True)
    assert to_text(classes * 2 // 2) == "classes"
    assert to_text(classes * 2 == 8) == "classes == 4"
    assert to_text(classes * 2 == 7) == "classes * 2 == 7"
    assert to_text(chosen * 2 // 2) == "(1 if classes > 3 else 0.5) * 2 // 2"


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _random_formula(draw: random.Random, depth: int) -> str:
    """An expression over `a`, `b` and `index`, fully in parentheses."""
    if depth == 0 or draw.random() < 0.15:
        return draw.choice(["a", "b", "index", str(draw.randint(0, 9))])
    sign = draw.choice([*OPERATORS, "+", "*", "//"])
    left = _random_formula(draw, depth - 1)
    right = _random_formula(draw, depth - 1)
    if sign in ("//", "%") and draw.random() < 0.8:
        right = str(draw.choice([1, 2, 3, 4, 8]))
    return f"({left} {sign} {right})"


@pytest.mark.parametrize("seed", range(20))
def test_random_formulas_are_equal_for_all_whole_numbers(seed: int) -> None:
    """Also for others than those of the instances, which are many, so that next to none agree by chance."""
    draw = random.Random(seed)
    names = {
        name: named(name, [draw.randint(-20, 40) for _ in range(40)])
        for name in ("a", "b", "index")
    }
    shorter = 0
    for _ in range(60):
        formula = _random_formula(draw, draw.randint(1, 4))
        if draw.random() < 0.4:
            sign = draw.choice([*COMPARISONS])
            formula = f"{formula} {sign} {_random_formula(draw, draw.randint(0, 2))}"
        try:
            found = eval(formula, dict(names))
        except ZeroDivisionError:
            continue
        if not isinstance(found, Varying):  # one value in all instances
            continue
        text = to_text(found)
        assert text is not None
        written, said = (ast.parse(each, mode="eval").body for each in (formula, text))
        shorter += size_of(said) < size_of(written)
        for _ in range(25):
            values = {name: draw.randint(-20, 40) for name in names}
            try:
                expected = eval(formula, dict(values))
            except ZeroDivisionError:
                continue
            assert eval(text, dict(values)) == expected, (formula, text, values)
    assert shorter > 5
