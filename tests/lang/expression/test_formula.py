"""Formulas print as Python that means the same, spaced as `ruff format` spaces it."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.lang.expression.formula import print_node, print_number
from tests.support.generated import style_problems

leaves = st.one_of(
    st.sampled_from("abc").map(ast.Name),
    st.sampled_from([1, 2, 0.5, 1e-5, True]).map(ast.Constant),
)
operators = st.sampled_from(
    [ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow]
).map(lambda kind: kind())


def _larger(inner: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    signs = st.sampled_from([ast.USub, ast.UAdd, ast.Not]).map(lambda kind: kind())
    words = st.sampled_from([ast.Or, ast.And]).map(lambda kind: kind())
    orders = st.sampled_from([ast.Lt, ast.NotEq, ast.GtE]).map(lambda kind: kind())
    return st.one_of(
        st.builds(ast.BinOp, inner, operators, inner),
        st.builds(ast.UnaryOp, signs, inner),
        st.builds(lambda op, a, b: ast.BoolOp(op, [a, b]), words, inner, inner),
        st.builds(lambda a, op, b: ast.Compare(a, [op], [b]), inner, orders, inner),
        st.builds(ast.IfExp, inner, inner, inner),
        st.builds(lambda a, b: ast.Call(ast.Name("max"), [a, b], []), inner, inner),
        st.builds(lambda a: ast.Subscript(ast.Name("d"), a), inner),
        st.lists(inner, max_size=2).map(ast.List),
    )


formulas = st.recursive(leaves, _larger, max_leaves=8)


@given(formulas)
def test_text_means_the_formula(node: ast.expr) -> None:
    assert ast.dump(ast.parse(print_node(node))) == ast.dump(ast.parse(ast.unparse(node)))


@pytest.mark.parametrize(
    "text",
    [
        "a**2 * b",
        "(a + b) ** 2",
        "a**-0.5",
        "(-a) ** 0.5",
        "-(a**2)",
        "not (a**2)",
        "a // 2 * 64",
        "a - (b - c)",
        "1 if a == 0 else 2",
        "stride != 1 or in_channels != width * 4",
        "make_divisible(in_channels * 0.0625, 8)",
    ],
)
def test_spacing(text: str) -> None:
    node = ast.parse(text, mode="eval").body
    assert print_node(node) == text
    assert style_problems({"formula": f"# ruff: noqa\nx = {text}\n"}) == ""


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e-05, "1e-5"),
        (1e20, "1e20"),
        (0.99, "0.99"),
        (3, "3"),
        (True, "True"),
        (1.001e-5, "1.001e-5"),
    ],
)
def test_numbers(number: float, text: str) -> None:
    assert print_number(number) == text
