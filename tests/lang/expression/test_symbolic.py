"""Varying numbers: a value for each instance, a formula, and decisions that must agree."""

from __future__ import annotations

import ast
import operator
from typing import Any

import pytest

from netspec.lang.expression.symbolic import (
    Diverges,
    Varying,
    active,
    apply,
    binary,
    kept_undecided,
    merge,
    named,
    names_of,
    only,
    same,
    select,
    to_text,
    value_at,
    vary,
)

WIDTH = named("width", [64, 128, 256])
STRIDE = named("stride", [1, 2, 2])


def test_one_value_is_a_plain_number() -> None:
    assert named("width", [64, 64]) == 64
    assert type(named("width", [64, 64])) is int
    assert vary(None, [None, 3, None]) == 3


def test_true_is_not_one() -> None:
    assert isinstance(named("flag", [True, 1]), Varying)
    assert isinstance(named("number", [1, 1.0]), Varying)


def test_what_is_kept_stays_a_name() -> None:
    classes = named("classes", [10, 10], kept=True)
    assert isinstance(classes, Varying)
    assert to_text(classes * 2) == "classes * 2"
    assert (classes * 2).kept
    assert not (WIDTH * 2).kept


@pytest.mark.parametrize(
    ("make", "values", "text"),
    [
        (lambda w, s: w + s, (65, 130, 258), "width + stride"),
        (lambda w, s: 3 - s, (2, 1, 1), "3 - stride"),
        (lambda w, s: w * 4 // s, (256, 256, 512), "width * 4 // stride"),
        (lambda w, s: w / 2, (32.0, 64.0, 128.0), "width / 2"),
        (lambda w, s: 100 % s, (0, 0, 0), None),
        (lambda w, s: 2**s, (2, 4, 4), "2**stride"),
        (lambda w, s: -w, (-64, -128, -256), "-width"),
        (lambda w, s: w == 64, (True, False, False), "width == 64"),
        (lambda w, s: w != s, (True, True, True), None),
        (lambda w, s: s < 2, (True, False, False), "stride < 2"),
        (lambda w, s: s >= 2, (False, True, True), "stride >= 2"),
        (lambda w, s: (w * 1 + 0) // 1, (64, 128, 256), "width"),
        (lambda w, s: w * 8 // 8, (64, 128, 256), "width"),
    ],
)
def test_arithmetic_by_instance(make: Any, values: tuple[Any, ...], text: str | None) -> None:
    found = make(WIDTH, STRIDE)
    assert tuple(value_at(found, index) for index in range(3)) == values
    if text is not None:
        assert to_text(found) == text


def test_what_is_the_same_everywhere_is_plain() -> None:
    assert WIDTH - WIDTH == 0
    assert (named("stride", [2, 4]) % 2) == 0


def test_one_time_a_fraction_is_the_fraction() -> None:
    factor = named("factor", [1.0, 1.5])
    assert to_text(1 * factor) == to_text(factor * 1) == "factor"
    assert to_text(1 * named("flag", [True, False])) != "flag"


def test_a_decision_must_agree() -> None:
    assert bool(WIDTH > 32)
    assert not bool(WIDTH > 256)
    for decide in (bool, int, float, operator.index, format):
        with pytest.raises(Diverges) as caught:
            decide(WIDTH > 100 if decide is bool else WIDTH)
        assert isinstance(caught.value.test, Varying)


def test_only_some_instances_decide() -> None:
    with only(frozenset({1, 2})):
        assert bool(WIDTH > 100)
        assert int(STRIDE) == 2
        assert active(3) == {1, 2}
    assert active(3) == {0, 1, 2}
    with pytest.raises(Diverges), only(frozenset({0, 1})):
        bool(WIDTH > 100)


def test_an_instance_aside_may_have_no_value() -> None:
    with only(frozenset({1, 2})):
        found = 6 // (STRIDE - 1)
    assert [value_at(found, index) for index in (1, 2)] == [6, 6]
    with pytest.raises(ZeroDivisionError):
        6 // (STRIDE - 1)


def test_a_formula_is_missing_where_an_operand_has_none() -> None:
    size = vary(None, [7, 14, 28])
    assert to_text(size) is None
    assert (size * WIDTH).node is None
    assert (size * WIDTH).values == (448, 1792, 7168)


def test_select_evaluates_each_branch_where_it_counts() -> None:
    found = select(STRIDE == 1, lambda: WIDTH, lambda: WIDTH // (STRIDE - 1) * 2)
    assert found.values == (64, 256, 512)
    assert to_text(found) == "width if stride == 1 else width // (stride - 1) * 2"
    assert select(WIDTH > 0, lambda: 1, lambda: 1 // 0) == 1


def test_merge_names_the_branch_that_has_all_values() -> None:
    test = STRIDE == 1
    assert merge(test, 5, 5) == 5
    assert to_text(merge(test, 64, WIDTH)) == "width"
    assert merge(test, 0, WIDTH).values == (0, 128, 256)


def test_same_is_about_value_and_formula() -> None:
    assert same(WIDTH * 2, WIDTH * 2)
    assert same(WIDTH * 2, WIDTH * 4 // 2)
    assert not same(WIDTH * 2, WIDTH * STRIDE)
    assert not same(WIDTH, 64)
    assert same(3, 3)


def test_names_in_a_formula() -> None:
    doubled = apply(max, [WIDTH, STRIDE], lambda n: ast.Call(ast.Name("max"), n, []))
    assert names_of(doubled) == {"width", "stride"}
    assert names_of(7) == set()


def test_division_of_fractions_does_not_simplify() -> None:
    ratio = named("ratio", [0.5, 2.5])
    found = binary(ast.FloorDiv(), operator.floordiv, ratio, 1)
    assert found.values == (0.0, 2.0)
    assert to_text(found) == "ratio // 1"


def test_nothing_is_decided_by_a_kept_number_while_it_is_open() -> None:
    width = named("width", [8], kept=True)
    assert select(width > 4, lambda: width, lambda: 4) is width
    with kept_undecided():
        chosen = select(width > 4, lambda: width, lambda: 4)
        assert (to_text(chosen), chosen.values, chosen.kept) == (
            "width if width > 4 else 4",
            (8,),
            True,
        )
        for decide in (bool, operator.index):
            with pytest.raises(Diverges):
                decide(width)
        assert bool(named("other", [1, 2]) > 0)
    assert bool(width)
