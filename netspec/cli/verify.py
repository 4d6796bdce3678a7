"""``netspec verify``: every model of a network held against the others, and a certificate of it."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netspec import __version__
from netspec.cli.options import (
    STANDARD_INPUT,
    add_force_argument,
    add_variant_arguments,
    load_spec,
)
from netspec.cli.streams import tell, write_data

if TYPE_CHECKING:
    from netspec.compilation import Compilation
    from netspec.verification.results import NetworkResult
    from netspec.verification.run import Origin

DESCRIPTION = """\
Build every model of a network: live and from generated source, in PyTorch and in Keras.
Give all of them the same weights and the same input, and hold them against the network
and against each other, level by level:

  shapes    what every layer holds, and the shapes that leave every part
  start     initial values against the distributions that the spec states, and what drops
            at random
  forward   the numbers that leave every part, in evaluation mode
  training  the numbers in training mode, all gradients, running statistics, and the
            weights after one step of plain gradient descent

Numbers are float64 wherever the frameworks can. A model that fails a level goes no
further, and the part of the spec where it first differs is named. --report writes a
certificate, and --certificate says whether one still holds.

exit status: 0 they agree; 1 they differ, or a certificate no longer holds; 2 the
command is wrong, or a framework is missing."""
EXAMPLES = (
    "netspec verify mynet.yaml",
    "netspec verify resnet18 --report resnet18.html",
    "netspec verify resnet50 --reference torchvision.models:resnet50",
)

FORMATS = ("text", "json", "junit", "github")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from netspec.verification.levels import LEVELS

    parser.add_argument(
        "specs",
        metavar="SPEC",
        nargs="*",
        help="a path, `-` for standard input, or the name of a zoo file or variant",
    )
    add_variant_arguments(parser)
    parser.add_argument(
        "--all-variants", action="store_true", help="every variant of every SPEC, one after another"
    )
    parser.add_argument(
        "--level", choices=LEVELS, default="training", help="the last level to run (training)"
    )
    parser.add_argument(
        "--backend",
        metavar="NAME",
        dest="backends",
        action="append",
        default=[],
        help="a framework that takes part, or `interpreter`: the network run in NumPy; repeatable; all "
        "frameworks that are installed unless given",
    )
    parser.add_argument(
        "--size",
        metavar="HxW",
        type=_size,
        help="the input's spatial size, such as 64x96; a small one unless given",
    )
    parser.add_argument(
        "--reference",
        metavar="MODULE:CALLABLE",
        help="hold the network against this model too, such as torchvision.models:resnet50; "
        "the code behind the name is run",
    )
    parser.add_argument(
        "--all",
        dest="every",
        action="store_true",
        help="name every layer that differs, and not the first alone: each is fed what the baseline's takes",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="what to print (text)")
    parser.add_argument(
        "--report",
        metavar="FILE",
        dest="reports",
        action="append",
        default=[],
        type=Path,
        help="write a certificate, as .json or .html; repeatable",
    )
    add_force_argument(parser)
    parser.add_argument(
        "--certificate",
        metavar="FILE",
        type=Path,
        help="verify nothing; say whether the certificate (.json) holds for its specs as they are now",
    )


def _size(text: str) -> tuple[int, ...]:
    parts = re.split(r"[x×,]", text)
    if not all(re.fullmatch(r"[0-9]{1,6}", part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no size, such as 64x96")
    return tuple(int(part) for part in parts)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.certificate is not None:
        return _check(arguments)
    _check_arguments(arguments)
    # The proof is in float64, which belongs on the CPU; frameworks read this when they are imported.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    from netspec.cli.output import progress
    from netspec.verification.certificate import save
    from netspec.verification.run import Options, verify

    options = Options(
        arguments.level,
        tuple(arguments.backends),
        arguments.size,
        arguments.reference,
        arguments.every,
    )
    results = []
    networks = list(_networks(arguments))
    for number, (compilation, origin) in enumerate(networks, 1):
        of_all = f" ({number} of {len(networks)})" if len(networks) > 1 else ""
        with progress(f"verifying {compilation.network.model_name}{of_all}") as tell_progress:
            results.append(verify(compilation, options, origin, tell_progress))
    for path in arguments.reports:
        save(path, results)
        tell(f"wrote {path}")
    _print(arguments.format, results)
    return 0 if all(result.passed for result in results) else 1


def _check_arguments(arguments: argparse.Namespace) -> None:
    """Raise :class:`UsageError` for what cannot go together, ahead of the work."""
    from netspec.errors import UsageError
    from netspec.system.files import check_distinct, check_output

    if not arguments.specs:
        raise UsageError("nothing to verify: name a SPEC, or a --certificate to check")
    if arguments.all_variants and arguments.variant is not None:
        raise UsageError("--variant and --all-variants do not go together")
    if arguments.variant is not None and len(arguments.specs) > 1:
        raise UsageError("--variant is that of one SPEC; several are named")
    if arguments.specs.count(STANDARD_INPUT) > 1:
        raise UsageError("`-` can be read once")
    for path in arguments.reports:
        from netspec.verification.certificate import check_name

        check_name(path)
        check_output(path, arguments.force)
    check_distinct(arguments.reports)


def _networks(arguments: argparse.Namespace) -> Iterator[tuple[Compilation, Origin]]:
    """Every network that the arguments name, and how it is found again."""
    from netspec.verification.run import Origin

    assignments = tuple(arguments.assignments)
    for spec in arguments.specs:
        for variant in _variants(spec, arguments):
            one = argparse.Namespace(**{**vars(arguments), "spec": spec, "variant": variant})
            yield load_spec(one).compilation, Origin(spec, variant, assignments)


def _variants(spec: str, arguments: argparse.Namespace) -> Sequence[str | None]:
    if not arguments.all_variants:
        return [arguments.variant]
    from netspec.errors import UsageError
    from netspec.lang.schema.bind import bind_spec
    from netspec.loading import find_spec

    if spec == STANDARD_INPUT:
        raise UsageError("--all-variants reads a spec several times, so `-` will not do")
    found = find_spec(spec, None)
    if found.variant is not None:
        raise UsageError(f"`{spec}` is one variant; --all-variants takes the file that it is in")
    return list(bind_spec(found.document).variants) or [None]


def _print(name: str, results: Sequence[NetworkResult]) -> None:
    from netspec.verification import github, junit
    from netspec.verification.certificate import json_text

    if name == "json":
        write_data(json_text(results))
    elif name == "junit":
        write_data(junit.render(results))
    elif name == "github":
        write_data(github.render(results))
    else:
        from netspec.system.tables import make_console
        from netspec.verification.table import print_results

        print_results(make_console(), results)


# Certificates


def _check(arguments: argparse.Namespace) -> int:
    """Say whether a certificate holds; needs no framework."""
    from netspec.errors import NetspecError, UsageError
    from netspec.verification.certificate import read_certificate, standing

    if arguments.specs or arguments.reports or arguments.reference or arguments.all_variants:
        raise UsageError("--certificate checks what the file says, and takes no SPEC or --report")
    claims, versions = read_certificate(arguments.certificate)
    holds = True
    for claim in claims:
        if claim.origin.spec == STANDARD_INPUT:
            raise UsageError(f"{claim.name}: its spec came from standard input and cannot be found")
        named = {
            "spec": claim.origin.spec,
            "variant": claim.origin.variant,
            "assignments": list(claim.origin.assignments),
        }
        one = argparse.Namespace(**{**vars(arguments), **named})  # with the bounds that are given
        try:
            found = standing(claim, load_spec(one).compilation)
        except NetspecError as error:
            tell(error)
            print(f"{claim.name}: does not hold: the spec is in error")
            holds = False
            continue
        if found.holds:
            print(f"{claim.name}: holds ({claim.extent})")
        else:
            print(f"{claim.name}: does not hold: {'; '.join(found.reasons)}")
            holds = False
    _tell_versions(versions)
    return 0 if holds else 1


def _version(name: str) -> str:
    """The version that is here of what a certificate calls ``name``."""
    from importlib.metadata import PackageNotFoundError, version

    if name == "netspec":  # the distribution is called otherwise
        return __version__
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _tell_versions(made_with: Mapping[str, str]) -> None:
    """What has another version here than the certificate was made with."""
    told = []
    for name, then in made_with.items():
        now = _version(name)
        same = now.partition("+")[0] == then.partition("+")[0]
        told.append(f"{name} {then}" if same else f"{name} {then} (here {now})")
    print("made with " + ", ".join(told))
