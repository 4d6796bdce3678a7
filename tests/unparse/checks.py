"""What holds of every spec that is written of a program."""

from __future__ import annotations

import dataclasses

import netspec
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.ir import Node, Program, Region
from netspec.ir.definition import Definition
from netspec.ir.fingerprint import fingerprint
from netspec.tools.formatting import format_text
from netspec.unparse import spec_text


def settled(program: Program) -> Program:
    """The program with none of its parameters kept."""
    return dataclasses.replace(program, arguments={})


def read_off(program: Program) -> Program:
    """The program as if it had been read off a model: without formulas, parameters, texts or names of results."""
    definitions: dict[str, Definition] = {}

    def definition(found: Definition) -> Definition:
        made = Definition(f"{found.name}_read", inputs=found.inputs)
        return definitions.setdefault(found.name, made)

    def region(found: Region) -> Region:
        is_block = found.kind == "block"
        return Region(
            "sequence" if found.kind in ("inline", "repeat") else found.kind,
            tuple(node(each) if isinstance(each, Node) else region(each) for each in found.items),
            found.inputs,
            found.outputs,
            found.path,
            definition(found.definition) if is_block and found.definition else None,
            outcome=found.outcome if found.kind == "when" else None,
            position=found.position,
        )

    def node(found: Node) -> Node:
        return Node(found.op, found.inputs, found.outputs, found.path)

    main = region(program.main)
    return dataclasses.replace(program, main=main, arguments={}, names={}, span=None)


def findings(text: str) -> set[str]:
    """The codes of what `validate` says about a spec."""
    result = check_content(text.encode(), "spec.yaml", None, Options())
    assert result is not None
    return {diagnostic.code for diagnostic in result.diagnostics}


def written(program: Program) -> str:
    """The spec of a program, which is the same network in the canonical layout."""
    text = spec_text(program)
    again = netspec.loads(text).network
    assert fingerprint(again) == fingerprint(program)
    assert dict(again.arguments) == dict(program.arguments)
    assert format_text(text) == text
    return text
