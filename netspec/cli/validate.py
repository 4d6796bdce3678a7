"""``netspec validate``: check spec and block files, every variant, without a framework."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from netspec.cli.options import (
    add_bound_arguments,
    add_search_arguments,
    bounds_of,
    nothing_found,
    positive,
    tell_others,
)
from netspec.cli.streams import read_standard_input, tell, wants_colour, write_data
from netspec.system.room import reason

if TYPE_CHECKING:
    from netspec.check.report import FileResult, Report
    from netspec.check.validate.options import Options

DESCRIPTION = """\
Check every file: the YAML, the language, each variant down to the shape of every layer,
and what is legal but most likely not meant; and names that the frameworks cannot take, with
`--backend` all else that one refuses. All problems of a file are told in one run.
A file that holds a block is checked as far as a block can be without a network around
it. Directories are searched for .yaml and .yml files, hidden ones left out; what is
found there and is no netspec file is passed over. Needs no framework.

`netspec explain CODE` says more about a problem. A comment `# netspec: ignore[NS301]`
silences a warning on its line."""
EXAMPLES = (
    "netspec validate mynet.yaml",
    "netspec validate specs --strict",
    "netspec validate specs --backend torch --backend keras",
    "netspec validate specs --format sarif",
)

FORMATS = ("text", "json", "github", "sarif", "junit", "gitlab")
"""The formats of :mod:`netspec.check.report`, which is not loaded for the help text."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="a file, a directory, `-` for standard input, or the name of a zoo file or variant",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="what to print; text unless given, github in GitHub Actions",
    )
    parser.add_argument("--strict", action="store_true", help="count warnings as errors")
    parser.add_argument(
        "--backend",
        metavar="NAME",
        action="append",
        help="tell all that this backend cannot do; repeatable. Unless given, only names are told "
        "that PyTorch or Keras cannot take",
    )
    add_bound_arguments(parser)
    for option, verb in (("--enable", "look for"), ("--disable", "do not look for")):
        parser.add_argument(
            option,
            metavar="CODES",
            action="extend",
            default=[],
            type=_codes,
            help=f"{verb} these lints, such as NS307; commas between, repeatable",
        )
    add_search_arguments(parser)
    parser.add_argument(
        "--skip-others",
        action="store_true",
        help="pass over a named file that is no netspec file, as in a directory: for hooks",
    )
    parser.add_argument(
        "--stdin-filename",
        metavar="FILE",
        help="what to call standard input; blocks are looked for beside it",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=positive,
        help="number of processes; unless given, as many as pay",
    )
    parser.add_argument("--no-cache", action="store_true", help=argparse.SUPPRESS)


def _codes(text: str) -> list[str]:
    return [code.strip().upper() for code in text.split(",") if code.strip()]


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.check.report import Report
    from netspec.check.validate.files import STANDARD_INPUT, find_targets
    from netspec.check.validate.run import check_files, without_repeats
    from netspec.cli.output import progress

    options = _options(arguments)
    targets = find_targets(arguments.paths, arguments.exclude, zoo=True)
    if arguments.skip_others:
        targets = [replace(target, is_searched=True) for target in targets]
    files = [target for target in targets if target.path != STANDARD_INPUT]
    _tell_of_the_cache(arguments.no_cache)
    with progress("checking") as tell_progress:
        results = check_files(files, options, arguments.jobs, tell_progress)
    tell_others(results.count(None), 0, "YAML file")
    if len(files) < len(targets):
        results.append(_standard_input(arguments.stdin_filename, options))
    report = Report(without_repeats(results))
    if not (report.files or arguments.allow_empty or arguments.skip_others):
        raise nothing_found("spec or block file", arguments)
    _print(report, arguments.format)
    return 1 if report.errors else 0


def _options(arguments: argparse.Namespace) -> Options:
    from netspec.backends.base import get_backend
    from netspec.check.lint import select
    from netspec.check.validate.options import Options

    lints = select(arguments.enable, arguments.disable)
    backends = arguments.backend and tuple(get_backend(name).name for name in arguments.backend)
    return Options(bounds_of(arguments), lints, arguments.strict, backends)


def _tell_of_the_cache(is_refused: bool) -> None:
    """Say that what turned a cache off, or said where it is, has no effect; to go with version 0.2."""
    given = ["--no-cache"] if is_refused else []
    given += ["NETSPEC_CACHE_DIR"] if "NETSPEC_CACHE_DIR" in os.environ else []
    if given:
        tell(f"netspec: {' and '.join(given)}: ignored, nothing is cached")


def _standard_input(name: str | None, options: Options) -> FileResult:
    from netspec.check.validate.check import check_content
    from netspec.check.validate.files import folder_of
    from netspec.system.channels import readable

    shown = readable(name) if name else "<stdin>"
    folder = folder_of(name) if name else None
    result = check_content(read_standard_input(), shown, folder, options)
    assert result is not None
    return result


def _print(report: Report, name: str | None) -> None:
    """Print the report; in GitHub Actions also add it to the summary of the step."""
    from netspec.check.report import renderer, text

    if name is None:
        name = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    if name == "text":
        sys.stdout.write(text.render(report, colour=wants_colour()))
    else:
        write_data(renderer(name)(report))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if name == "github" and summary:
        _append_summary(report, summary)


def _append_summary(report: Report, path: str) -> None:
    from netspec.check.report.github import summary

    try:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(summary(report))
    except OSError as error:
        tell(f"netspec: {path}: {reason(error)}")
