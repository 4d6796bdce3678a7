"""Options of the whole suite."""

from __future__ import annotations

import gc

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-goldens``."""
    parser.addoption(
        "--update-goldens",
        action="store_true",
        help="write golden files anew instead of comparing with them; review the difference",
    )


def pytest_collection_finish() -> None:
    """Take what the frameworks hold out of the garbage collector's sight, which else walks it again and again."""
    gc.collect()
    gc.freeze()
