"""Random programs as specs: of random specs, and after rewrites that no spec has asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, note, reject, settings
from hypothesis import strategies as st

import netspec
from netspec.errors import NetspecError
from netspec.ir import Program
from tests.support.random_rewrites import REWRITES
from tests.support.random_specs import spec_texts
from tests.test_random_specs import FOUND, LONG, QUICK
from tests.unparse.checks import findings, settled, written


def compiled(text: str) -> Program:
    """The program of a text; one that is refused proves nothing."""
    note(text)
    try:
        return netspec.loads(text).network
    except NetspecError:
        reject()


def check(text: str) -> None:
    program = compiled(text)
    assert findings(written(settled(program))) <= findings(text)
    refused: set[str] = set()
    try:
        written(program)
    except NetspecError as error:
        refused = {found.code for found in error.diagnostics}
    assert refused <= ({"NS706"} if program.arguments else set())


def check_rewritten(text: str, data: st.DataObject) -> None:
    program = settled(compiled(text))
    for name in data.draw(st.lists(st.sampled_from(sorted(REWRITES)), min_size=1, max_size=3)):
        note(name)
        if not program.layers:
            reject()
        found = REWRITES[name](program, lambda of: of[data.draw(st.integers(0, len(of) - 1))])
        program = found or program
    written(program)


@settings(QUICK, max_examples=15)
@given(spec_texts())
def test_random_specs(text: str) -> None:
    check(text)


@settings(QUICK, max_examples=12)
@given(spec_texts(), st.data())
def test_rewritten_programs(text: str, data: st.DataObject) -> None:
    check_rewritten(text, data)


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_what_random_specs_have_found(text: str) -> None:
    head = "netspec: 1\nname: found\ninput: {channels: 4, size: [8, 10]}"
    written(settled(netspec.loads(head + text).network))


@pytest.mark.slow
@LONG
@given(spec_texts())
def test_many_random_specs(text: str) -> None:
    check(text)


@pytest.mark.slow
@LONG
@given(spec_texts(), st.data())
def test_many_rewritten_programs(text: str, data: st.DataObject) -> None:
    check_rewritten(text, data)
