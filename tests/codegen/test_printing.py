"""Calls and numbers as text."""

from __future__ import annotations

import ast
from random import Random

import pytest

from netspec.codegen.calls import Call, Raw
from netspec.codegen.layout import call, keyword, lay_out, text_of
from netspec.codegen.printing import MISSING, Printer, is_default, quoted
from netspec.lang.expression.symbolic import Diverges, Varying, named
from tests.support.generated import style_problems

DEFAULTS = {"f": {"stride": 1, "bias": True}}


def text(value: object) -> str:
    return text_of(Printer(DEFAULTS).value(value))


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
        (Raw('float("-inf")', None), 'float("-inf")'),
        (Call("f", (1,), {"stride": 2, "bias": True}), "f(1, stride=2)"),
        (Call("f", (), {"stride": (1, 1), "bias": False}), "f(bias=False)"),
        (Call("*", (Call("+", (Raw("x", None), 1)), 2)), "(x + 1) * 2"),
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
    assert text_of(printer.value(Varying(node, (1, 2), False))) == (
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
        assert text_of(printer.value(made)) == "f(1)"
    with printer.assuming(stride != 1, True):
        assert text_of(printer.value(made)) == "f(stride, stride=stride)"
    assert text_of(printer.value(made)) == "f(stride, stride=stride)"


def formula(dice: Random, depth: int) -> str:
    """A random formula, with many parentheses."""
    if depth == 0:
        return dice.choice(["width", "out", "in_channels", "9", "0.5", "groups", "1.0"])
    left = formula(dice, depth - 1)
    right = formula(dice, dice.choice((0, depth - 1)))
    shapes = [f"({left} {sign} {right})" for sign in ("+", "-", "*", "//", "/")]
    return dice.choice([*shapes, *shapes, f"({left}) ** 0.5", f"-({left})", f"max({left}, 9)"])


def test_long_formulas_as_arguments_are_what_ruff_makes_of_them() -> None:
    dice, lines, longest = Random(5), ["def f(self):"], 0
    for _ in range(600):
        node = ast.parse(formula(dice, dice.randint(2, 5)), mode="eval").body
        document = Printer({}).formula(Varying(node, (1, 2), False))
        longest = max(longest, len(text_of(document)))
        for argument in (document, keyword("std", document)):
            whole = call("nn.init.uniform_", ["self.conv.weight", argument])
            lines += lay_out(whole, "", "", 1)
    assert longest > 120
    assert style_problems({"layout": "# ruff: noqa\n" + "\n".join(lines) + "\n"}) == ""


def test_a_flag_is_no_number() -> None:
    assert not is_default(True, 1)
    assert not is_default(1, True)
    assert not is_default(1, MISSING)
    assert is_default(1.0, 1)
