"""What a network is, as one short text: what two specs share when they mean the same network."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from netspec.ir.program import Node, Program
from netspec.ops import Op, attributes_of
from netspec.ops.geometry import Padding

VERSION = 2
"""Changes where equal networks get another fingerprint than before."""


def fingerprint(program: Program) -> str:
    """The version of fingerprints, a colon, and the SHA-256 of :func:`canonical`, in hexadecimal digits.

    Equal for specs of other layout, comments, parameters, blocks or order that give the same network: the
    same ops at the same paths, with the same attributes, wired alike.
    """
    text = json.dumps(canonical(program), separators=(",", ":"), allow_nan=False)
    return f"{VERSION}:{hashlib.sha256(text.encode()).hexdigest()}"


def family_fingerprint(programs: Iterable[Program]) -> str:
    """The version, a colon, and the SHA-256 of the fingerprints of several networks, in their order."""
    text = "\n".join(fingerprint(program) for program in programs)
    return f"{VERSION}:{hashlib.sha256(text.encode()).hexdigest()}"


def canonical(program: Program) -> list[Any]:
    """Names, inputs, ops by path with what they take, and outputs: plain enough for JSON.

    Regions are no part of it, nor is what follows from the rest: types, and what passes have noted.
    """
    names = {value.id: f"input {number}" for number, value in enumerate(program.inputs)}
    for node in program.nodes:
        for number, value in enumerate(node.outputs):
            names[value.id] = f"{number} {node.path}"
    return [
        program.name,
        program.variant,
        [list(value.type.shape) for value in program.inputs]
        if not program.input_names
        else [[name, list(v.type.shape)] for name, v in program.named_inputs.items()],
        [_node(node, names) for node in sorted(program.nodes, key=lambda node: node.path)],
        [
            [name, names[value.id], *(["training"] if name in program.training_only else [])]
            for name, value in sorted(program.outputs.items())
        ],
    ]


def _node(node: Node, names: dict[int, str]) -> list[Any]:
    taken = [names[value.id] for value in node.inputs]
    return [node.path, node.op.kind, attributes(node.op), taken]


def attributes(op: Op) -> dict[str, Any]:
    """The attributes of an op that are not at their default, plain enough for JSON."""
    found = {}
    for name, info in attributes_of(type(op)).items():
        value, default = plain(getattr(op, name)), plain(info.default)
        spread = isinstance(value, list) and not isinstance(default, list)
        if value != ([default] * len(value) if spread else default):
            found[name] = value
    return found


def plain(value: Any) -> Any:
    """A value of an attribute, plain enough for JSON."""
    if isinstance(value, Padding):
        return [value.rule, plain(value.pads)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):  # an initialiser
        parts = {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        return [value.kind, parts]  # type: ignore[attr-defined]
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value
