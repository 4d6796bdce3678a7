"""The head of generated files and what is copied into them."""

from __future__ import annotations

import ast

import pytest

from netspec.codegen.frame import GENERATED_BY, copied, docstring, head
from tests.support.zoo import zoo_network


@pytest.mark.parametrize(
    "hostile",
    [
        '"""; import os',
        '"',
        'ends in a quote"',
        "ends in a backslash\\",
        '\\"""',
        "\n\n    code()",
        "tab\there\r\nand lines",
        "nul\x00 bell\x07",
        "{{ x }} {% raw %}",
        "'''",
        '""""',
    ],
)
def test_a_docstring_stays_a_docstring(hostile: str) -> None:
    source = f"def f():\n    {docstring([hostile, 'more'], 1)}\n"
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 1
    assert "more" in (ast.get_docstring(function) or "")


def test_long_lines_are_wrapped() -> None:
    lines = docstring(["word " * 60], 1).splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 88 for line in lines)


def test_the_head_says_where_the_file_came_from() -> None:
    text = head(zoo_network("resnet18"))
    assert GENERATED_BY in text
    assert "`resnet`, variant `resnet18`" in text
    assert "11,699,112 parameters, 11,689,512 of them trainable" in text


def test_what_a_copy_uses_is_copied_too() -> None:
    texts = copied("netspec.backends.torch", "support.py", {"SameConv2d", "nn.Conv2d"})
    assert [text.split("(")[0] for text in texts] == ["def same_pad", "class SameConv2d"]
