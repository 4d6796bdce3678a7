"""Arguments that several commands share, and what they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from netspec.cli.streams import tell

if TYPE_CHECKING:
    from netspec.elaborate.bounds import Bounds
    from netspec.errors import UsageError
    from netspec.network import CompiledNetwork

STANDARD_INPUT = "-"


def add_spec_arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC, ``--variant`` and ``--set``."""
    parser.add_argument(
        "spec",
        metavar="SPEC",
        help="a path, `-` for standard input, or the name of a zoo file or variant",
    )
    add_variant_arguments(parser)


def add_variant_arguments(parser: argparse.ArgumentParser) -> None:
    """``--variant`` and ``--set``."""
    parser.add_argument(
        "--variant", metavar="V", help="the variant to take; the spec's default unless given"
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        dest="assignments",
        action="append",
        default=[],
        help="give a parameter another value, as YAML; `depths[2]=8` reaches into a list, counted "
        "from 0; repeatable",
    )
    parser.add_argument(
        "--outputs",
        metavar="NAMES",
        dest="further_outputs",
        help="further outputs, with commas between them: stages, named results, or `c2` for the last map ahead "
        "of the head that has a quarter of the input's size, `c3` for an eighth and so on; `low=layer1` names one",
    )
    parser.add_argument(
        "--headless",
        action="store_true",
        help="with --outputs: these alone, and nothing that none of them needs",
    )
    add_bound_arguments(parser)


def add_bound_arguments(parser: argparse.ArgumentParser) -> None:
    """``--max-layers`` and ``--max-parameters``."""
    for what in ("layers", "parameters"):
        parser.add_argument(
            f"--max-{what}",
            metavar="N",
            type=positive,
            help=f"the most {what} that a network may have, in place of the built-in bound",
        )


def positive(text: str) -> int:
    """A whole number of at least 1; raises ValueError, which argparse reports."""
    number = int(text.replace("_", ""))
    if number < 1:
        raise ValueError(text)
    return number


def bounds_of(arguments: argparse.Namespace) -> Bounds:
    """What :func:`add_bound_arguments` asks for; the built-in bounds where a command has none."""
    from netspec.elaborate.bounds import MAX_LAYERS, MAX_PARAMETERS, Bounds

    layers = getattr(arguments, "max_layers", None) or MAX_LAYERS
    return Bounds(layers, getattr(arguments, "max_parameters", None) or MAX_PARAMETERS)


def add_line_length_argument(parser: argparse.ArgumentParser) -> None:
    """``--line-length``."""
    parser.add_argument(
        "--line-length",
        metavar="N",
        type=positive,
        help="lay the source out as `ruff format` does at N characters; unless given, at the line-length of "
        "the nearest settings of ruff above the file (pyproject.toml, ruff.toml), else at 88",
    )


def add_backend_argument(parser: argparse.ArgumentParser) -> None:
    """``--backend``, which any installed backend answers to."""
    parser.add_argument(
        "--backend", metavar="NAME", required=True, help="the framework: torch or keras"
    )


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """``--exclude`` and ``--allow-empty``, of commands that search directories."""
    parser.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave out files and directories of this name or path, such as `vendor` or "
        "`*/old/*`; repeatable",
    )
    parser.add_argument(
        "--allow-empty", action="store_true", help="finding no file to look at is no error"
    )


def tell_others(count: int, unreadable: int, what: str) -> None:
    """One line on what was passed over, if anything was.

    Args:
        count: how many files.
        unreadable: how many of them could not be told apart, since they cannot be parsed.
        what: what one of them is called, such as ``YAML file``.
    """
    if count:
        more = f", {unreadable} of them no YAML that can be read" if unreadable else ""
        plural = "" if count == 1 else "s"
        tell(f"passed over {count} other {what}{plural}{more}")


def nothing_found(what: str, arguments: argparse.Namespace) -> UsageError:
    """The error of a search, as :func:`add_search_arguments` has it, that found no ``what``."""
    from netspec.errors import UsageError
    from netspec.system.channels import readable

    where = ", ".join(map(readable, arguments.paths))
    return UsageError(f"no {what} in {where}; --allow-empty lets that pass")


def add_force_argument(parser: argparse.ArgumentParser) -> None:
    """``--force``."""
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace what is there already",
    )


def add_optimize_arguments(parser: argparse.ArgumentParser, explains: str = "") -> None:
    """``--optimize`` and ``--explain``, which ``explains`` something of the command's own too."""
    parser.add_argument(
        "--optimize",
        metavar="GOAL",
        help="less to compute, for `inference`: norms folded, linear branches merged, dropout gone; "
        "weights move along",
    )
    passes = "what each pass of --optimize did, and why it did nothing elsewhere"
    add_explain_argument(parser, f"tell {' and '.join(filter(None, (explains, passes)))}")
    parser.set_defaults(explains_itself=bool(explains))


def add_explain_argument(parser: argparse.ArgumentParser, help: str) -> None:
    """``--explain``, of what is optimized."""
    parser.add_argument("--explain", action="store_true", help=help)


def _optimized(compiled: CompiledNetwork, arguments: argparse.Namespace) -> CompiledNetwork:
    """The network as :func:`add_optimize_arguments` has it."""
    from netspec.errors import UsageError

    if getattr(arguments, "optimize", None) is None:
        if getattr(arguments, "explain", False) and not arguments.explains_itself:
            raise UsageError("--explain: of --optimize")
        return compiled
    optimized = compiled.optimize(arguments.optimize)
    if arguments.explain and optimized.optimization is not None:
        tell(f"{compiled.name}, optimized for {arguments.optimize}:")
        for note in optimized.optimization.notes:
            tell(f"  {note}")
        before, after = (len(network.network.nodes) for network in (compiled, optimized))
        tell(f"  {after:,} ops are left of {before:,}")
    return optimized


def load_spec(arguments: argparse.Namespace) -> CompiledNetwork:
    """The network that the arguments of :func:`add_spec_arguments` name, optimized where they say so.

    Blocks of a spec on standard input are its own or built-in ones: it has no folder.
    """
    return _optimized(_with_outputs(_load(arguments), arguments), arguments)


def _with_outputs(compiled: CompiledNetwork, arguments: argparse.Namespace) -> CompiledNetwork:
    """The network as ``--outputs`` and ``--headless`` have it."""
    if arguments.further_outputs is None and not arguments.headless:
        return compiled
    names = [name.strip() for name in (arguments.further_outputs or "").split(",") if name.strip()]
    return compiled.with_outputs(*names, headless=arguments.headless)


def _load(arguments: argparse.Namespace) -> CompiledNetwork:
    from netspec import loading
    from netspec.cli.streams import read_standard_input
    from netspec.elaborate.overrides import on_top, parse_assignment
    from netspec.lang.source import decode
    from netspec.network import compile_document

    values = on_top({}, map(parse_assignment, arguments.assignments))
    if arguments.spec != STANDARD_INPUT:
        found = loading.find_spec(arguments.spec, arguments.variant)
        return compile_document(found, values, bounds_of(arguments))
    text = decode(read_standard_input(), "<stdin>")
    found = loading.FoundSpec(loading.parsed(text, "<stdin>", None), arguments.variant)
    return compile_document(found, values, bounds_of(arguments))
