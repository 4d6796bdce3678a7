"""The parser of one command: its mistakes are told in few lines, with the nearest right thing."""

from __future__ import annotations

import argparse
import shutil
import textwrap

from netspec import TYPE_CHECKING
from netspec.cli.streams import tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

USAGE = 2
"""The exit status of a wrong command."""


class Parser(argparse.ArgumentParser):
    """A parser whose help is as wide as the terminal, and that knows what was most likely meant."""

    def __init__(
        self, examples: Sequence[str] = (), description: str = "", **options: object
    ) -> None:
        width = shutil.get_terminal_size().columns
        epilog = str(options.pop("epilog", "") or "")
        if examples:
            epilog = "\n".join(["examples:", *(f"  {example}" for example in examples)])
        super().__init__(
            description=_filled(description, width),
            epilog=_filled(epilog, width),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,  # type: ignore[arg-type]
        )

    def error(self, message: str) -> NoReturn:
        """Tell how the command is used, and what is wrong, and exit."""
        for line in self.format_usage().strip().splitlines():
            tell(line)
        tell(f"{self.prog}: {message}")
        self.exit(USAGE)

    def option_names(self) -> list[str]:
        """Every option that the help shows."""
        return [
            name
            for action in self._actions
            if action.help is not argparse.SUPPRESS
            for name in action.option_strings
        ]

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Refuse what the command has no place for, and say what was most likely meant."""
        from netspec.errors import nearest

        first = unknown[0]
        name = first.partition("=")[0]
        meant = nearest(name, self.option_names()) if name.startswith("-") else None
        hint = f"; did you mean `{meant}`?" if meant else ""
        what = "has no option" if name.startswith("-") else "takes no further argument"
        self.error(f"{what} `{name if name.startswith('-') else first}`{hint}")


def _filled(text: str, width: int) -> str:
    """Paragraphs filled to ``width``; lists and examples, which are indented, line by line."""
    if all(len(line) <= width for line in text.splitlines()):
        return text
    paragraphs: list[list[str]] = [[]]
    for line in text.splitlines():
        is_kept = not line or line.startswith(" ")
        if is_kept or (
            paragraphs[-1] and (not paragraphs[-1][-1] or paragraphs[-1][-1][:1] == " ")
        ):
            paragraphs.append([])
        paragraphs[-1].append(line)
    parts = []
    for lines in paragraphs:
        first = lines[0] if lines else ""
        indent = " " * (len(first) - len(first.lstrip()))
        hanging = indent + "    " if indent else ""
        parts.append(
            textwrap.fill(
                " ".join(line.strip() for line in lines),
                max(width, 20),
                initial_indent=indent,
                subsequent_indent=hanging,
                break_on_hyphens=False,
                break_long_words=False,
            )
        )
    return "\n".join(parts)
