"""The ``netspec`` command: its parser, and what becomes of errors."""

from __future__ import annotations

import argparse
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
    streams,
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

exit status: 0 all is well; 1 the input is wrong; 2 the command is wrong, a
framework is missing, or a file cannot be written."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 (the input is wrong) or 2 (usage, environment)."""
    streams.prepare()
    try:
        with streams.terminable():
            status = _run(argv)
            sys.stdout.flush()
        return status
    except NetspecError as error:
        streams.tell(str(error))
        return 1
    except UsageError as error:
        streams.tell(f"netspec: {error}")
        return 2
    except InternalError as error:
        streams.tell(f"netspec: internal error, please report it: {error}")
        return 2
    except BrokenPipeError:
        return 1  # whoever read our output has gone (`| head`)
    except OSError as error:  # the machine's, not ours: standard output is full, say
        place = streams.STANDARD_OUTPUT if streams.drain() else error.filename
        streams.tell(f"netspec: {f'{place}: ' if place else ''}{error.strerror or error}")
        return 2
    except KeyboardInterrupt:
        streams.tell("netspec: interrupted")
        return 130
    except streams.Terminated as stop:
        streams.tell("netspec: terminated")
        return 128 + stop.number
    except Exception as error:  # the trace is for the report; CI must not take a bug for a finding
        traceback.print_exc()
        streams.tell(f"netspec: a bug of netspec, please report it: {error!r}")
        return 2
    finally:
        streams.drain()


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = make_parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed the help, the version or what is wrong
        return stop.code if isinstance(stop.code, int) else 2
    return int(arguments.run(arguments))


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
