"""Calls and numbers as text."""

from __future__ import annotations

import ast
import math

import pytest

from netspec.codegen.calls import Call
from netspec.codegen.printing import MISSING, Printer, is_default
from netspec.lang.expression.formula import print_node, quoted
from netspec.lang.expression.symbolic import Diverges, Varying, named

DEFAULTS = {"f": {"stride": 1, "bias": True}}


def text(value: object) -> str:
    return print_node(Printer(DEFAULTS).value(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        ((1, 2), "(1, 2)"),
        ((1,), "(1,)"),
        ([1, 0.5], "[1, 0.5]"),
        ("same", '"same"'),
        (1 / 3, "1 / 3"),
        (0.1 + 0.2, "0.30000000000000004"),
        (-math.inf, 'float("-inf")'),
        (Call("f", (1,), {"stride": 2, "bias": True}), "f(1, stride=2)"),
        (Call("f", (), {"stride": (1, 1), "bias": False}), "f(bias=False)"),
        (Call("*", (Call("+", (ast.Name("x"), 1)), 2)), "(x + 1) * 2"),
        (Call("-", (1, Call("-", (2, 3)))), "1 - (2 - 3)"),
        (Call("+", (Call("*", (1, 2)), 3)), "1 * 2 + 3"),
    ],
)
def test_values(value: object, expected: str) -> None:
    assert text(value) == expected
    ast.parse(expected)


@pytest.mark.parametrize("hostile", ['a"b', "a'b", '"""', "\\", "\n", "{x}", "é", "\u2028", "\x00"])
def test_a_quoted_text_is_itself(hostile: str) -> None:
    assert ast.literal_eval(quoted(hostile)) == hostile


def test_names_and_functions_are_noted() -> None:
    printer = Printer({})
    width = named("width", [1, 2])
    printer.value(Call("nn.Linear", (width * 4,)))
    assert (printer.names, printer.targets) == ({"width"}, {"nn.Linear"})


def test_names_that_python_needs_are_changed_and_math_is_named() -> None:
    printer = Printer({})
    node = ast.parse("ceil(input / 2) + max(lambda_, 1)", mode="eval").body
    assert print_node(printer.value(Varying(node, (1, 2), False))) == (
        "math.ceil(input_ / 2) + max(lambda_, 1)"
    )
    assert printer.targets == {"math.ceil", "max"}


def test_a_number_without_a_formula_cannot_be_printed() -> None:
    with pytest.raises(Diverges):
        text(Varying(None, (1, 2), False))


def test_what_a_test_pins_down_is_that_number() -> None:
    stride = named("stride", [1, 2])
    printer = Printer(DEFAULTS)
    made = Call("f", (stride,), {"stride": stride})
    with printer.assuming(stride == 1, True):
        assert print_node(printer.value(made)) == "f(1)"
    with printer.assuming(stride != 1, True):
        assert print_node(printer.value(made)) == "f(stride, stride=stride)"
    assert print_node(printer.value(made)) == "f(stride, stride=stride)"


def test_a_flag_is_no_number() -> None:
    assert not is_default(True, 1)
    assert not is_default(1, True)
    assert not is_default(1, MISSING)
    assert is_default(1.0, 1)
