"""Names of layers: the habit of the field where a spec gives none, templates where it does."""

from __future__ import annotations

import pytest

from tests.elaborate.conftest import paths, problem

EXAMPLES = [
    ("[relu]", ["relu"]),
    ("[relu, relu]", ["relu1", "relu2"]),
    ("[relu, tanh]", ["relu", "tanh"]),
    ("[{conv: {out: 3, kernel: 1}}]", ["conv1"]),
    ("[norm, norm]", ["bn1", "bn2"]),
    ("[{relu: {}, name: a}, relu]", ["a", "relu"]),
    ("[{relu: {}, name: a.b.c}]", ["a.b.c"]),
    ("[{relu: {}, name: 'a-1'}]", ["a-1"]),
    ("[{relu: {}, name: 7}]", ["7"]),
    ("[{relu: {}, name: 'x{channels * 2}_{size[0]}'}]", ["x6_8"]),
    ("[{relu: {}, name: \"{'a' if channels == 3 else 'b'}\"}]", ["a"]),
    ("[{max_pool: {kernel: 1}}, {max_pool: {kernel: 1}}]", ["maxpool1", "maxpool2"]),
    ("[global_avg_pool, {linear: {out: 3}}]", ["avgpool", "fc"]),
    ("[{repeat: {times: 1, body: [relu]}}]", ["relu1"]),
    ("[{when: {test: false, then: [relu], else: [tanh]}}, relu]", ["tanh", "relu2"]),
    ("[{when: {test: true, then: [relu], else: [tanh]}}, relu]", ["relu1", "relu2"]),
    ("[{when: {test: true, then: [], else: [relu, relu]}}, relu]", ["relu3"]),
    ("[b, b]", ["b1.relu", "b2.relu"]),
    ("[b, relu]", ["b.relu", "relu"]),
    ("[{b: {}, name: 'unit{channels}'}]", ["unit3.relu"]),
    ("[labelled]", ["unit.relu"]),
    ("[{sequence: [b, relu, b], name: s}]", ["s.0.relu", "s.1", "s.2.relu"]),
    ("[{residual: {body: [{residual: {body: [relu]}}]}}]", ["relu"]),
]


@pytest.mark.parametrize(("stem", "expected"), EXAMPLES)
def test_names(stem: str, expected: list[str]) -> None:
    text = (
        f"blocks:\n  b: {{body: [relu]}}\n  labelled: {{label: unit, body: [relu]}}\nstem: {stem}\n"
    )
    assert paths(text) == expected


def test_names_after_a_choice_do_not_depend_on_it() -> None:
    """So one class can hold both kinds of block."""
    text = (
        "blocks:\n"
        "  b:\n"
        "    params: {more: false}\n"
        "    body: [relu, {when: {test: more, then: [norm, relu]}}, relu]\n"
        "stem: [{b: {}, name: x}, {b: {more: true}, name: 'y'}]\n"
    )
    assert paths(text) == ["x.relu1", "x.relu3", "y.relu1", "y.bn1", "y.relu2", "y.relu3"]


@pytest.mark.parametrize("name", ["a b", "_a", "a.", ".a", "a..b", "é", "a/b", "a:0"])
def test_names_that_are_no_words(name: str) -> None:
    found = problem(f"stem: [{{relu: {{}}, name: '{name}'}}]\n")
    assert found.code == "NS221"
    assert "not a word" in found.message


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a{channels", "NS222"),
        ("a}", "NS222"),
        ("a{{channels}}", "NS222"),
        ("{channels / 2}", "NS222"),
        ("{channels > 2}", "NS222"),
        ("{size}", "NS222"),
        ("{nothing}", "NS202"),
        ("{channels +}", "NS200"),
        ("{size.count}", "NS201"),
    ],
)
def test_templates_that_give_no_name(name: str, code: str) -> None:
    assert problem(f"stem: [{{relu: {{}}, name: '{name}'}}]\n").code == code
