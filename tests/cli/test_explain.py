"""``netspec explain``."""

from __future__ import annotations

import textwrap

import pytest

from netspec.check.codes import registry
from tests.cli.conftest import Run


def test_it_lists_all_codes(run: Run) -> None:
    lines = run("explain").out.splitlines()
    assert [line.split()[0] for line in lines] == list(registry())


@pytest.mark.parametrize("name", registry())
def test_it_explains_every_code(run: Run, name: str) -> None:
    code = registry()[name]
    result = run("explain", name)
    assert result.status == 0
    plain = " ".join(result.out.split())
    assert result.out.startswith(f"{name}: {code.title} (")
    assert " ".join(code.cause.split()) in plain
    assert " ".join(code.cure.split()) in plain
    for example in (code.bad, code.good):
        assert example is None or textwrap.indent(example.rstrip(), "    ") in result.out


def test_several_codes_in_any_case(run: Run) -> None:
    out = run("explain", "ns101", "NS301").out
    assert out.startswith("NS101: ")
    assert "\nNS301: " in out
    assert "warning" in out


def test_a_lint_that_is_off_says_so(run: Run) -> None:
    assert "--enable NS307" in run("explain", "NS307").out


def test_an_unknown_code_is_a_wrong_command(run: Run) -> None:
    result = run("explain", "NS999")
    assert result.status == 2
    assert "there is no diagnostic `NS999`" in result.err
