"""The outcome of checking files, as plain data that crosses between processes."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.errors import Diagnostic, Span


@dataclass(frozen=True)
class FileResult:
    """What was found in one file.

    Attributes:
        file: the name that the user gave it, or under which it was found.
        holds: what is in it, in a word or two (``10 variants``, ``block``); empty where unknown.
        diagnostics: its problems, in the order of the text.
    """

    file: str
    holds: str
    diagnostics: tuple[Diagnostic, ...] = ()

    def place(self, diagnostic: Diagnostic) -> Span:
        """Where to show a diagnostic outside a terminal: its own place if that is a file of the user's.

        A problem in a block that comes with netspec is shown at the call that led there; one without
        any place, at the start of the file.
        """
        places = [diagnostic.span, *(span for _, span in diagnostic.trace)]
        for span in places:
            if span is not None and not span.file.startswith("<netspec>"):
                return span
        return Span(self.file, 1, 1, 1, 1)


@dataclass(frozen=True)
class Report:
    """What was found in all files.

    A diagnostic that several files share, since they use one block file, stands in the first alone.
    """

    files: tuple[FileResult, ...]

    def __str__(self) -> str:
        """What ``netspec validate`` prints."""
        from netspec.check.report.text import render

        return render(self).rstrip("\n")

    @property
    def errors(self) -> int:
        """The number of errors."""
        return self._count("error")

    @property
    def warnings(self) -> int:
        """The number of warnings."""
        return self._count("warning")

    def _count(self, severity: str) -> int:
        return sum(d.severity == severity for file in self.files for d in file.diagnostics)

    @property
    def totals(self) -> str:
        """The numbers of problems and files, as a sentence."""
        found = [
            f"{count} {word}{'' if count == 1 else 's'}"
            for count, word in ((self.errors, "error"), (self.warnings, "warning"))
            if count
        ]
        files = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        return f"{' and '.join(found) or 'no problems'} in {files}"
