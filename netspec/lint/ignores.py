"""Comments that silence a warning on their line: ``# netspec: ignore[NS301]``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from netspec.errors import Diagnostic, Span, severity_of, source_line

_COMMENT = re.compile(r"(?:^|\s)#\s*netspec:\s*ignore\[([^\]]*)\]")
_CODE = re.compile(r"[A-Za-z0-9]+")


@dataclass
class _Ignore:
    codes: dict[str, Span]
    used: set[str] = field(default_factory=set)


def silence(
    diagnostics: Iterable[Diagnostic], file: str | None, enabled: Collection[str]
) -> list[Diagnostic]:
    """The diagnostics without the warnings that a comment on their line silences.

    Comments of ``file`` that silence nothing are warnings themselves, where ``enabled`` has them.
    """
    ignores: dict[tuple[str, int], _Ignore | None] = {}

    def on_line(place: str, line: int) -> _Ignore | None:
        if (place, line) not in ignores:
            ignores[place, line] = _read(place, line, source_line(place, line) or "")
        return ignores[place, line]

    kept = []
    for diagnostic in diagnostics:
        span = diagnostic.span
        ignore = on_line(span.file, span.line) if span else None
        is_silent = ignore is not None and diagnostic.code in ignore.codes
        if ignore is None or not is_silent or severity_of(diagnostic.code) == "error":
            kept.append(diagnostic)
        else:
            ignore.used.add(diagnostic.code)
    if file is not None and "NS310" in enabled:
        line = 1
        while (text := source_line(file, line)) is not None:
            ignore = on_line(file, line) if "netspec" in text else None
            if ignore is not None:
                kept += _unused(ignore, enabled)
            line += 1
    return kept


def _read(file: str, line: int, text: str) -> _Ignore | None:
    match = _COMMENT.search(text)
    if match is None:
        return None
    start = match.start(1) + 1
    codes = {
        code[0].upper(): Span(file, line, start + code.start(), line, start + code.end())
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
