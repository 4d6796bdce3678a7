"""The registry says of every code that netspec raises what it means, and its examples are true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import netspec
from netspec.check.codes import GROUPS, Code, registry
from netspec.check.lint import LINTS
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.errors import Diagnostic
from netspec.lang.source import parse

PACKAGE = Path(netspec.__file__).parent
CODE = re.compile(r"NS[0-9]{3}")

OF_WEIGHTS = {f"NS60{number}" for number in range(1, 10)}
OF_BACKENDS = {"NS701", "NS702", "NS703", "NS704"}
WITHOUT_EXAMPLE = {
    "NS109",
    "NS110",
    "NS116",
    "NS217",
    "NS218",
    "NS501",
    "NS507",
    "NS508",
    *OF_WEIGHTS,
    *OF_BACKENDS,
}
"""Codes that no small text shows: they are about bytes, other files, a command's arguments, or backends."""


def raised() -> dict[str, str]:
    """Every code that stands alone in a string of the package, with the module that it stands in."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and CODE.fullmatch(text):
                found[text] = path.relative_to(PACKAGE).as_posix()
    return found


def found_in(text: str, code: Code) -> list[Diagnostic]:
    options = Options(lints=LINTS | {code.code} if code.severity == "warning" else LINTS)
    result = check_content(text.encode(), "spec.yaml", None, options)
    assert result is not None
    return list(result.diagnostics)


def test_every_code_is_raised_somewhere_and_explained() -> None:
    assert sorted(raised()) == list(registry())


def test_codes_stand_in_the_file_of_their_group_once_and_in_order() -> None:
    for number, group in enumerate(GROUPS, start=1):
        text = (PACKAGE / "check" / "codes" / f"{group}.yaml").read_text(encoding="utf-8")
        codes = list(parse(text, group).data)  # raises for a code that stands twice
        assert codes == sorted(codes)
        assert all(code.startswith(f"NS{number}") for code in codes)


@pytest.mark.parametrize("code", registry().values(), ids=registry())
def test_the_bad_example_has_the_problem_and_the_good_one_none(code: Code) -> None:
    if code.bad is None:
        assert code.code in WITHOUT_EXAMPLE
        return
    assert {d.code for d in found_in(code.bad, code)} == {code.code}
    assert code.good is not None
    assert found_in(code.good, code) == []


@pytest.mark.parametrize("code", registry().values(), ids=registry())
def test_texts_read_well(code: Code) -> None:
    assert not code.title.endswith(".")
    for text in (code.cause, code.cure):
        assert text.endswith((".", "`.")), text
        assert "  " not in text
