"""Classes whose modules come in rounds, before and after."""

from __future__ import annotations

import ast

import pytest

from netspec.codegen.passes.roll_classes import roll_classes

INIT = """
class Dense(nn.Module):
    'Layers in a row.'

    def __init__(self, width: int) -> None:
        super().__init__()
"""
UNITS = INIT + "".join(
    f"        self.unit{number} = Unit({8 + 4 * number}, width)\n" for number in range(1, 5)
)
FORWARD = """
    def forward(self, x: Tensor) -> Tensor:
        x = self.unit2(self.unit1(x))
        x = self.unit3(x)
"""
BEFORE = (
    UNITS
    + "        self.bn1 = nn.BatchNorm2d(28)\n        nn.init.zeros_(self.bn1.bias)\n"
    + FORWARD
    + "        return self.bn1(self.unit4(x))\n"
)
AFTER = """
class Dense(nn.Sequential):
    'Layers in a row.'

    def __init__(self, width: int) -> None:
        super().__init__()
        for index in range(4):
            self.add_module(f'unit{index + 1}', Unit(12 + 4 * index, width))
        self.bn1 = nn.BatchNorm2d(28)
        nn.init.zeros_(self.bn1.bias)
"""
UNCHANGED = {
    "another order": UNITS
    + FORWARD.replace("unit2(self.unit1", "unit1(self.unit2")
    + "        return self.unit4(x)\n",
    "one that runs twice": UNITS + FORWARD + "        return self.unit4(self.unit4(x))\n",
    "one that does not run": UNITS + FORWARD + "        return x\n",
    "something else that runs": UNITS + FORWARD + "        return self.unit4(x) + x\n",
    "another variable": UNITS + FORWARD + "        y = self.unit4(x)\n        return y\n",
    "a test": UNITS
    + "        if width:\n            self.a = A()\n"
    + FORWARD
    + "        return self.unit4(x)\n",
    "a single module": INIT
    + "        self.a = A()\n    def forward(self, x):\n        return self.a(x)\n",
    "several inputs": UNITS
    + FORWARD.replace("x: Tensor", "x: Tensor, y: Tensor")
    + "        return self.unit4(x)\n",
}


def rolled(text: str) -> str:
    found = ast.Module(roll_classes(ast.parse(text).body), [])
    return ast.unparse(ast.fix_missing_locations(found))


def test_a_row_with_rounds_is_a_sequential() -> None:
    assert rolled(BEFORE) == ast.unparse(ast.parse(AFTER))


def test_so_is_one_without() -> None:
    before = "        self.a = A()\n        self.b = B()\n"
    forward = "    def forward(self, x):\n        return self.b(self.a(x))\n"
    after = INIT.replace("nn.Module", "nn.Sequential") + before
    assert rolled(INIT + before + forward) == ast.unparse(ast.parse(after))


@pytest.mark.parametrize("text", UNCHANGED.values(), ids=UNCHANGED)
def test_nothing_else_is(text: str) -> None:
    assert rolled(text) == ast.unparse(ast.parse(text))
