"""Which numbers of a template its text shows: attributes, tests, and what calls pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from netspec.ir.program import Node, Region
from netspec.ir.template.data import Call, Choice
from netspec.lang.expression.symbolic import Varying


def numbers_of(body: Region, calls: Mapping[str, Call]) -> Iterator[Varying]:
    """The numbers that vary in the text of a body; of a block inside only the call is text."""
    waiting: list[Any] = [body, *(list(call.arguments.values()) for call in calls.values())]
    while waiting:
        found = waiting.pop()
        match found:
            case Varying():
                yield found
            case Choice():
                waiting += (found.test, found.then, found.other)
            case Region(kind="block", path=path) if path in calls:
                continue
            case Region():
                waiting += found.items
            case Node():
                waiting.append(found.op)
            case tuple() | list():
                waiting += found
            case _ if dataclasses.is_dataclass(found) and not isinstance(found, type):
                waiting += (getattr(found, f.name) for f in dataclasses.fields(found))
