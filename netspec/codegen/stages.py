"""The blocks of a stage as runs of equal calls, so that source grows with kinds and not with depth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from netspec.codegen.layout import Document, text_of

LOOP_FROM = 3
"""So many equal blocks in a row are written as a loop; fewer are written out."""

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Run:
    """Blocks in a row that are made by the same call.

    Attributes:
        names: their names in the stage.
        call: the call that makes each of them.
        pattern: their names with ``{index}`` for a number that counts up; None where they have none.
        start: the first of these numbers.
    """

    names: tuple[str, ...]
    call: Document
    pattern: str | None
    start: int

    @property
    def is_loop(self) -> bool:
        """Whether the run is long enough to be written as a loop."""
        return self.pattern is not None and len(self.names) >= LOOP_FROM

    @property
    def range(self) -> str:
        """The numbers of the names, as a call of ``range``."""
        stop = self.start + len(self.names)
        return f"range({self.start}, {stop})" if self.start else f"range({stop})"


def runs(names: Sequence[str], calls: Sequence[Document]) -> list[Run]:
    """Blocks by name, with the call of each, as runs of equal calls whose names count up."""
    found: list[Run] = []
    group: list[str] = []
    for index, (name, call) in enumerate(zip(names, calls, strict=True)):
        if group and not (
            text_of(call) == text_of(calls[index - 1]) and _pattern([*group, name]) is not None
        ):
            found.append(_run(group, calls[index - 1]))
            group = []
        group.append(name)
    if group:
        found.append(_run(group, calls[-1]))
    return found


def _run(names: list[str], call: Document) -> Run:
    pattern = _pattern(names)
    text, start = pattern if pattern is not None else (None, 0)
    return Run(tuple(names), call, text, start)


def _pattern(names: Sequence[str]) -> tuple[str, int] | None:
    """The names with ``{index}`` for their number, and the first number; None where none counts up."""
    match = _NUMBERED.fullmatch(names[0])
    if match is None or str(int(match[2])) != match[2]:
        return None
    before, start, after = match[1], int(match[2]), match[3]
    if any(name != f"{before}{start + offset}{after}" for offset, name in enumerate(names)):
        return None
    return f"{before}{{index}}{after}", start
