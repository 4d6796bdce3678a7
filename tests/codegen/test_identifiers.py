"""Names in generated source: none hides what the source needs, and no two become one."""

from __future__ import annotations

import ast
import builtins
import keyword

import pytest

from netspec.backends.torch.rows import COPIED_FILES
from netspec.codegen.frame import definitions
from netspec.codegen.identifiers import TAKEN, Namespace, safe_identifier
from netspec.lang.expression.arithmetic import COPIED


def test_what_generated_files_hold_is_taken() -> None:
    helpers = {"torch": COPIED_FILES, "keras": ("support.py",)}
    found = {*COPIED}
    for backend, files in helpers.items():
        for file in files:
            found |= definitions(f"netspec.backends.{backend}", file)
    assert {"expression", "submodels", "Scale", "same_padding", "make_divisible"} <= found <= TAKEN


NAMES = [
    "x",
    "width",
    "list",
    "list_",
    "list__",
    "nn",
    "nn_",
    "_",
    "__",
    "__x",
    "__x__",
    "__init__",
]
NAMES += ["match", "match_", "Scale", "Scale_", *keyword.kwlist, *dir(builtins)]


def test_no_two_names_become_one() -> None:
    found = [safe_identifier(name) for name in NAMES]
    assert len({*found}) == len({*NAMES})
    assert not {*found} & TAKEN
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in found)


def test_a_name_that_python_changes_in_classes_is_another() -> None:
    name = safe_identifier("__width")
    scope: dict[str, object] = {}
    exec(f"class A:\n  def f(self, {name}): return {name}\nclass B:\n  r = A().f({name}=3)", scope)
    assert scope["B"].r == 3  # type: ignore[attr-defined]


def test_a_name_with_underscore_stays_where_only_python_has_the_other() -> None:
    assert safe_identifier("lambda_") == "lambda_"


@pytest.mark.parametrize("names", [["a", "a", "a2"], ["2-y", "_-y", "a x", "a_x"], ["nn", "nn_"]])
def test_a_namespace_gives_each_name_once(names: list[str]) -> None:
    space = Namespace()
    found = [space.add(name) for name in names]
    assert len({*found}) == len(names)
    assert all(isinstance(ast.parse(name, mode="eval").body, ast.Name) for name in found)
