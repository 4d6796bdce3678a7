"""Source, built before a command hands it out."""

from __future__ import annotations

import argparse
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
    network: CompiledNetwork, backend: str, source: str, path: Path | None = None
) -> None:
    """Build what ``source``, generated for ``network``, says, as far as that can be done here.

    Args:
        path: the file that it is for. One that holds it already is not written, so nothing is built. One
            that will be written unbuilt is told about.

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
            reason = try_source(get_backend(backend), network.network, source)
    except InternalError as error:
        how = "nothing was written; `netspec generate --no-check` writes it all the same"
        raise InternalError(f"{error}; {how}") from error
    if reason and path is not None:
        tell(f"{path}: not built ahead of writing: {reason}")
