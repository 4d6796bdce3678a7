"""The layout gives what `ruff format` makes of it, at every line length and every length of a statement."""

from __future__ import annotations

import ast
from random import Random

import pytest

from netspec.codegen.layout import lay_out
from netspec.system.packaged import packaged
from tests.support.generated import style_problems

LENGTHS = (60, 88, 100, 120)

STATEMENTS = """\
y = layers.Conv2D(width, 1, bias=False, name=NAME)(x)
return layers.Conv2D(width, 1, bias=False, name=NAME)(x)
y = layers.Add(name=NAME)([y, shortcut])
y = self.relu(self.bn1(self.conv1(NAME)))
self.downsample = nn.Sequential(nn.Conv2d(3, out, bias=NAME), act())
self.downsample = nn.Sequential(conv(3, NAME), act()) if stride != 1 or in_channels != NAME else None
shortcut = x if self.downsample is None else self.downsample(NAME)
y = x if NAME else f(x) if self.downsample is None else self.downsample(NAME)
y = f(x if NAME else f(x) if self.downsample is None else self.downsample(NAME), 1)
y = (a if NAME else b) if self.downsample is None else self.downsample(NAME)
self.layer1 = nn.Sequential(Block(256, NAME, stride=2), *(Block(512, NAME) for _ in range(3)))
stage = nn.Sequential(OrderedDict((f"block{index}", Block(NAME, 4)) for index in range(1, NAME)))
x = sum(depth for depth in NAME)
x = [f(one, other) for one, other in zip(NAME, others, strict=True)]
blocks = [partial(block, NAME) for index in range(3)]
blocks = [partial(block, NAME) for index in range(NAME, 3) if index % 2 == 0]
self.pool = nn.Sequential(nn.AvgPool2d(2, NAME) if stride != 1 else nn.Identity(), act())
x = NAME + y + self.se(x)
x = torch.cat([NAME, b], dim=1)
x = layers.Add(name=b)([NAME, bbbbbbbbbbbbbbbbbbbb, ccccccccc])
x = f(a=g(NAME, bbbbbbbbbbbbbbbbbbbb, ccccccccc))
x = [g(NAME, bbbbbbbbbbbbbbbbbbbb, ccccccccc)]
x = (NAME, bbbbbbbbbbbbbbbbbbbb)
x = (NAME,)
x = f(NAME[:-1], y[-1:], z[1 - n :], w[: n + 1, ::2])
y = x * getattr(self.seq, "5")(self.inner(NAME))
y = NAME * getattr(self.seq, "5")(self.inner(NAME))
y = getattr(self.seq, "5")(self.inner(NAME)) + self.downsample(x)
y = getattr(self.seq, "5")(self.inner(NAME)) + NAME
y = NAME + x * self.se(x)
y = x * getattr(self.seq, "5")(self.inner(NAME)) + self.se(NAME)
y = self.se(NAME) + [NAME]
y = (NAME + b) * c
y = (NAME + b) * f(c)
y = c * (NAME + b)
y = c * d * (NAME + b)
y = -NAME * 2 + f(1)
return NAME * self.se(NAME)
return NAME * f()
return getattr(self.seq, "5")(self.inner(NAME)) + x + self.se(NAME)
return {"a": NAME, "b": bbbbbbbbbbbbbbbbbbbb}
return NAME, bbbbbbbbbbbbbbbbbbbb
getattr(self.group, "with-hyphen").own = nn.GroupNorm(1, NAME, eps=0.001)
x, y = block(NAME, previous, name=f"{name}_{NAME}")
inputs = y = keras.Input(x.shape[1:], name=f"{NAME}_chunk{number}_input")
pads: list[int] = [NAME, 1]
pads += [total // 2, total - NAME]
x = expression(lambda x: ops.mean(x) / ops.mean(NAME), x, name=f"{name}_pool")
x = expression(lambda x: f(x, NAME), x, name=f"{name}_pool")
nn.init.uniform_(self.conv.weight, -((1 / (in_channels * NAME)) ** 0.5), (1 / NAME) ** 0.5)
x = NAME[index - 2]
x = [16, 24, 32, 64, 96, 160, 320][NAME - 2]
size = f(x)[NAME].shape
raise ValueError("the padding is for an input of " + NAME)
x = not NAME
x = not (NAME == 1 or flag)
x = a and NAME
x = a == NAME and b != NAME
x = a == NAME and (b or c) or d
x = a == f(NAME)
x = a or f(NAME)
x = a % NAME == 0
x = NAME.movedim(1, -1).flatten(1)
x = super().forward(NAME)
"""

HEADS = """\
if stride != 1 or in_channels != NAME or last: x = 1
if isinstance(module, NAME) and module.bias is not None: x = 1
if isinstance(module, (nn.Conv2d, NAME)): x = 1
if not self.training or self.NAME == 0.0: x = 1
if not NAME > 1: x = 1
if tuple(input_shape) != (3, 4, NAME): x = 1
if getattr(self.NAME, "a-b", None) is None: x = 1
for index in range(NAME, 5): x = 1
for module in self.NAME.modules(): x = 1
"""

FUNCTIONS = """\
def f(self, in_channels: int, NAME: int, stride: int = 1) -> None: return None
def f(x, *, name): return NAME
def f(x: Tensor, NAME) -> tuple[Tensor, Tensor]: return x, x
def f(x, NAME=(32, 32, 3), classes=10, *args, **kwargs): return x
"""


def variants(texts: str) -> list[str]:
    """The texts with a name of each length in them, so that each breaks everywhere at some length."""
    return [
        text.replace("NAME", "a" * length)
        for text in texts.splitlines()
        for length in range(3, 62, 2)
    ]


@pytest.mark.parametrize("width", LENGTHS)
def test_statements_are_what_ruff_makes_of_them(width: int) -> None:
    lines = ["def f():"]
    for text in variants(STATEMENTS):
        (statement,) = ast.parse(text).body
        lines.append(lay_out([statement], 1, width))
        assert ast.dump(ast.parse(lines[-1].lstrip())) == ast.dump(ast.parse(text))
    assert is_formatted("\n".join(lines), width)


@pytest.mark.parametrize("width", LENGTHS)
def test_heads_and_functions_are_what_ruff_makes_of_them(width: int) -> None:
    texts = [f"def f():\n{lay_out(ast.parse(text).body, 1, width)}" for text in variants(HEADS)]
    texts += [lay_out(ast.parse(text).body, 0, width) for text in variants(FUNCTIONS)]
    assert is_formatted("\n\n\n".join(texts), width)


def is_formatted(source: str, width: int) -> bool:
    """Whether ruff would leave the source as it is; the names in it mean nothing."""
    assert style_problems({"layout": f"# ruff: noqa\n{source}\n"}, width) == ""
    return True


def formula(dice: Random, depth: int) -> str:
    """A random formula, with many parentheses."""
    if depth == 0:
        return dice.choice(["width", "out", "in_channels", "9", "0.5", "groups", "1.0"])
    left = formula(dice, depth - 1)
    right = formula(dice, dice.choice((0, depth - 1)))
    shapes = [f"({left} {sign} {right})" for sign in ("+", "-", "*", "//", "/")]
    return dice.choice([*shapes, *shapes, f"({left}) ** 0.5", f"-({left})", f"max({left}, 9)"])


@pytest.mark.parametrize("width", LENGTHS)
def test_long_formulas_are_what_ruff_makes_of_them(width: int) -> None:
    dice, lines = Random(5), ["def f(self):"]
    for _ in range(200):
        text = formula(dice, dice.randint(2, 5))
        for head in ("f(self.conv.weight, {})", "f(self.conv, std={})", "x = {}"):
            lines.append(lay_out(ast.parse(head.format(text)).body, 1, width))
    assert is_formatted("\n".join(lines), width)


@pytest.mark.parametrize(
    "file", ["torch/same.py", "torch/channels.py", "torch/support.py", "keras/support.py"]
)
def test_copied_definitions_are_what_ruff_makes_of_them(file: str) -> None:
    tree = ast.parse((packaged("netspec.backends") / file).read_text(encoding="utf-8"))
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    for width in LENGTHS:
        text = "\n\n\n".join(lay_out([node], 0, width) for node in found)
        assert is_formatted(text, width)
        assert all(len(line) <= width for line in text.splitlines())


def test_long_lines_of_a_docstring_are_wrapped() -> None:
    lines = lay_out([ast.Expr(ast.Constant("word " * 60))], 1, 70).splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 70 for line in lines)


@pytest.mark.parametrize("text", ['ends in "', "a \\ in it", '""" in it', "\\"])
def test_a_docstring_stays_a_docstring(text: str) -> None:
    (statement,) = ast.parse(lay_out([ast.Expr(ast.Constant(text))])).body
    assert isinstance(statement, ast.Expr)
    assert ast.literal_eval(statement.value) == text


@pytest.mark.parametrize("level", [0, 1, 3])
def test_lines_of_a_level_are_indented_by_it(level: int) -> None:
    statement = ast.parse(f"x = f({'a' * 40}, {'b' * 40}, {'c' * 40})").body
    lines = lay_out(statement, level).splitlines()
    assert lines[0] == " " * 4 * level + "x = f("
    assert lines[1] == " " * 4 * (level + 1) + "a" * 40 + ","
    assert lines[-1] == " " * 4 * level + ")"
