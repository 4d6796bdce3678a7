"""``netspec regenerate``: the files that netspec has generated, from what their specs say today."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.generated import FoundSpec, GeneratedFile

HELP = "write generated files again where their specs have changed"
DESCRIPTION = """\
Find the files that `netspec generate` has written, by what their heads say, and write
those again that their specs do not give any more. A spec is found by its name, among
the YAML files of --specs and the networks that come with netspec; variant and --set
values stand in the head. Needs no framework.

With --check nothing is written: a diff is shown, and the status is 1 when a file is
stale."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        default=["."],
        help="a generated file, or a directory to search; the current one unless given",
    )
    parser.add_argument(
        "--specs",
        metavar="PATH",
        action="append",
        default=[],
        help="where specs are; the current directory unless given; repeatable",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing, and show what is stale"
    )
    parser.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave out files and directories of this name or path, such as `vendor` or "
        "`*/old/*`; repeatable",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; a file whose spec is lost or wrong is told about, and the others are done."""
    from netspec.errors import NetspecError
    from netspec.generated import OriginError, generated_files, specs_by_name

    status = 0
    files = list(generated_files(arguments.paths, arguments.exclude))
    specs = specs_by_name(arguments.specs or ["."], arguments.exclude) if files else {}
    for file in files:
        try:
            fresh = _refresh(file, specs, arguments.check)
        except OriginError as error:
            print(f"netspec: {file.path}: {error}", file=sys.stderr)
            fresh = False
        except NetspecError as error:
            print(f"netspec: {file.path}: its spec is wrong\n{error}", file=sys.stderr)
            fresh = False
        status = status if fresh else 1
    return status


def _refresh(file: GeneratedFile, specs: Mapping[str, list[FoundSpec]], check: bool) -> bool:
    """Write the file again if need be and allowed; whether it is as its spec says in the end."""
    from netspec.cli.differences import print_diff
    from netspec.files import write_atomically
    from netspec.generated import current_source

    source = current_source(file, specs)
    if source == file.text:
        return True
    if check:
        print_diff(file.text, source, str(file.path), f"{file.path} (generated)")
        message = f"{file.path} is stale; `netspec regenerate {file.path}` writes it again"
        print(f"netspec: {message}", file=sys.stderr)
        return False
    write_atomically(file.path, source)
    print(f"wrote {file.path}", file=sys.stderr)
    return True
