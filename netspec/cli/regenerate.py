"""``netspec regenerate``: the files that netspec has generated, from what their specs say today."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from netspec.cli.checked import add_no_check_argument, check_source
from netspec.cli.options import (
    add_line_length_argument,
    add_search_arguments,
    nothing_found,
    tell_others,
)
from netspec.cli.streams import tell

if TYPE_CHECKING:
    from netspec.errors import NetspecError
    from netspec.tools.generated import GeneratedFile

DESCRIPTION = """\
Find the files that `netspec generate -o` has written, by what their heads say, and write
those again that their specs do not give any more. Where the spec is, seen from the file,
its variant and --set values stand in the head. Needs no framework; where it is
installed, what is written again is built first, as `netspec generate` does.

With --check nothing is written: a diff is shown, and the status is 1 when a file is
stale."""
EXAMPLES = (
    "netspec regenerate src",
    "netspec regenerate --check",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        default=["."],
        help="a generated file, or a directory to search; the current one unless given",
    )
    parser.add_argument("--specs", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, and show what is stale"
    )
    add_line_length_argument(parser)
    add_no_check_argument(parser)
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; a file whose spec is lost or wrong is told about, and the others are done."""
    from netspec.errors import InternalError, NetspecError, UsageError
    from netspec.system.channels import readable
    from netspec.tools.generated import OriginError, python_files

    if arguments.specs:  # to go with version 0.2
        tell("netspec: --specs: ignored, heads say where specs are")
    status = others = found = 0
    for file in list(python_files(arguments.paths, arguments.exclude)):
        if isinstance(file, NetspecError):
            tell(file)
            status = max(status, 1)
            continue
        if file is None:
            others += 1
            continue
        found += 1
        name = readable(str(file.path))
        try:
            fresh = _refresh(file, arguments)
        except OriginError as error:
            tell(f"netspec: {name}: {error}")
            fresh = False
        except NetspecError as error:
            tell(f"netspec: {name}: {_about_spec(error)}")
            fresh = False
        except InternalError as error:
            tell(f"netspec: {name}: internal error, please report it: {error}")
            status = 2
            continue
        except UsageError as error:  # it cannot be written; the others can
            tell(f"netspec: {error}")
            status = 2
            continue
        status = status if fresh else max(status, 1)
    tell_others(others, 0, "Python file")
    if not (found or status or arguments.allow_empty):
        raise nothing_found("file that netspec generated", arguments)
    return status


def _about_spec(error: NetspecError) -> str:
    """That a spec has errors, which are for `validate` to tell."""
    place = error.diagnostics[0].span
    if place is None:
        return f"its spec cannot be read: {error.diagnostics[0].message}"
    return f"its spec has errors; `netspec validate {place.file}` tells them"


def _refresh(file: GeneratedFile, arguments: argparse.Namespace) -> bool:
    """Write the file again if need be and allowed; whether it is as its spec says in the end."""
    from netspec.cli.differences import print_diff
    from netspec.family import networks_of
    from netspec.system.files import write_atomically
    from netspec.tools.generated import backend_of, current_network, source_of

    network, backend = current_network(file), backend_of(file)
    networks = networks_of(network, file.is_family)
    source = source_of(file, networks, backend, arguments.line_length)
    if source == file.text:
        return True
    if arguments.check:
        print_diff(file.text, source, str(file.path), f"{file.path} (generated)")
        message = f"{file.path} is stale; `netspec regenerate {file.path}` writes it again"
        tell(f"netspec: {message}")
        return False
    if not arguments.no_check:
        check_source(networks, backend, source, file.path)
    write_atomically(file.path, source)
    tell(f"wrote {file.path}")
    return True
