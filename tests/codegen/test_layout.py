"""What the layout gives is what `ruff format` makes of it, at every length around the limit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from netspec.codegen.layout import (
    Choice,
    Document,
    Operation,
    Row,
    brackets,
    call,
    comprehension,
    keyword,
    lay_out,
    literal,
    text_of,
)
from tests.support.generated import style_problems


def statements(name: str) -> Iterator[tuple[str, Document, str]]:
    """Statements of all the forms that generated source has, with a name of some length in them."""
    layer = call("layers.Conv2D", ["width", "1", keyword("bias", "False"), keyword("name", name)])
    row = call("nn.Sequential", [call("nn.Conv2d", ["3", "out", keyword("bias", name)]), "act()"])
    test = Operation("or", ("stride != 1", f"in_channels != {name}"))
    blocks = Row(("*", comprehension("(", call("Block", ["512", name]), "for _ in range(3)", ")")))
    yield "y = ", call(layer, ["x"]), ""
    yield "return ", call(layer, ["x"]), ""
    yield "y = ", call(layer, [literal("[", ["y", "shortcut"], "]")]), ""
    yield "y = ", call("self.relu", [call("self.bn1", [call("self.conv1", [name])])]), ""
    yield "self.downsample = ", row, ""
    yield "self.downsample = ", Choice(row, test, "None"), ""
    yield "shortcut = ", Choice("x", "self.downsample is None", call("self.downsample", [name])), ""
    yield (
        "self.layer1 = ",
        call("nn.Sequential", [call("Block", ["256", name, "stride=2"]), blocks]),
        "",
    )
    yield (
        "blocks = ",
        comprehension("[", call("partial", ["block", name]), "for index in range(3)", "]"),
        "",
    )
    yield (
        "self.pool = ",
        call(
            "nn.Sequential",
            [Choice(call("nn.AvgPool2d", ["2", name]), "stride != 1", "nn.Identity()"), "act()"],
        ),
        "",
    )
    yield "x = ", Operation("+", (name, "y", call("self.se", ["x"]))), ""
    yield "x = ", call("torch.cat", [literal("[", [name, "b"], "]"), keyword("dim", "1")]), ""
    yield "x = ", call(layer, [literal("[", [name, "b" * 20, "c" * 9], "]")]), ""
    yield "x = ", call("f", [keyword("a", call("g", [name, "b" * 20, "c" * 9]))]), ""
    yield "x = ", literal("[", [call("g", [name, "b" * 20, "c" * 9])], "]"), ""
    yield "x = ", literal("(", [name, "b" * 20], ")"), ""
    gate = call(call("getattr", ["self.seq", '"5"']), [call("self.inner", [name])])
    yield "y = ", Operation("*", ("x", gate)), ""
    yield "y = ", Operation("*", (name, gate)), ""
    yield "y = ", Operation("+", (gate, call("self.downsample", ["x"]))), ""
    yield "y = ", Operation("+", (gate, name)), ""
    yield "y = ", Operation("+", (name, Operation("*", ("x", call("self.se", ["x"]))))), ""
    yield "y = ", Operation("+", (Operation("*", ("x", gate)), call("self.se", [name]))), ""
    yield "y = ", Operation("+", (call("self.se", [name]), literal("[", [name], "]"))), ""
    yield "return ", Operation("*", (name, call("self.se", [name]))), ""
    yield "return ", Operation("*", (name, "f()")), ""
    yield "return ", Operation("+", (gate, "x", call("self.se", [name]))), ""
    yield "return ", literal("{", [Row(('"a": ', name)), Row(('"b": ', "b" * 20))], "}"), ""


def test_statements_are_what_ruff_makes_of_them() -> None:
    lines = ["def f(self):"]
    for length in range(3, 62):
        for prefix, document, suffix in statements("a" * length):
            lines += lay_out(document, prefix, suffix, 1)
    assert style_formatted("\n".join(lines))


def test_conditions_and_signatures_are_what_ruff_makes_of_them() -> None:
    lines = []
    for length in range(3, 62):
        name = "a" * length
        arguments = brackets(
            "(", ["self", "in_channels: int", f"{name}: int", "stride: int = 1"], ")"
        )
        test = Operation("or", ("stride != 1", f"in_channels != {name}", "last"))
        lines += [*lay_out(arguments, f"def f{length}", " -> None:", 0)]
        lines += [*lay_out(test, "if ", ":", 1), "        pass", "", ""]
    assert style_formatted("\n".join(lines).rstrip())


def style_formatted(source: str) -> bool:
    """Whether ruff would leave the source as it is; the names in it mean nothing."""
    problems = style_problems({"layout": f"# ruff: noqa\n{source}\n"})
    assert problems == ""
    return True


def test_an_empty_bracket_stays_closed_and_a_document_has_a_text() -> None:
    assert lay_out(call("f", []), "x = ") == ["x = f()"]
    assert text_of(Choice("a", Operation("and", ("b", "c")), "d")) == "a if b and c else d"


@pytest.mark.parametrize("level", [0, 1, 3])
def test_lines_of_a_level_are_indented_by_it(level: int) -> None:
    lines = lay_out(call("f", ["a" * 40, "b" * 40, "c" * 40]), "x = ", level=level)
    assert lines[0] == " " * 4 * level + "x = f("
    assert lines[1] == " " * 4 * (level + 1) + "a" * 40 + ","
    assert lines[-1] == " " * 4 * level + ")"
