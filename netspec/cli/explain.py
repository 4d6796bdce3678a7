"""``netspec explain``: what a diagnostic means, with an example and its cure."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.check.codes import Code

DESCRIPTION = """\
Print what a diagnostic means, what it looks like, and what to do about it. Without a
code, list all codes. docs/diagnostics.md says the same."""
EXAMPLES = (
    "netspec explain NS101",
    "netspec explain",
)

MAX_WIDTH = 88


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("codes", metavar="CODE", nargs="*", help="such as NS101")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.check.codes import registry
    from netspec.errors import UsageError, did_you_mean

    known = registry()
    if not arguments.codes:
        for code in known.values():
            print(f"{code.code}  {code.title}")
        return 0
    wanted = [code.upper() for code in arguments.codes]
    for code in wanted:
        if code not in known:
            hint = did_you_mean(code, known) or "`netspec explain` lists all codes"
            raise UsageError(f"there is no diagnostic `{code}`; {hint}")
    sys.stdout.write("\n".join(explanation(known[code]) for code in wanted))
    return 0


def explanation(code: Code) -> str:
    """All that there is to say about a code, as text for a terminal."""
    kind = (
        code.severity if code.enabled else f"{code.severity}, looked for with --enable {code.code}"
    )
    parts = [f"{code.code}: {code.title} ({kind})", _wrapped(code.cause)]
    if code.bad:
        parts += ["For example:", textwrap.indent(code.bad.rstrip(), "    ")]
    parts.append(_wrapped(code.cure))
    if code.good:
        parts += ["So:", textwrap.indent(code.good.rstrip(), "    ")]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(
        text,
        min(MAX_WIDTH, shutil.get_terminal_size().columns),
        break_on_hyphens=False,
        break_long_words=False,
    )
