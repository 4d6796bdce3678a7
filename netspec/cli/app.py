"""The ``netspec`` command: its parser, and what becomes of errors."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from netspec import __version__
from netspec.cli import (
    build,
    convert,
    explain,
    export,
    fmt,
    generate,
    listing,
    regenerate,
    schema,
    show,
    summary,
    validate,
    verify,
)
from netspec.errors import InternalError, NetspecError, UsageError

COMMANDS = {
    "build": build,
    "generate": generate,
    "regenerate": regenerate,
    "validate": validate,
    "explain": explain,
    "summary": summary,
    "list": listing,
    "show": show,
    "schema": schema,
    "export": export,
    "fmt": fmt,
    "convert": convert,
    "verify": verify,
}

DESCRIPTION = """\
One YAML file describes a residual network; netspec checks it and gives it back
as a PyTorch or a Keras model, live or as source code."""

EPILOG = """\
SPEC is a path, `-` for standard input, or the name of a network that comes with
netspec (`netspec list`).

exit status: 0 all is well; 1 the input is wrong; 2 the command is wrong, or a
framework is missing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 (the input is wrong) or 2 (usage)."""
    _tolerate_narrow_encodings()
    try:
        arguments = make_parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed the help, the version or what is wrong
        return stop.code if isinstance(stop.code, int) else 2
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
        return status
    except NetspecError as error:
        print(error, file=sys.stderr)
        return 1
    except UsageError as error:
        print(f"netspec: {error}", file=sys.stderr)
        return 2
    except InternalError as error:
        print(f"netspec: internal error, please report it: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); the interpreter's last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("netspec: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # the trace is for the report; CI must not take a bug for a finding
        traceback.print_exc()
        print(f"netspec: a bug of netspec, please report it: {error!r}", file=sys.stderr)
        return 2


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="netspec",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"netspec {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.configure(command)
        command.set_defaults(run=module.run)
    return parser


def _tolerate_narrow_encodings() -> None:
    """A terminal that lacks a character shows another in its place instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and (stream.encoding or "").lower() not in ("utf-8", "utf8"):
            reconfigure(errors="replace")
