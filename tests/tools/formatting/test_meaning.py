"""Formatting keeps what a file says: over the zoo, over random layouts, and over broken files."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from netspec.elaborate.network import elaborate
from netspec.errors import Diagnostic, InternalError, NetspecError
from netspec.ir.fingerprint import fingerprint
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse
from netspec.tools import formatting
from netspec.tools.formatting import format_text, same
from tests.tools.formatting.random_yaml import documents
from tests.tools.json_schema.sample import SAMPLES, SPEC

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "specs").rglob("*.yaml"))
SPECS = [path for path in SHIPPED if path.parent.name == "specs"]


def formatted(text: str) -> str:
    """The text in its layout, which is that of a spec or block file."""
    result = format_text(text)
    assert result is not None
    return result


def meanings(text: str) -> dict[str | None, str]:
    """The hash of every network that a spec describes, by variant."""
    spec = bind_spec(parse(text, "spec.yaml"))
    return {name: fingerprint(elaborate(spec, name)) for name in spec.variants or [None]}


SAMPLE_MEANINGS = meanings(SPEC)


@st.composite
def layouts(draw: st.DrawFn, data: Any) -> str:
    """Plain values as YAML of some layout: keys of fixed names in any order, braces here and there."""
    text = yaml.safe_dump(
        _shuffled(data, draw(st.randoms(use_true_random=False)), fixed=True),
        default_flow_style=draw(st.sampled_from([None, True, False])),
        indent=draw(st.integers(2, 6)),
        width=draw(st.sampled_from([20, 80, 1000])),
        allow_unicode=True,
        sort_keys=False,
    )
    assume(same(parse(text).data, data))  # PyYAML quotes for YAML 1.1, mostly enough for 1.2
    return text


def _shuffled(value: Any, order: random.Random, fixed: bool = False) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, order, fixed=True) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    if fixed:  # of the file or a step; the order of parameters and paths has a meaning
        order.shuffle(keys)
    return {key: _shuffled(value[key], order) for key in keys}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_in_their_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_another_layout_of_a_zoo_file_means_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    data = parse(text).data
    ordered = {key: data[key] for key in reversed(data)}
    dense = yaml.safe_dump(ordered, sort_keys=False, default_flow_style=True, allow_unicode=True)
    assert same(parse(dense).data, data)
    assert meanings(formatted(dense)) == meanings(text)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(text=layouts(SAMPLES["spec"]))
def test_random_layouts_of_a_spec_mean_the_same(text: str) -> None:
    result = formatted(text)
    assert meanings(result) == SAMPLE_MEANINGS
    assert formatted(result) == result


def check_random(text: str) -> None:
    """What holds for every text that is formatted."""
    result = formatted(text)
    assert same(parse(result).data, parse(text).data)
    assert formatted(result) == result
    assert result.endswith("\n")
    if not any(sign in text for sign in "|>"):  # in block texts spaces and blank lines count
        lines = result.split("\n")
        assert all(line == line.rstrip(" \t") for line in lines)
        assert lines[0]
        assert not any(one == other == "" for one, other in pairwise(lines))


UNHURRIED = [HealthCheck.large_base_example, HealthCheck.too_slow]


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=UNHURRIED)
@given(text=documents())
def test_random_yaml(text: str) -> None:
    check_random(text)


@pytest.mark.slow
@settings(max_examples=4_000, deadline=None, suppress_health_check=UNHURRIED)
@given(text=documents())
def test_much_random_yaml(text: str) -> None:
    check_random(text)


def problems_of(text: str) -> tuple[Sequence[Diagnostic], str | None]:
    """What is wrong with a text, or what becomes of it."""
    try:
        return (), format_text(text)
    except NetspecError as error:
        return error.diagnostics, None


SNIPPETS = [
    "#",
    " # x\n",
    "'",
    '"',
    "\n",
    " ",
    "\t",
    "{",
    "}",
    "[",
    "]",
    ",",
    ": ",
    "- ",
    "? ",
    "|\n",
]
SNIPPETS += [
    ">+\n",
    "\n\n",
    "\x85",
    "\u2028",
    "𝔘",
    "\\",
    "---\n",
    "...\n",
    "&a ",
    "!x ",
    "*a",
    "\r",
]


@pytest.mark.parametrize("seed", range(4))
def test_broken_files_are_told_about(seed: int) -> None:
    """Whatever comes, it is formatted for good, or it is a problem with a place in the file."""
    texts = [path.read_text(encoding="utf-8") for path in SHIPPED]
    order = random.Random(seed)
    counts = {True: 0, False: 0}
    for _ in range(150):
        text = order.choice(texts)
        for _ in range(order.choice([1, 1, 2, 4])):
            place = order.randrange(len(text) + 1)
            text = text[:place] + order.choice(SNIPPETS) + text[place + order.choice([0, 0, 1]) :]
        problems, result = problems_of(text)
        counts[bool(problems)] += 1
        assert all(diagnostic.span for diagnostic in problems)
        assert result is None or format_text(result) == result
    assert min(counts.values()) > 10


@pytest.mark.parametrize(
    "spoil", [lambda text: text.replace("1", "2"), lambda text: text.replace("# c", "#")]
)
def test_a_wrong_result_never_gets_out(spoil: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write = formatting.write
    monkeypatch.setattr(formatting, "write", lambda *arguments: spoil(write(*arguments)))
    with pytest.raises(InternalError, match="would change what the file says"):
        format_text("netspec: 1  # c\n")


def test_an_anchor_is_refused_where_it_is() -> None:
    with pytest.raises(NetspecError) as caught:
        format_text("netspec: 1\nname: &a x\n", "f.yaml")
    (diagnostic,) = caught.value.diagnostics
    assert str(diagnostic.span) == "f.yaml:2:7"


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), ("1", 1), ([1], [1, 1]), ({"a": 1}, {"a": 1, "b": 1})]
)
def test_same_tells_types_apart(one: Any, other: Any) -> None:
    assert same(one, one)
    assert not same(one, other)
