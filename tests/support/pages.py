"""Fenced blocks of Markdown pages, for tests that run what a page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^(```+)(.*)\n((?:(?!\1).*\n)*?)\1\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """A fenced block: the words behind the opening fence, its text, and the line it starts in."""

    words: tuple[str, ...]
    text: str
    line: int

    @property
    def language(self) -> str:
        """The first word, which says how to highlight the text; empty for none."""
        return self.words[0] if self.words else ""


def fences(page: str) -> list[Fence]:
    """The fenced blocks of a page, in order."""
    return [
        Fence(tuple(match[2].split()), match[3], page.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(page)
    ]


def with_outcome(found: list[Fence]) -> Iterator[tuple[Fence, Fence | None]]:
    """Every block with the one behind it."""
    yield from zip(found, [*found[1:], None], strict=True)


def write_files(found: list[Fence], folder: Path) -> Path:
    """The folder, with the files that a page shows: blocks of YAML and Python that have a name."""
    for fence in found:
        if fence.language in ("yaml", "python") and len(fence.words) == 2:
            (folder / fence.words[1]).write_text(fence.text, encoding="utf-8")
    return folder


_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def broken_links(page: Path) -> list[str]:
    """The relative links and anchors of a page that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    outside = _FENCE.sub("", text)
    return [link for link in _LINK.findall(outside) if not _leads_somewhere(page, link)]


def _leads_somewhere(page: Path, link: str) -> bool:
    if "://" in link:
        return True
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in kept}
