"""Calls that differ by plain numbers become a table, before and after."""

from __future__ import annotations

import ast

import pytest

from netspec.codegen.passes.roll_tables import roll_tables
from netspec.codegen.passes.tables import FEWEST

MAKERS = """
class Net:
    def __init__(self, scale):
        {body}
    @staticmethod
    def make(channels, width, depth, stride=1):
        pass
"""
STACK = """
def stack(x, width, stride=1, *, name):
    pass
def net(x):
    {body}
"""


def rolled(frame: str, body: str, called: str) -> str:
    """The first body of a frame, after the pass."""
    found = roll_tables(ast.parse(frame.format(body=body)).body, [called])
    node = found[-1]
    function = node.body[0] if isinstance(node, ast.ClassDef) else node
    assert isinstance(function, ast.FunctionDef)
    return "\n".join(ast.unparse(ast.fix_missing_locations(each)) for each in function.body)


def row(*calls: str) -> str:
    return f"nn.Sequential({', '.join(calls)})"


ROWS = {
    "numbers": (
        row("A()", *(f"self.make({n}, {n + 1}, 2)" for n in range(5)), "B()"),
        row(
            "A()",
            "*(self.make(channels, width, 2) for channels, width in "
            "[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)])",
            "B()",
        ),
    ),
    "a default that some have": (
        row(*(f"self.make(8, 8, {n}{', stride=2' if n % 2 else ''})" for n in range(5))),
        row(
            "*(self.make(8, 8, depth, stride=stride) for depth, stride in "
            "[(0, 1), (1, 2), (2, 1), (3, 2), (4, 1)])"
        ),
    ),
    "a number in a formula": (
        row(*(f"self.make(8, f({n} * scale, 8), 1)" for n in (2, 4, 6, 8, 9))),
        row("*(self.make(8, f(width * scale, 8), 1) for width in [2, 4, 6, 8, 9])"),
    ),
    "what is taken once": (
        row(*(f"self.make(8, {n}scale, 1)" for n in ("", "2 * ", "3 * ", "", "2 * "))),
        row("*(self.make(8, width * scale, 1) for width in [1, 2, 3, 1, 2])"),
    ),
}
AS_THEY_WERE = {
    "fewer": row(*(f"self.make({n}, 8, 1)" for n in range(FEWEST - 1))),
    "what else is called": row(*(f"other({n}, 8, 1)" for n in range(5))),
    "names that differ": row(*(f"self.make({n}, 8, 1)" for n in "abcde")),
    "two numbers that differ in an argument": row(
        *(f"self.make({n} + {n * n}, 8, 1)" for n in range(5))
    ),
    "an element of a list": row(*(f"self.make(a[{n}], 8, 1)" for n in range(5))),
    "a name that a column would hide": row(*(f"self.make({n}, channels, 1)" for n in range(5))),
    "arguments in a list": row(*(f"self.make(*a, {n})" for n in range(5))),
}


@pytest.mark.parametrize(("before", "after"), ROWS.values(), ids=ROWS)
def test_modules_that_differ_by_numbers_are_a_table(before: str, after: str) -> None:
    assert rolled(MAKERS, before, "self.make") == after


@pytest.mark.parametrize("text", AS_THEY_WERE.values(), ids=AS_THEY_WERE)
def test_what_differs_otherwise_stays(text: str) -> None:
    assert rolled(MAKERS, text, "self.make") == text


def test_statements_that_hand_one_tensor_on_are_a_loop() -> None:
    calls = (f'x = stack(x, {8 * n}, name="part{n}")' for n in range(2, 7))
    assert rolled(STACK, "\n    ".join(["y = 1", *calls, "return x"]), "stack") == (
        "y = 1\n"
        "for number, width in enumerate([16, 24, 32, 40, 48], start=2):\n"
        "    x = stack(x, width, name=f'part{number}')\n"
        "return x"
    )


@pytest.mark.parametrize("name", ["other", "part2"])
def test_names_that_do_not_count_stay(name: str) -> None:
    calls = [f'x = stack(x, {8 * n}, name="{name if n == 4 else f"part{n}"}")' for n in range(2, 7)]
    assert "for" not in rolled(STACK, "\n    ".join(calls), "stack")


def test_a_tensor_that_is_not_handed_on_ends_a_row() -> None:
    calls = [f'x = stack({"y" if n == 4 else "x"}, {n}, name="part{n}")' for n in range(2, 7)]
    assert "for" not in rolled(STACK, "\n    ".join(calls), "stack")
