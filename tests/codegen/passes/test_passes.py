"""Each pass, before and after; and all of them in their order."""

from __future__ import annotations

import ast
import importlib
import textwrap

import pytest

from netspec.codegen.layout import lay_out
from netspec.codegen.passes import PASSES, Pass, tidied

CASES: dict[str, list[tuple[str, str]]] = {
    "fold_copies": [
        ("y = f(x)\nself.y = y\nreturn x", "self.y = f(x)\nreturn x"),
        # What is read once more stays, and so does what another variable is.
        ("y = f(x)\nz = y\nreturn z + x", "y = f(x)\nz = y\nreturn z + x"),
        ("y = f(x)\nself.y = y\nreturn y", "y = f(x)\nself.y = y\nreturn y"),
        ("x = f(x)\nreturn x", "x = f(x)\nreturn x"),
    ],
    "read_originals": [
        ("y = x\nx = f(y)\nreturn x + y", "y = x\nx = f(x)\nreturn x + y"),
        ("y = x\nx = f(g(y), y)\nreturn x + y", "y = x\nx = f(g(x), x)\nreturn x + y"),
        # The original is another value by then, or stays.
        ("y = x\nx = f(x)\nx = g(y)\nreturn x", "y = x\nx = f(x)\nx = g(y)\nreturn x"),
        ("y = x\nz = f(y)\nreturn z + y", "y = x\nz = f(y)\nreturn z + y"),
    ],
    "share_ends": [
        (
            "if a:\n    f(1)\n    g(1)\n    h()\nelse:\n    f(1)\n    g(2)\n    h()",
            "f(1)\nif a:\n    g(1)\nelse:\n    g(2)\nh()",
        ),
        ("if a:\n    f()\nelse:\n    f()", "f()"),
        ("if a:\n    f()\nelse:\n    g()\n    f()", "if not a:\n    g()\nf()"),
        # The test would see another value.
        (
            "if a:\n    a = f()\n    g()\nelse:\n    a = f()\n    h()",
            "if a:\n    a = f()\n    g()\nelse:\n    a = f()\n    h()",
        ),
        (
            "if self.a:\n    self.a = 1\n    g()\nelse:\n    self.a = 1\n    h()",
            "if self.a:\n    self.a = 1\n    g()\nelse:\n    self.a = 1\n    h()",
        ),
    ],
    "share_values": [
        (
            "if self.skip:\n    y = g(f(x))\n    x = h(y) + x\nelse:\n    x = g(f(x))\n    x = h(x)\nreturn x",
            "y = g(f(x))\ny = h(y)\nx = y + x if self.skip else y\nreturn x",
        ),
        (
            "if self.skip:\n    x = f(x)\nelse:\n    y = f(x)\n    y = g(y)\n    x = y + x\nreturn x",
            "y = f(x)\nif not self.skip:\n    y = g(y)\n    x = y + x\nelse:\n    x = y\nreturn x",
        ),
        (
            "return f(x) + x if self.skip else f(x)",
            "y = f(x)\nreturn y + x if self.skip else y",
        ),
        # Nothing is computed that was not, and nothing twice.
        ("return f(x) + g(x) if self.skip else h(x)", "return f(x) + g(x) if self.skip else h(x)"),
        ("x = x if self.f is None else self.f(x)", "x = x if self.f is None else self.f(x)"),
        # What is read behind stays what it is.
        (
            "if a:\n    y = f(x)\n    x = y + x\nelse:\n    x = f(x)\nreturn x, y",
            "if a:\n    y = f(x)\n    x = y + x\nelse:\n    x = f(x)\nreturn x, y",
        ),
    ],
    "one_variable": [
        (
            "if a:\n    z = f(y)\nelse:\n    z = y\ny = g(z)\nreturn y",
            "if a:\n    y = f(y)\ny = g(y)\nreturn y",
        ),
        (
            "if a:\n    z = y\nelse:\n    z = f(y)\nreturn z",
            "if not a:\n    y = f(y)\nreturn y",
        ),
        (
            "if a:\n    z = f(y)\nelif b:\n    z = g(y)\nelse:\n    z = h(y)\nreturn z",
            "if a:\n    y = f(y)\nelif b:\n    y = g(y)\nelse:\n    y = h(y)\nreturn y",
        ),
        (
            "if a:\n    x = y + x\nelse:\n    x = y\nreturn f(x)",
            "if a:\n    y = y + x\nreturn f(y)",
        ),
        # What is written to anew is another value.
        (
            "if a:\n    z = f(y)\nelse:\n    z = y\ny = g(z)\nif a:\n    z = f(y)\nelse:\n    z = y\nreturn z",
            "if a:\n    y = f(y)\ny = g(y)\nif a:\n    y = f(y)\nreturn y",
        ),
        (
            "if a:\n    z = f(y)\nelse:\n    z = y\nif b:\n    y = g(z)\nelse:\n    y = h(z)\n    y = k(y)\nreturn y",
            "if a:\n    y = f(y)\nif b:\n    y = g(y)\nelse:\n    y = h(y)\n    y = k(y)\nreturn y",
        ),
        # Both values are read behind, now or in some cases; a name that the spec has stays.
        *(
            (f"if a:\n    {name} = f(y)\nelse:\n    {name} = y\n{rest}",) * 2
            for name, rest in (
                ("z", "return z + y"),
                ("z", "x = z\nreturn x + y"),
                ("z", "y = f(x)\nreturn z + y"),
                ("z", "if b:\n    y = f(z)\nreturn y"),
                ("z", "if b:\n    z = f(x)\nreturn z"),
                ("z", "if b:\n    y = f(x)\n    y = g(y, z)\nreturn y"),
                ("z", "for y in z:\n    f(y, z)"),
                ("shortcut", "return shortcut"),
            )
        ),
        ("if a:\n    z = f(y)\nelse:\n    z = x\nreturn z",) * 2,
        ("if a:\n    z = f(bound)\nelse:\n    z = bound\nreturn z",) * 2,
    ],
    "one_test": [
        (
            "if a:\n    y = f(y)\nif a:\n    y = g(y)\nreturn y",
            "if a:\n    y = f(y)\n    y = g(y)\nreturn y",
        ),
        (
            "if a:\n    f()\nelse:\n    g()\nif a:\n    h()",
            "if a:\n    f()\n    h()\nelse:\n    g()",
        ),
        # The second test may have another answer, and may be another.
        ("if a:\n    a = f(a)\nif a:\n    g(a)",) * 2,
        ("if f():\n    g()\nif f():\n    h()",) * 2,
        ("if self.a:\n    g()\nif self.a:\n    h()",) * 2,
        ("if a:\n    f()\nif b:\n    g()",) * 2,
    ],
    "positive_tests": [
        ("if not a:\n    f()\nelse:\n    g()", "if a:\n    g()\nelse:\n    f()"),
        ("if a is not b:\n    f()\nelse:\n    g()", "if a is b:\n    g()\nelse:\n    f()"),
        ("if not a:\n    f()", "if not a:\n    f()"),
        ("if not a:\n    f()\nelif b:\n    g()", "if not a:\n    f()\nelif b:\n    g()"),
    ],
    "choose_values": [
        (
            "if a is b:\n    y = x\nelse:\n    y = f(x)\nreturn y",
            "y = x if a is b else f(x)\nreturn y",
        ),
        # What takes more to say has a line of its own, and what else is done stays.
        (
            "if a:\n    y = f(g(x))\nelse:\n    y = x\nreturn y",
            "if a:\n    y = f(g(x))\nelse:\n    y = x\nreturn y",
        ),
        (
            "if a:\n    y = f(x)\nelse:\n    z = f(x)\nreturn y, z",
            "if a:\n    y = f(x)\nelse:\n    z = f(x)\nreturn y, z",
        ),
        ("if a:\n    y = f(x)\nreturn y", "if a:\n    y = f(x)\nreturn y"),
    ],
    "use_at_once": [
        ("y = f(x)\nx = y + z\nreturn x", "x = f(x) + z\nreturn x"),
        ("y = f(x)\nx = g(z + y)\nreturn x", "x = g(z + f(x))\nreturn x"),
        # What several calls make keeps its name, and so does what is read again, or by something else.
        ("y = f(g(x))\nx = y + z\nreturn x", "y = f(g(x))\nx = y + z\nreturn x"),
        ("y = f(x)\nx = y + z\nreturn x, y", "y = f(x)\nx = y + z\nreturn x, y"),
        ("y = f(x)\nx = y + y\nreturn x", "y = f(x)\nx = y + y\nreturn x"),
        ("y = f(x)\nx = g(y)\nreturn x", "y = f(x)\nx = g(y)\nreturn x"),
        ("y = f(x)\nx = y + g(x)\nreturn x", "y = f(x)\nx = y + g(x)\nreturn x"),
    ],
    "drop_dead_stores": [
        ("y = x\nreturn x", "return x"),
        ("x = x\nreturn x", "return x"),
        # A call may do more than give a value.
        ("y = f(x)\nreturn x", "y = f(x)\nreturn x"),
        ("y = x\nif a:\n    return y\nreturn x", "y = x\nif a:\n    return y\nreturn x"),
    ],
}


def function(body: str) -> ast.stmt:
    return ast.parse(f"def f(self, x):\n{textwrap.indent(body, '    ')}").body[0]


def name_of(run: Pass) -> str:
    return str(run.__name__)  # type: ignore[attr-defined]


def named(name: str) -> Pass:
    module = importlib.import_module(f"netspec.codegen.passes.{name}")
    found: Pass = getattr(module, name)
    return found


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [(name, before, after) for name, cases in CASES.items() for before, after in cases],
)
def test_before_and_after(name: str, before: str, after: str) -> None:
    given = function(before)
    text = ast.dump(given)
    found = named(name)(given)
    assert lay_out([found]) == lay_out([function(after)])
    assert ast.dump(given) == text


def test_every_pass_says_what_it_does_and_has_cases() -> None:
    for name, run in zip(
        CASES, sorted(PASSES, key=lambda run: [*CASES].index(name_of(run))), strict=True
    ):
        assert run is named(name)
        assert run.__doc__
        assert len(run.__doc__.splitlines()) == 1


def test_a_second_time_they_change_nothing() -> None:
    bodies = [before for cases in CASES.values() for before, _ in cases]
    once = tidied([function(body) for body in bodies])
    assert lay_out(tidied(once)) == lay_out(once)
