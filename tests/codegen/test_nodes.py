"""Nodes of code: what they are as text."""

from __future__ import annotations

import ast
import math

import pytest

from netspec.codegen import nodes
from netspec.codegen.layout import lay_out
from netspec.lang.expression.formula import print_node


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (nodes.dotted("nn.init.ones_"), "nn.init.ones_"),
        (nodes.call("f", [ast.keyword("b", ast.Name("y")), ast.Name("x")]), "f(x, b=y)"),
        (nodes.call(nodes.call("f"), [ast.Name("x")], name=ast.Constant("n")), 'f()(x, name="n")'),
        (nodes.constant((1, [0.5, "a", None])), '(1, [0.5, "a", None])'),
        (nodes.constant(1 / 3), "1 / 3"),
        (nodes.constant(0.1 + 0.2), "0.30000000000000004"),
        (nodes.constant(-math.inf), 'float("-inf")'),
        (nodes.filled("a{n}_b", n=ast.Name("index")), 'f"a{index}_b"'),
        (nodes.filled("{n}", n=ast.Name("index")), 'f"{index}"'),
        (nodes.lambda_of("x", ast.Name("x")), "lambda x: x"),
        (nodes.by_name({"a": ast.Name("x")}), '{"a": x}'),
    ],
)
def test_expressions(node: ast.expr, text: str) -> None:
    assert print_node(node) == text


def test_a_function_has_its_parameters_in_order() -> None:
    made = nodes.function(
        "f",
        [(nodes.parameter("x"), None), (nodes.parameter("n", "list[int]"), ast.Constant(1))],
        [ast.Return(ast.Name("x"))],
        doc="What it does.",
        returns=nodes.annotation("Tensor"),
        by_keyword=[(nodes.parameter("m"), ast.Constant(2)), (nodes.parameter("name"), None)],
    )
    assert lay_out([made]).splitlines() == [
        "def f(x, n: list[int] = 1, *, m=2, name) -> Tensor:",
        '    """What it does."""',
        "    return x",
    ]


@pytest.mark.parametrize(
    ("result", "last"),
    [
        ("x", ["return f(y)"]),
        ("y", ["x = f(y)", "return y"]),
        ("x + y", ["x = f(y)", "return x + y"]),
    ],
)
def test_a_return_takes_the_place_of_an_assignment_to_it(result: str, last: list[str]) -> None:
    statements = ast.parse("x = f(y)").body
    found = nodes.returning(statements, ast.parse(result, mode="eval").body)
    assert lay_out(found).splitlines() == last
