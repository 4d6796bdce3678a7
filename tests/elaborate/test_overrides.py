"""Values that replace parameters: from a command line or from Python, whole or by element."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.api import loads
from netspec.elaborate.network import elaborate
from netspec.elaborate.overrides import apply_overrides, from_values, parse_assignment
from netspec.errors import NetspecError, UsageError
from netspec.lang.schema.bind import bind_spec
from netspec.lang.schema.syntax import Argument
from netspec.lang.source import parse

SPEC = """\
netspec: 1
name: n
params: {w: 4, d: [1, 2], e: [3], s: {type: steps, default: []}, how: {type: str, default: same}, r: int}
default: a
variants:
  a: {d: [5, 6], r: 1}
  b: {r: 2}
input: {channels: 3, size: [8]}
stem:
  - conv: {out: "w + d[0] + d[1] + r", kernel: 1, padding: {param: how}}
  - s
"""


def channels(overrides: dict[str, Any], variant: str | None = None) -> int:
    return loads(SPEC, variant, overrides).network.target.channels


@pytest.mark.parametrize(
    ("overrides", "variant", "expected"),
    [
        ({}, None, 16),
        ({"w": 5}, None, 17),
        ({"w": "2 * 3"}, None, 18),
        ({"d": [1, 1]}, None, 7),
        ({"d": (1, 1)}, None, 7),
        ({"d[1]": 0}, None, 10),
        ({"d[0]": 7, "d[1]": 7}, None, 19),
        ({"d": [0, 0], "d[1]": 9}, None, 14),
        ({"d[1]": 9, "d": [0, 0]}, None, 5),
        ({"d[1]": 9}, "b", 16),
        ({"r": 9}, "b", 16),
        ({"how": "valid"}, None, 16),
        ({"s": [{"conv": {"out": 3, "kernel": 1}}]}, None, 3),
        ({"s": "relu"}, None, 16),
    ],
)
def test_values_from_python(overrides: dict[str, Any], variant: str | None, expected: int) -> None:
    assert channels(overrides, variant) == expected


@pytest.mark.parametrize("variant", ["a", "b"])
def test_the_specs_own_lists_stay_as_they_are(variant: str) -> None:
    spec = bind_spec(parse(SPEC))
    own = elaborate(spec, variant, {"r": Argument(0, spec.spans)}).target.channels
    changed = apply_overrides(spec, variant, from_values({"d[0]": 50, "r": 0}))
    assert elaborate(spec, variant, changed).target.channels > own + 40
    assert elaborate(spec, variant, {"r": Argument(0, spec.spans)}).target.channels == own


@pytest.mark.parametrize(
    ("overrides", "code", "words"),
    [
        ({"wdth": 3}, "NS206", "wdth"),
        ({"x[0]": 3}, "NS206", "no parameter `x`"),
        ({"d[2]": 3}, "NS217", "`d` has 2 elements"),
        ({"w[0]": 3}, "NS217", "`w` is no list"),
        ({"d[0][0]": 3}, "NS217", "`d[0]` is no list"),
        ({"w": 1.5}, "NS205", "whole number"),
        ({"w": None}, "NS103", "expected a number"),
        ({"w": "a.b"}, "NS201", "a.b"),
        ({"s": [{"cnov": {}}]}, "NS207", "cnov"),
        ({"s": [{"conv": {"kernal": 3}}]}, "NS101", "kernal"),
        ({"d[1]": "x"}, "NS202", "x"),
    ],
)
def test_values_that_do_not_fit(overrides: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(NetspecError) as caught:
        channels(overrides)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert words in found.message
    assert found.span is not None
    assert found.span.file == "<overrides>"


def test_a_word_is_checked_where_it_is_used() -> None:
    with pytest.raises(NetspecError) as caught:
        channels({"how": "reflect"})
    assert caught.value.diagnostics[0].code == "NS204"


def test_the_message_quotes_the_value() -> None:
    with pytest.raises(NetspecError) as caught:
        channels({"w": 5, "d[1]": 2.5})
    assert "d[1]: 2.5" in str(caught.value)
    assert "<overrides>:2:7" in str(caught.value)


@pytest.mark.parametrize(
    "overrides",
    [
        {"w ": 1},
        {"d[-1]": 1},
        {"d[x]": 1},
        {"d.w": 1},
        {"": 1},
        {1: 1},
        {"w": object()},
        {"w": {1: 2}},
        {"w": float("nan")},
        {"w": float("inf")},
        {"d": {1, 2}},
    ],
)
def test_what_is_no_override(overrides: dict[Any, Any]) -> None:
    with pytest.raises(UsageError):
        channels(overrides)


def test_deep_values_are_refused() -> None:
    value: list[Any] = []
    for _ in range(100):
        value = [value]
    with pytest.raises(UsageError, match="nested deeper"):
        from_values({"s": value})


def test_a_variant_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        channels({}, "aa")


@pytest.mark.parametrize(
    ("text", "target", "value"),
    [
        ("w=5", "w", 5),
        ("d[1]=2", "d[1]", 2),
        (" w = 5", "w", 5),
        ("how=no", "how", "no"),
        ("w=1e-3", "w", 1e-3),
        ("w=a == b", "w", "a == b"),
        ("d=[1, 2]", "d", [1, 2]),
        ("s={conv: {out: 3}}", "s", {"conv": {"out": 3}}),
        ("how=''", "how", ""),
    ],
)
def test_assignments_are_yaml(text: str, target: str, value: Any) -> None:
    found, document = parse_assignment(text)
    assert (found, document.data) == (target, value)


@pytest.mark.parametrize("text", ["w", "=5", "1w=5", "d[]=1", "d[-1]=1", "w=", "w=~", "w.x=1"])
def test_what_is_no_assignment(text: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        parse_assignment(text)


def test_a_value_that_is_no_yaml_is_quoted() -> None:
    with pytest.raises(NetspecError) as caught:
        parse_assignment("d[1]=[1")
    assert caught.value.diagnostics[0].span is not None
    assert caught.value.diagnostics[0].span.file == "--set d[1]"
