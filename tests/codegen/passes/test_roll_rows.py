"""Modules in rounds become comprehensions, before and after."""

from __future__ import annotations

import ast

import pytest

from netspec.codegen.passes.roll_rows import roll_rows

CASES = {
    "calls that are equal": (
        "nn.Sequential(A(3), B(), B(), B())",
        "nn.Sequential(A(3), *(B() for _ in range(3)))",
    ),
    "numbers that count": (
        "nn.Sequential(A(8), A(12), A(16), A(20), C())",
        "nn.Sequential(*(A(8 + 4 * index) for index in range(4)), C())",
    ),
    "several modules in a round": (
        f"nn.Sequential({'A(), R(), ' * 6}P())",
        "nn.Sequential(*(module for _ in range(6) for module in (A(), R())), P())",
    ),
    "too few for a loop in a loop": (
        f"nn.Sequential({'A(), R(), ' * 5}P())",
        f"nn.Sequential({'A(), R(), ' * 5}P())",
    ),
    "one in a round, behind rounds of several": (
        f"nn.Sequential({'A(), R(), ' * 3}B(), B(), B())",
        f"nn.Sequential({'A(), R(), ' * 3}*(B() for _ in range(3)))",
    ),
    "a row in a row": (
        "nn.Sequential(nn.Sequential(A(), A(), A()), B())",
        "nn.Sequential(nn.Sequential(*(A() for _ in range(3))), B())",
    ),
    "fewer than three": ("nn.Sequential(A(), A(), B(), B())", "nn.Sequential(A(), A(), B(), B())"),
    "what is no row": ("f(A(), A(), A())", "f(A(), A(), A())"),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_rounds_are_a_comprehension(before: str, after: str) -> None:
    (statement,) = ast.parse(before).body
    assert ast.unparse(ast.fix_missing_locations(roll_rows(statement))) == after
