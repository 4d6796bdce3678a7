"""Comments that silence a warning on their line: ``# netspec: ignore[NS301]``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from netspec.errors import Diagnostic, Span, Text, severity_of

_COMMENT = re.compile(r"(?:^|\s)#\s*netspec:\s*ignore\[([^\]]*)\]")
_CODE = re.compile(r"[A-Za-z0-9]+")


@dataclass
class _Ignore:
    codes: dict[str, Span]
    used: set[str] = field(default_factory=set)


def silence(
    diagnostics: Iterable[Diagnostic], text: Text | None, enabled: Collection[str]
) -> list[Diagnostic]:
    """The diagnostics without the warnings that a comment on their line silences.

    Comments of ``text`` that silence nothing are warnings themselves, where ``enabled`` has them.
    """
    ignores: dict[tuple[str, int], _Ignore | None] = {}

    def on_line(source: Text, line: int) -> _Ignore | None:
        key = (source.file, line)
        if key not in ignores:
            ignores[key] = _read(source, line)
        return ignores[key]

    kept = []
    for diagnostic in diagnostics:
        span = diagnostic.span
        ignore = on_line(span.text, span.line) if span and span.text else None
        is_silent = ignore is not None and diagnostic.code in ignore.codes
        if ignore is None or not is_silent or severity_of(diagnostic.code) == "error":
            kept.append(diagnostic)
        else:
            ignore.used.add(diagnostic.code)
    if text is not None and "NS310" in enabled:
        for number, line in enumerate(text.lines, 1):
            ignore = on_line(text, number) if "netspec" in line else None
            if ignore is not None:
                kept += _unused(ignore, enabled)
    return kept


def _read(text: Text, line: int) -> _Ignore | None:
    match = _COMMENT.search(text.line(line))
    if match is None:
        return None
    start = match.start(1) + 1
    codes = {
        code[0].upper(): text.place(line, start + code.start(), line, start + code.end())
        for code in _CODE.finditer(match[1])
    }
    return _Ignore(codes)


def _unused(ignore: _Ignore, enabled: Collection[str]) -> Iterator[Diagnostic]:
    for code, span in ignore.codes.items():
        if code in ignore.used:
            continue
        if severity_of(code) == "warning" and code not in enabled:
            continue  # it may silence something where that lint is on
        message = f"nothing on this line has {code}"
        if severity_of(code) == "error":
            message = f"{code} is an error, which cannot be silenced"
        yield Diagnostic("NS310", message, span, "delete the comment")
