"""Contract tests know nothing of the inside: what files in this folder import, and whose names they use."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import netspec

HERE = Path(__file__).parent
FILES = sorted(HERE.rglob("*.py"))
MAX_LINES = 400

FRAMEWORKS = {"torch", "torchvision", "timm", "keras", "tensorflow", "numpy"}
OUTSIDE = {*sys.stdlib_module_names, *FRAMEWORKS, "pytest"}
OURS = ("tests.contract", "tests.reference")

PACKAGE = "netspec"
PUBLIC = {*netspec.__all__, "__all__"}
# What of a compiled network is the inside, though its class is public.
INSIDE = {"network", "program", "compilation", "_compilation"}


def violations(tree: ast.Module) -> Iterator[str]:
    """What a contract test may not import or use; one text each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name != "netspec" and not _allowed(alias.name):
                    yield f"line {node.lineno} imports {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module == "netspec":
                for alias in node.names:
                    if alias.name not in PUBLIC:
                        yield f"line {node.lineno} imports netspec.{alias.name}"
            elif not _allowed(module):
                yield f"line {node.lineno} imports {module}"
        elif isinstance(node, ast.Attribute):
            of_netspec = isinstance(node.value, ast.Name) and node.value.id == "netspec"
            if of_netspec and node.attr not in PUBLIC:
                yield f"line {node.lineno} uses netspec.{node.attr}"
            if node.attr in INSIDE:
                yield f"line {node.lineno} uses .{node.attr}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Code for another process, and modules by their names: those of runpy, patches, importlib.
            if "\n" in node.value and "import " in node.value:
                yield from _in_text(node)
            elif node.value.startswith(f"{PACKAGE}."):
                yield f"line {node.lineno} names {node.value}"


def _in_text(node: ast.Constant) -> Iterator[str]:
    try:
        inner = ast.parse(str(node.value))
    except SyntaxError:  # a text that is no code
        return
    for found in violations(inner):
        yield f"line {node.lineno}, in the text: {found}"


def _allowed(module: str) -> bool:
    if module in OURS or module.startswith(tuple(f"{one}." for one in OURS)):
        return True
    return module.partition(".")[0] in OUTSIDE


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_uses_public_names_alone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert list(violations(ast.parse(text))) == []
    assert len(text.splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from netspec import ir", "imports netspec.ir"),
        ("import netspec.api", "imports netspec.api"),
        ("def f(): from netspec.backends.torch import live", "imports netspec.backends.torch"),
        ("from tests.support.zoo import SHRUNK", "tests.support.zoo"),
        ("from ..support import zoo", "..support"),
        ("import yaml", "imports yaml"),
        ("import netspec; netspec.api.load", "uses netspec.api"),
        ("compiled.network", ".network"),
        ("compiled.program", ".program"),
        ("run_module('netspec.cli')", "names netspec.cli"),
        (r"code = 'import os\nfrom netspec.ops import OPS'", "in the text"),
    ],
    ids=[
        *("a-module-as-a-name", "a-module", "inside-a-function", "helpers", "relative"),
        *("another-library", "an-attribute", "the-network", "the-program", "by-name", "in-a-text"),
    ],
)
def test_what_breaks_the_rule_is_found(code: str, said: str) -> None:
    (found,) = violations(ast.parse(code))
    assert said in found


def test_what_keeps_the_rule_is_let_pass() -> None:
    code = "import json, netspec, torch.nn; from netspec import load; netspec.load('x')"
    assert list(violations(ast.parse(code))) == []
