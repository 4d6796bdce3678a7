"""``netspec completion``: a script that lets a shell complete netspec's commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from netspec.cli.streams import write_data

DESCRIPTION = """\
Print a script that lets a shell complete commands, options, names of networks and
blocks, variants, parameters for --set, backends, formats and codes. Variants and
parameters are those of the SPEC that stands in the line.

In bash, add this to ~/.bashrc; in zsh, with `zsh` for `bash`, to ~/.zshrc behind
compinit:

  eval "$(netspec completion bash)\""""
EXAMPLES = ("netspec completion bash", "netspec completion zsh")

SPEC, SPEC_FILE, NETWORK, DEFINITION = "spec", "spec_file", "network", "definition"
VARIANT, PARAMETER, KEPT, BACKEND = "variant", "parameter", "kept", "backend"
EXPORT, CODE, LINT, GOAL, FILE = "export", "code", "lint", "goal", "file"

COMPLETED: Mapping[str, str] = {
    "spec": SPEC,
    "specs": SPEC,
    "validate paths": SPEC,
    "fmt paths": SPEC_FILE,
    "regenerate paths": FILE,
    "init network": NETWORK,
    "show name": DEFINITION,
    "variant": VARIANT,
    "assignments": PARAMETER,
    "keep": KEPT,
    "backend": BACKEND,
    "backends": BACKEND,
    "source": BACKEND,
    "target": BACKEND,
    "export format": EXPORT,
    "codes": CODE,
    "enable": LINT,
    "disable": LINT,
    "optimize": GOAL,
    **dict.fromkeys(
        [
            "output",
            "outputs",
            "check",
            "weights",
            "map",
            "reports",
            "certificate",
            "stdin_filename",
        ],
        FILE,
    ),
}
"""What can be completed where: an argument by its name in the parser, behind its command's where names differ."""

ASKED = (VARIANT, PARAMETER, KEPT)
"""What is that of the SPEC in the line; the shell asks for it."""

_BASH = """\
_netspec_ask() {
  printf '%s\\n' "${COMP_WORDS[@]}" | netspec completion bash --candidates "$1" 2>/dev/null
}
_netspec_spec_file() { compgen -f -X '!*.y*ml' -- "$1"; compgen -d -S / -- "$1"; }
_netspec_file() { compgen -f -- "$1"; }
"""

# What shtab registers puts a blank behind whatever is complete; a parameter waits for its value.
_BASH_END = """
_netspec() {
  _shtab_netspec
  [[ ${#COMPREPLY[@]} == 1 && "${COMPREPLY[0]}" == *[=/] ]] && compopt -o nospace
  return 0
}
complete -o bashdefault -F _netspec netspec
"""

_ZSH = """\
_netspec_ask() {
  print -rl -- netspec "${words[@]}" | netspec completion zsh --candidates "$1" 2>/dev/null
}
_netspec_spec_file() { _files -g '*.(yaml|yml)'; }
_netspec_file() { _files; }
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=("bash", "zsh"), help="the shell to print a script for")
    parser.add_argument("--candidates", choices=ASKED, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.candidates:
        words = sys.stdin.read().splitlines()
        write_data("".join(f"{word}\n" for word in candidates(arguments.candidates, words)))
        return 0
    import shtab

    from netspec.cli.app import make_parser

    whole, commands = make_parser()
    preamble = {"bash": _BASH, "zsh": _ZSH}[arguments.shell] + _functions(arguments.shell)
    for command, parser in commands.items():
        for action in parser._actions:
            kind = completed(command, action)
            if kind is not None:
                action.complete = dict.fromkeys(  # type: ignore[attr-defined]
                    ("bash", "zsh"), f"_netspec_{kind}"
                )
    script = shtab.complete(whole, arguments.shell, preamble=preamble)
    write_data(f"{script}\n{_BASH_END if arguments.shell == 'bash' else ''}")
    return 0


def completed(command: str, action: argparse.Action) -> str | None:
    """What the argument of ``command`` that ``action`` takes in can be completed with."""
    if action.choices or action.nargs == 0:
        return None
    return COMPLETED.get(f"{command} {action.dest}", COMPLETED.get(action.dest))


def _functions(shell: str) -> str:
    """The functions of the shell that complete each kind."""
    from netspec.backends.base import Exports, able_to, backend_names
    from netspec.check.codes import registry
    from netspec.check.lint import LINTS, OPTIONAL_LINTS
    from netspec.ir.passes import GOALS
    from netspec.lang import library

    networks, backends = sorted(library.zoo_variants()), sorted(backend_names())
    words: dict[str, Iterable[str]] = {
        SPEC: networks,
        NETWORK: networks,
        DEFINITION: sorted({*networks, *library.built_in_blocks()}),
        BACKEND: backends,
        EXPORT: sorted({name for able in able_to(Exports).values() for name in able.exports}),
        CODE: sorted(registry()),
        LINT: sorted(LINTS | OPTIONAL_LINTS),
        GOAL: GOALS,
    }
    lines = []
    for kind in (*words, *ASKED):
        given = f"$(_netspec_ask {kind})" if kind in ASKED else " ".join(words[kind])
        more = '; _netspec_spec_file "$1"' if kind == SPEC else ""
        if shell == "bash":
            add = f'compgen -W "{given}" -- "$1"'
        elif kind == PARAMETER:
            add = f"compadd -S '' -- {given}"
        else:
            add = f"compadd -- {given}"
        lines.append(f"_netspec_{kind}() {{ {add}{more}; }}\n")
    return "".join(lines)


def candidates(kind: str, words: Iterable[str]) -> list[str]:
    """The variants or parameters of the spec that a line names; empty where it names none that can be read.

    Args:
        kind: one of :data:`ASKED`.
        words: the line.
    """
    from netspec.errors import NetspecError, UsageError
    from netspec.lang.library import zoo_text, zoo_variants
    from netspec.lang.source import decode, parse

    networks = zoo_variants()
    for word in words:
        try:
            if word in networks:
                text = zoo_text(networks[word][0])
            elif word.endswith((".yaml", ".yml")):
                text = decode(Path(word).expanduser().read_bytes(), word)
            else:
                continue
            data = parse(text, word).data
        except (NetspecError, UsageError, OSError):
            continue
        section = "variants" if kind == VARIANT else "params"
        found = data.get(section) if isinstance(data, dict) else None
        names = [str(name) for name in found] if isinstance(found, dict) else []
        return [f"{name}=" for name in names] if kind == PARAMETER else names
    return []
