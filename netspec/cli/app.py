"""The ``netspec`` command: its parser, and what becomes of errors."""

from __future__ import annotations

import sys
from importlib import import_module

from netspec import TYPE_CHECKING, __version__
from netspec.cli import streams
from netspec.cli.parser import USAGE, Parser

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import ModuleType
    from typing import Any

COMMANDS = {
    "init": "write a small spec to start from",
    "build": "make the live model, run it once, check it, and write it",
    "generate": "write standalone source for a framework",
    "regenerate": "write generated files again where their specs have changed",
    "validate": "check spec and block files, every variant; needs no framework",
    "explain": "explain a diagnostic: its cause, an example, its cure",
    "summary": "print shapes, parameters and MACs; needs no framework",
    "list": "list the networks and blocks that come with netspec",
    "show": "print the YAML of a network or block that comes with netspec",
    "resolve": "write one network of a spec as a spec of its own",
    "optimize": "write an optimized network as a spec of its own",
    "schema": "print the JSON Schema of spec or block files, for editors",
    "export": "write a model in a format that others run, and compare it",
    "fmt": "put spec and block files into their canonical layout",
    "convert": "convert weights between frameworks, formats and published names",
    "verify": "prove that all models of a network are the same network",
    "completion": "print a script that lets the shell complete commands",
}
"""What each command does, in a line. Its module is imported when it is asked for."""

WELCOME = """\
netspec: one YAML file, one network in PyTorch and in Keras

  netspec init mynet                  write a small spec, mynet.yaml
  netspec summary mynet.yaml          shapes, parameters and MACs
  netspec generate mynet.yaml --backend torch -o mynet.py

`netspec list` shows the networks that come with it,
`netspec help` all commands.
"""

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
    except KeyboardInterrupt:
        streams.tell("netspec: interrupted", last=True)
        return 130
    except streams.Terminated as stop:
        streams.tell("netspec: terminated", last=True)
        return 128 + stop.number
    except Exception as error:
        return _tell(error)
    finally:
        streams.drain()


def _tell(error: Exception) -> int:
    """Tell of an error as what it is; returns the exit status."""
    from netspec.errors import InternalError, NetspecError, UsageError
    from netspec.system.room import reason

    match error:
        case NetspecError():
            streams.tell(error, last=True)
            return 1
        case UsageError():
            streams.tell(f"netspec: {error}", last=True)
        case InternalError():
            streams.tell(f"netspec: internal error, please report it: {error}", last=True)
        case BrokenPipeError():
            return 1  # whoever read our output has gone (`| head`)
        case OSError():  # the machine's, not ours: standard output is full, say
            # What a stream raises names no file.
            is_stream = streams.drain() is not None or error.filename is None
            place = streams.STANDARD_OUTPUT if is_stream else error.filename
            streams.tell(f"netspec: {place}: {reason(error)}", last=True)
        case _:  # the trace is for the report; CI must not take a bug for a finding
            import traceback

            traceback.print_exception(error)
            streams.tell(f"netspec: a bug of netspec, please report it: {error!r}", last=True)
    return 2


def _run(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        sys.stdout.write(WELCOME)
        return 0
    if words[0] == "help":
        words = [*words[1:2], "--help"]
    _check_command(words[0])
    parser, commands = make_parser(words[:1])
    try:
        arguments, unknown = parser.parse_known_args(words)
        if unknown:
            commands[words[0]].refuse(unknown)
    except SystemExit as stop:  # the help, the version or what is wrong has been printed
        return stop.code if isinstance(stop.code, int) else USAGE
    from netspec.plugins import spare_pydantic_the_search

    spare_pydantic_the_search()
    return int(arguments.run(arguments))


def _check_command(word: str) -> None:
    """Raise :class:`UsageError` for a word that is no command."""
    if word.startswith("-") or word in COMMANDS:
        return
    from netspec.errors import UsageError, nearest

    meant = nearest(word, COMMANDS)
    hint = f"did you mean `{meant}`?" if meant else "`netspec --help` lists them"
    raise UsageError(f"`{word}` is no command; {hint}")


def module_of(command: str) -> ModuleType:
    """What a command is: ``configure``, ``run``, and its help."""
    return import_module(f"netspec.cli.{'listing' if command == 'list' else command}")


def _parser_of(**options: Any) -> Parser | None:
    """The parser of a command; none where the command is but listed, and has no description."""
    return Parser(**options) if "description" in options else None


def make_parser(words: Collection[str] = COMMANDS) -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, and that of each command that is among ``words``.

    Of the others it knows no more than what the help says.
    """
    parser = Parser(prog="netspec", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"netspec {__version__}")
    commands = parser.add_subparsers(
        metavar="COMMAND",
        required=True,
        title="commands",
        parser_class=_parser_of,  # type: ignore[call-overload]
    )
    found: dict[str, Parser] = {}
    for name, text in COMMANDS.items():
        if name not in words:
            commands.add_parser(name, help=text)
            continue
        module = module_of(name)
        command = commands.add_parser(
            name, help=text, description=module.DESCRIPTION, examples=module.EXAMPLES
        )
        module.configure(command)
        command.set_defaults(run=module.run)
        found[name] = command
    return parser, found
