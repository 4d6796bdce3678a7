"""What blocks are instances of, and what they are given, without the text that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netspec.ir.formula import Formula


@dataclass(frozen=True)
class Declared:
    """A parameter of a block.

    Attributes:
        name: its name.
        type: ``int``, ``float``, ``bool``, ``str``, ``steps``, ``block``, or a list of one of the first.
        default: what it is where a call does not give it, as written; None where every call has to.
    """

    name: str
    type: str
    default: Any = None


@dataclass(frozen=True, eq=False)
class Definition:
    """A block: what its instances have in common.

    Attributes:
        name: what the spec calls it, and the scope of its names in formulas.
        title: what a class of it is called; None where nobody said.
        doc: one line on it.
        params: its parameters, by name.
        let: the values that it names, each made of those before it.
        inputs: what it calls the values that it takes; empty for one that takes what flows.
    """

    name: str
    title: str | None = None
    doc: str = ""
    params: Mapping[str, Declared] = field(default_factory=dict)
    let: Mapping[str, Formula] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slot:
    """Steps that a block was given; what they are stands in its body.

    Attributes:
        is_filled: whether there are any.
        written: what was written.
    """

    is_filled: bool
    written: Any


@dataclass(frozen=True)
class BlockName:
    """A block that a block was given."""

    name: str


def plain(value: Any) -> Any:
    """An argument as formulas see it: of steps, whether there are any; of a block, its name."""
    match value:
        case list():
            return [plain(item) for item in value]
        case Slot(is_filled=is_filled):
            return is_filled
        case BlockName(name=name):
            return name
    return value


def as_written(value: Any) -> Any:
    """An argument as people write it: steps as they are in the spec, a block as its name."""
    match value:
        case list():
            return [as_written(item) for item in value]
        case Slot(written=written):
            return written
    return plain(value)
