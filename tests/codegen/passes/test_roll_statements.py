"""Statements in rounds become loops, before and after."""

from __future__ import annotations

import ast
import random

import pytest

from netspec.codegen.passes.roll_statements import roll_statements

CASES = {
    "names that count": (
        """
x = conv(16, name="conv2")(x)
x = relu(name="relu1")(x)
x = conv(16, name="conv3")(x)
x = relu(name="relu2")(x)
x = conv(16, name="conv4")(x)
x = relu(name="relu3")(x)
""",
        """
for index in range(1, 4):
    x = conv(16, name=f'conv{index + 1}')(x)
    x = relu(name=f'relu{index}')(x)
""",
    ),
    "names that have expressions, and two of a kind in a round": (
        """
x = conv(8, name=f"{name}_conv1")(x)
x = conv(8, name=f"{name}_conv2")(x)
x = norm(name=f"{name}_bn1")(x)
x = conv(8, name=f"{name}_conv3")(x)
x = conv(8, name=f"{name}_conv4")(x)
x = norm(name=f"{name}_bn2")(x)
x = conv(8, name=f"{name}_conv5")(x)
x = conv(8, name=f"{name}_conv6")(x)
x = norm(name=f"{name}_bn3")(x)
""",
        """
for index in range(1, 4):
    x = conv(8, name=f'{name}_conv{2 * index - 1}')(x)
    x = conv(8, name=f'{name}_conv{2 * index}')(x)
    x = norm(name=f'{name}_bn{index}')(x)
""",
    ),
    "numbers of four rounds": (
        """
self.add_module("unit0", Unit(16, rate=0.1 * 1 / 17))
self.add_module("unit1", Unit(24, rate=0.1 * 2 / 17))
self.add_module("unit2", Unit(32, rate=0.1 * 3 / 17))
self.add_module("unit3", Unit(40, rate=0.1 * 4 / 17))
""",
        """
for index in range(4):
    self.add_module(f'unit{index}', Unit(16 + 8 * index, rate=0.1 * (index + 1) / 17))
""",
    ),
    "what stands around stays": (
        """
x = stem(x)
if x:
    x = other(x)
x = unit(name="a1")(x)
x = unit(name="a2")(x)
x = unit(name="a3")(x)
return x
""",
        """
x = stem(x)
if x:
    x = other(x)
for index in range(1, 4):
    x = unit(name=f'a{index}')(x)
return x
""",
    ),
}

UNCHANGED = {
    "two rounds": 'x = unit(name="a1")(x)\nx = unit(name="a2")(x)',
    "three numbers, which count by chance": 'x = a(3, name="a1")(x)\nx = a(5, name="a2")(x)\nx = a(7, name="a3")(x)',
    "numbers that double": "\n".join(f'x = a({8 * 2**n}, name="a{n}")(x)' for n in range(5)),
    "names that do not count": "\n".join(f'x = a(name="a{n}")(x)' for n in (1, 2, 4, 8)),
    "a number with a zero ahead": "\n".join(f'x = a(name="a0{n}")(x)' for n in range(4)),
    "names that count down": "\n".join(f'x = a(name="a{n}")(x)' for n in (4, 3, 2, 1)),
    "other variables": 'x = a(name="a1")(y)\nx = a(name="a2")(x)\nx = a(name="a3")(z)',
    "an index of their own": "\n".join(f'x = a(index, name="a{n}")(x)' for n in range(4)),
    "fractions": "\n".join(f'x = a(0.{n}, name="a{n}")(x)' for n in range(1, 5)),
    "statements that hold others": "\n".join(f'if x:\n    x = a(name="a{n}")' for n in range(4)),
}


def rolled(text: str) -> str:
    module = ast.parse(text)
    found = ast.Module(roll_statements(module.body), [])
    return ast.unparse(ast.fix_missing_locations(found))


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_rounds_are_a_loop(before: str, after: str) -> None:
    assert rolled(before) == after.strip()


@pytest.mark.parametrize("text", UNCHANGED.values(), ids=UNCHANGED)
def test_nothing_else_is(text: str) -> None:
    assert rolled(text) == ast.unparse(ast.parse(text))


@pytest.mark.parametrize("seed", range(10))
def test_the_loop_does_what_the_statements_did(seed: int) -> None:
    draw = random.Random(seed)
    lines: list[str] = []
    for _ in range(30):
        word, first, step = draw.choice("ab"), draw.randint(0, 12), draw.randint(0, 3)
        for number in range(draw.randint(1, 6)):
            for part in range(draw.choice([1, 1, 2, 3])):
                named = f'"{word}{first + step * number}{"_" * part}"'
                lines.append(f"x = note(x, {3 + step * number}, {named}, f'{{x}}-{number}')")
    text = "\n".join(lines)
    calls: list[tuple[object, ...]] = []

    def note(*given: object) -> int:
        calls.append(given)
        return len(calls)

    results = []
    for source in (text, rolled(text)):
        calls.clear()
        exec(source, {"note": note, "x": 0})
        results.append([*calls])
    assert results[0] == results[1]
    assert len(rolled(text)) < len(text)
