"""What is wrong with the shape of a file: a code, the exact place, and the nearest right thing."""

from __future__ import annotations

import pytest

from netspec.errors import Diagnostic, NetspecError
from netspec.lang.schema.bind import bind_block_file, bind_spec
from netspec.lang.source import parse

HEAD = "netspec: 1\nname: n\ninput: {channels: 3, size: [8]}\n"


def problems(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(NetspecError) as caught:
        bind_spec(parse(text, "f.yaml"))
    return caught.value.diagnostics


def problem(text: str) -> tuple[str, str, str | None]:
    """Code, what is marked, and help, of the one problem of a spec."""
    (found,) = problems(HEAD + text)
    assert found.span is not None
    line = (HEAD + text).splitlines()[found.span.line - 1]
    end = found.span.end_column - 1 if found.span.end_line == found.span.line else len(line)
    return found.code, line[found.span.column - 1 : end], found.help


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("stme: [relu]", "NS101", "stme"),
        ("stem: [{conv: {out: 4, kernal: 3}}]", "NS101", "kernal"),
        ("stem: [{residual: {bdy: [relu]}}]", "NS101", "bdy"),
        ("defaults: {covn: {bias: false}}", "NS101", "covn"),
        ("blocks: {b: {bdy: [relu]}}", "NS101", "bdy"),
        ("params: {a: {type: int, defualt: 3}}", "NS101", "defualt"),
        ("stages: [{repeat: 3}]", "NS102", "{repeat: 3}"),
        ("stem: [{repeat: {times: 2}}]", "NS102", "repeat"),
        ("params: {a: {default: 3}}", "NS102", "{default: 3}"),
        ("stem: 3", "NS103", "3"),
        ("stem: [~]", "NS103", "~"),
        ("stem: [[relu]]", "NS103", "[relu]"),
        ("stem: [{conv: 3}]", "NS103", "3"),
        ("stem: [{gate: [relu]}]", "NS103", "[relu]"),
        ("stem: [{basic: 3}]", "NS103", "3"),
        ("stem: [{branches: {a: 3, b: [relu]}}]", "NS103", "3"),
        ("stem: [{branches: {merge: sum, a: [relu], b: [relu]}}]", "NS103", "sum"),
        ("stem: [{conv: {out: 4, kernel: 3, padding: reflect}}]", "NS103", "reflect"),
        ("stem: [{conv: {out: 4, kernel: 3, init: nrmal}}]", "NS103", "nrmal"),
        ("stem: [{conv: {out: 4, kernel: 3, init: {kaiming_normal: fan}}}]", "NS103", "fan"),
        ("stem: [{conv: {out: {a: 1}, kernel: 3}}]", "NS103", "{a: 1}"),
        ("stem: [{conv: {out: 4 +, kernel: 3}}]", "NS200", "4 +"),
        ("stem: [{conv: {out: a.b, kernel: 3}}]", "NS201", "a.b"),
        ("let: {a: 'min(1, key=2)'}", "NS201", "'min(1, key=2)'"),
        ("stem: [{relu: {}, from: []}]", "NS103", "[]"),
        ("stem: [{relu: {}, merge: add}]", "NS103", "merge"),
        ("stem: [{relu: {}, from: a, merge: add}]", "NS103", "merge"),
        ("default: [1]", "NS103", "[1]"),
        ("variants: {a: 3}", "NS103", "3"),
        ("outputs: {a: 3}", "NS103", "3"),
        ("params: {a: word}", "NS103", "word"),
        ("params: {a: []}", "NS103", "[]"),
        ("params: {a: [1, true]}", "NS103", "[1, true]"),
        ("params: {a: {type: nit}}", "NS103", "nit"),
        ("stem: [{relu: {}, as: 1a}]", "NS104", "1a"),
        ("params: {1a: 3}", "NS104", "1a"),
        ("arguments: [a b]", "NS104", "a b"),
        ("stem: [{name: x}]", "NS107", "{name: x}"),
        ("stem: [{relu: {}, tanh: {}}]", "NS107", "tanh"),
    ],
)
def test_one_problem(text: str, code: str, marked: str) -> None:
    assert problem(text)[:2] == (code, marked)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("stme: [relu]", "did you mean `stem`?"),
        ("stem: [{conv: {out: 4, kernal: 3}}]", "did you mean `kernel`?"),
        ("stem: [{conv: {out: 4, kernel: 3, padding: smae}}]", "did you mean `same`?"),
        ("stem: [{conv: {out: 4, kernel: 3, init: ons}}]", "did you mean `ones`?"),
        ("params: {a: {type: nit}}", "did you mean `int`?"),
        ("arguments: x", "write it as a list: [x]"),
        (
            "stem: [{conv: {out: 4}, kernel: 3}]",
            "`kernel` belongs inside `conv`, as in `conv: {kernel: …}`",
        ),
    ],
)
def test_help(text: str, help: str) -> None:
    assert problem(text)[2] == help


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", ["NS106"]),
        ("- a\n", ["NS106"]),
        ("netspec: 2\nname: n\nnonsense: 1\n", ["NS108"]),
        ("netspec: 1\nname: n\n", ["NS102"]),
        ("netspec: 1\nname: 1a\ninput: {channels: 3, size: []}\n", ["NS104", "NS103"]),
        ("netspec: 1\nname: n\ninput: {channels: 3, size: [1, 2, 3, 4]}\n", ["NS103"]),
        ("netspec: 1\nname: n\ninput: {chanels: 3, size: [8]}\n", ["NS101"]),
    ],
)
def test_whole_files(text: str, codes: list[str]) -> None:
    assert [found.code for found in problems(text)] == codes


def test_all_problems_come_at_once_in_the_order_of_the_text() -> None:
    found = problems(
        HEAD + "stem:\n- conv: {out: 4, kernal: 3}\n- covn\n- relu: {slope: 1}\nhaed: []\n"
    )
    assert [(d.code, d.span.line if d.span else 0) for d in found] == [
        ("NS101", 5),
        ("NS101", 7),
        ("NS101", 8),
    ]


def test_a_block_file() -> None:
    with pytest.raises(NetspecError) as caught:
        bind_block_file(parse("block: b\ninput: {}\nbody: []\n"))
    assert [d.code for d in caught.value.diagnostics] == ["NS101"]
    with pytest.raises(NetspecError) as caught:
        bind_block_file(parse("[]"))
    assert [d.code for d in caught.value.diagnostics] == ["NS106"]
