"""Arguments that say how a file of weights is read, and what is told of it afterwards."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.cli.streams import tell

if TYPE_CHECKING:
    from netspec.network import CompiledNetwork
    from netspec.weights.checkpoints import Matching


def add_weights_arguments(parser: argparse.ArgumentParser) -> None:
    """``--weights``, and the arguments that say how its file is read."""
    parser.add_argument(
        "--weights",
        metavar="FILE",
        type=Path,
        help="load weights: .safetensors, .pt, .pth, .keras, .weights.h5",
    )
    add_reading_arguments(parser)


def check_weights_arguments(arguments: argparse.Namespace) -> None:
    """Raise :class:`UsageError` for arguments on reading a file where there is none."""
    from netspec.errors import UsageError

    reading = ("source", "map", "allow_missing", "allow_unexpected", "take")
    if arguments.weights is None and any(getattr(arguments, name) for name in reading):
        raise UsageError("--from, --map, --allow-missing, --allow-unexpected, --take: of --weights")


def use_weights(arguments: argparse.Namespace, compiled: CompiledNetwork, model: Any) -> None:
    """Give the model the weights of ``--weights``; without it the model stays as it is."""
    from netspec.weights.checkpoints import load_into

    if arguments.weights is None:
        return
    loaded = load_into(
        model, compiled.compilation, arguments.weights, arguments.source, matching_of(arguments)
    )
    tell_each(f"{arguments.weights}:", loaded.notes)
    kept = "started anew" if compiled.optimization else "as it was"
    tell_each(f"missing, {kept}:", loaded.missing)
    tell_each("unexpected, left:", loaded.unexpected)
    tell_each("dropped, no weights:", brief(loaded.dropped))


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """``--from``, ``--map``, ``--allow-missing``, ``--allow-unexpected`` and ``--take``."""
    parser.add_argument(
        "--from",
        metavar="NAMES",
        dest="source",
        help="whose names and layouts the weights have: torch, keras, or one of the spec's "
        "`checkpoints`; found out unless given",
    )
    parser.add_argument(
        "--map",
        metavar="FILE",
        type=Path,
        help="a YAML mapping of regular expressions to new names, for the weights' names",
    )
    parser.add_argument(
        "--allow-missing",
        metavar="REGEX",
        action="append",
        default=[],
        help="tensors of the network that the weights may lack, such as 'fc.*'; repeatable",
    )
    parser.add_argument(
        "--allow-unexpected",
        metavar="REGEX",
        action="append",
        default=[],
        help="tensors among the weights that may be left; repeatable",
    )
    parser.add_argument(
        "--take",
        metavar="KEY",
        help="which of several sets of weights in the file, such as state_dict_ema",
    )


def seed(text: str) -> int:
    """The value of a ``--seed``."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"`{text}` is no whole number of 0 or more")
    return int(text)


def matching_of(arguments: argparse.Namespace) -> Matching:
    """What the arguments of :func:`add_reading_arguments` say about matching."""
    from netspec.lang.source import parse
    from netspec.loading import read_text
    from netspec.weights.checkpoints import Matching
    from netspec.weights.checkpoints.renaming import Renaming

    renaming = None
    if arguments.map is not None:
        renaming = Renaming.from_document(parse(read_text(arguments.map), str(arguments.map)))
    return Matching(
        renaming=renaming,
        allow_missing=tuple(arguments.allow_missing),
        allow_unexpected=tuple(arguments.allow_unexpected),
        take=arguments.take,
    )


def tell_each(what: str, names: Iterable[str]) -> None:
    """One line for each name, on standard error."""
    for name in names:
        tell(f"{what} {name}")


def brief(names: tuple[str, ...]) -> list[str]:
    """Names by what they end in, which is all that differs between layers."""
    counts: dict[str, int] = {}
    for name in names:
        last = name.rpartition(".")[2]
        counts[last] = counts.get(last, 0) + 1
    return [f"{count:,} {last}" for last, count in counts.items()]
