"""``netspec generate``: standalone source for a framework, which need not be installed."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from netspec.cli.options import add_backend_argument, add_spec_arguments, load_spec

HELP = "write standalone source for a framework"
DESCRIPTION = """\
Write source code that builds the network and imports nothing but the framework. The
framework need not be installed. The same spec gives the same text, byte for byte, so
a generated file can be committed, and --check tells CI when it is stale."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_spec_arguments(parser)
    add_backend_argument(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to FILE, whole or not at all; standard output unless given",
    )
    where.add_argument(
        "--check",
        metavar="FILE",
        help="write nothing; exit 1 and show a diff when FILE is not what would be written",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.files import check_writable, write_atomically

    if arguments.output is not None:
        check_writable(Path(arguments.output))
    source = load_spec(arguments).generate(arguments.backend)
    if arguments.check is not None:
        return _check(Path(arguments.check), source)
    if arguments.output is not None:
        write_atomically(Path(arguments.output), source)
        print(f"wrote {arguments.output}", file=sys.stderr)
    else:
        sys.stdout.write(source)
    return 0


def _check(path: Path, source: str) -> int:
    """0 when ``path`` holds ``source``, apart from the kind of line ends; else a diff and 1."""
    from netspec.errors import UsageError

    try:
        present = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        print(f"netspec: {path}: no such file; `-o {path}` writes it", file=sys.stderr)
        return 1
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if present == source:
        return 0
    sys.stdout.writelines(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(
            present.splitlines(keepends=True),
            source.splitlines(keepends=True),
            str(path),
            f"{path} (generated)",
        )
    )
    print(f"netspec: {path} is stale; generate it again with `-o {path}`", file=sys.stderr)
    return 1
