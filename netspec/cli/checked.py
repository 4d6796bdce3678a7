"""Source, built before a command hands it out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.streams import tell

if TYPE_CHECKING:
    from netspec.network import CompiledNetwork


def add_no_check_argument(parser: argparse.ArgumentParser) -> None:
    """``--no-check``."""
    parser.add_argument(
        "--no-check",
        action="store_true",
        help="write the source unbuilt; else it is built first where the framework is installed, without "
        "values, and what does not run is not written",
    )


def check_source(
    networks: Sequence[CompiledNetwork], backend: str, source: str, path: Path | None = None
) -> None:
    """Build what ``source``, generated for ``networks``, says, as far as that can be done here.

    Args:
        path: the file that it is for. One that holds it already is not written, so nothing is built. One
            that will be written with networks that were not built is told about.

    Raises:
        InternalError: it does not run, or makes another network.
    """
    from netspec.backends.base import get_backend
    from netspec.backends.trial import try_source
    from netspec.cli.quiet import quiet
    from netspec.errors import InternalError
    from netspec.system.files import holds

    if path is not None and holds(path, source):
        return
    try:
        with quiet():
            programs = [network.network for network in networks]
            unbuilt = try_source(get_backend(backend), programs, source)
    except InternalError as error:
        how = "nothing was written; `netspec generate --no-check` writes it all the same"
        raise InternalError(f"{error}; {how}") from error
    for reason, left in unbuilt.items() if path is not None else ():
        names = ", ".join(f"`{program.model_name}`" for program in left)
        what = "not" if len(left) == len(networks) else f"{names} not"
        tell(f"{path}: {what} built ahead of writing: {reason}")
