"""A name says which network is meant: no two networks of the zoo share one."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from functools import cache
from typing import Any

import netspec
from tests.contract.command import netspec_command


@cache
def zoo() -> dict[str, dict[str, Any]]:
    """What ``netspec list`` says of each file of the zoo, by its name."""
    listed = json.loads(netspec_command("list", "--format", "json").out)
    return {file["name"]: file for file in listed["networks"]}


def test_variant_and_file_names_are_unique_over_the_zoo() -> None:
    counts = Counter([*zoo()])
    assert counts.total() >= 9
    for file in zoo().values():
        counts.update(file["variants"])
    assert [name for name, count in counts.items() if count > 1] == []


def test_file_is_called_what_its_spec_is_called() -> None:
    for file in zoo():
        text = netspec_command("show", file).out
        assert re.findall(r"^name: (\w+)$", text, re.MULTILINE) == [file]


def test_every_family_is_documented_has_a_default_and_keeps_its_classes() -> None:
    for name, file in zoo().items():
        assert file["doc"], name
        assert file["default"] in file["variants"] if file["variants"] else not file["default"]
        # a face becomes a vector: there are no classes
        kept = {"iresnet": "features"}.get(name, "classes")
        assert kept in arguments_of(netspec.load(name)), name


def arguments_of(compiled: netspec.CompiledNetwork) -> list[str]:
    """The parameters of the function that generated source has for the network."""
    tree = ast.parse(compiled.generate("torch"))
    (function,) = (
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == compiled.name
    )
    return [argument.arg for argument in function.args.args + function.args.kwonlyargs]
