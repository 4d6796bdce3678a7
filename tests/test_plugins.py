"""Distributions that bring something broken are told of in a line; what they bring costs nothing until it is used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.distributions import commands, install
from tests.support.isolated import python
from tests.support.pages import ROOT

PROJECT = """
[project]
name = "odd-one"
version = "2.0"
[project.entry-points."{group}"]
{name} = "{value}"
"""

OP = """
from __future__ import annotations

from dataclasses import dataclass

from netspec.ops import Op
from netspec.ops.base import attribute

class Twice(Op):
    kind = "twice"
    label = "twice"

    def infer(self, source):
        return source

class Unfinished(Op):
    kind = "unfinished"
    label = "unfinished"

@dataclass(frozen=True, kw_only=True, eq=False)
class Unreadable(Twice):
    kind = "unreadable"
    times: Nowhere = attribute("how often")

class Nameless(Op):
    def infer(self, source):
        return source

number = 3

def row(layer):
    return None
"""

SPEC = "netspec: 1\nname: tiny\ninput: {channels: 3, size: [8, 8]}\nstem: [relu]\n"

BROKEN = [
    ("netspec.ops", "twice", "nowhere:Twice", "ModuleNotFoundError: No module named 'nowhere'"),
    ("netspec.ops", "twice", "odd:Thrice", "AttributeError: module 'odd' has no attribute"),
    ("netspec.ops", "twice", "failing", "ZeroDivisionError: division by zero"),
    ("netspec.ops", "twice", "odd:number", "it is no class derived from `netspec.ops.Op`"),
    ("netspec.ops", "unfinished", "odd:Unfinished", "`Unfinished` lacks infer"),
    ("netspec.ops", "other", "odd:Twice", "`Twice` has to have `kind = 'other'` and a `label`"),
    ("netspec.ops", "nameless", "odd:Nameless", "`Nameless` has to have `kind = 'nameless'`"),
    ("netspec.ops", "unreadable", "odd:Unreadable", "its attributes cannot be read: NameError"),
    ("netspec.ops", "Twice", "odd:Twice", "this is no name for an op"),
    ("netspec.ops", "relu", "odd:Twice", "the language has this word itself"),
    ("netspec.ops", "residual", "odd:Twice", "the language has this word itself"),
    ("netspec.rows.torch", "relu", "odd:row", "the torch backend has a row for `relu` itself"),
    ("netspec.rows.torch", "twice", "odd:number", "it is no row, but of type int"),
    ("netspec.rows.torch", "twice", "nowhere:row", "ModuleNotFoundError"),
    ("netspec.backends", "odd", "odd:number", "it is no backend: it has no `name`, `rows`, "),
    ("netspec.backends", "odd", "nowhere:B", "ModuleNotFoundError"),
    ("netspec.backends", "odd", "netspec.backends.torch:BACKEND", "calls itself `torch`"),
    ("netspec.backends", "torch", "odd:number", "netspec has a backend of this name itself"),
]


@pytest.mark.parametrize(("group", "name", "value", "said"), BROKEN)
def test_what_is_broken_is_a_line_that_names_its_distribution(
    tmp_path: Path, group: str, name: str, value: str, said: str
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    files = {"odd.py": OP, "failing.py": "raise ZeroDivisionError('division\\nby zero')\n"}
    install(tmp_path / "installed", PROJECT.format(group=group, name=name, value=value), files)
    backend = "odd" if (group, name) == ("netspec.backends", "odd") else "torch"
    line = f"generate spec.yaml --backend {backend}"
    (done,) = commands(tmp_path / "installed", tmp_path, line)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "odd-one 2.0" in done.err
    assert f"entry point `{name}` of {group}" in done.err
    assert said in done.err


def test_a_name_that_two_distributions_give(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    project = PROJECT.format(group="netspec.ops", name="twice", value="odd:Twice")
    install(tmp_path / "installed", project, {"odd.py": OP})
    install(tmp_path / "installed", project.replace("odd-one", "even-one"), {})
    (done,) = commands(tmp_path / "installed", tmp_path, "validate spec.yaml")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "odd-one 2.0" in done.err
    assert "even-one 2.0" in done.err


def test_a_distribution_can_import_its_own_op(tmp_path: Path) -> None:
    project = PROJECT.format(group="netspec.ops", name="twice", value="odd:Twice")
    install(tmp_path, project, {"odd.py": OP})
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    code = "import odd; from netspec.ops import OPS; print(OPS['twice'] is odd.Twice)"
    assert python("-c", code, PYTHONPATH=path).stdout == "True\n"


def test_a_distribution_in_an_archive_is_found(tmp_path: Path) -> None:
    project = PROJECT.format(group="netspec.ops", name="twice", value="odd:Twice")
    install(tmp_path / "installed", project, {"odd.py": OP})
    archive = shutil.make_archive(str(tmp_path / "odd"), "zip", tmp_path / "installed")
    code = "from netspec.ops import OPS; print(OPS['twice'].__module__)"
    path = os.pathsep.join([archive, str(ROOT)])
    assert python("-c", code, PYTHONPATH=path).stdout == "odd\n"


def test_plugins_of_pydantic_are_loaded_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    module = "from pathlib import Path\nPath('seen').touch()\n"
    project = PROJECT.format(group="pydantic", name="odd", value="odd:nothing")
    install(tmp_path / "installed", project, {"odd.py": module})
    commands(tmp_path / "installed", tmp_path, "validate spec.yaml")
    assert (tmp_path / "seen").exists()


def test_rows_and_backends_are_not_imported_to_check_a_spec(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    for number, group in enumerate(["netspec.rows.torch", "netspec.backends"]):
        project = PROJECT.format(group=group, name="odd", value="nowhere:odd")
        install(tmp_path / "installed", project.replace("odd-one", f"odd-{number}"), {})
    found = commands(tmp_path / "installed", tmp_path, "validate spec.yaml", "summary spec.yaml")
    assert [done.status for done in found] == [0, 0]
