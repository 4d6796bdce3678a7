"""Warnings that people have silenced in what a program came from, silenced in its spec too."""

from __future__ import annotations

from collections.abc import Collection

from netspec.check.lint.ignores import ignored_codes
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.elaborate.bounds import Bounds
from netspec.errors import Text
from netspec.ir import Program, Region


def silenced_codes(program: Program) -> frozenset[str]:
    """The codes that comments silence in the texts which a program came from."""
    texts: dict[str, Text] = {}
    waiting = [program.main]
    while waiting:
        region = waiting.pop()
        for item in (region, *region.items):
            if item.span is not None and item.span.text is not None:
                texts[item.span.file] = item.span.text
        waiting += [item for item in region.items if isinstance(item, Region)]
    return frozenset[str]().union(*map(ignored_codes, texts.values()))


def with_ignores(text: str, file: str, codes: Collection[str], bounds: Bounds | None) -> str:
    """``text`` with a comment on each line that one of these warnings points at."""
    result = check_content(text.encode(), file, None, Options(bounds or Bounds()))
    lines = text.splitlines()
    found: dict[int, dict[str, None]] = {}
    for diagnostic in result.diagnostics if result else ():
        if diagnostic.span is not None and diagnostic.code in codes:
            found.setdefault(diagnostic.span.line, {})[diagnostic.code] = None
    for number, own in found.items():
        lines[number - 1] += f"  # netspec: ignore[{', '.join(own)}]"
    return "\n".join(lines) + "\n"
