"""Options of the whole suite."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-goldens``."""
    parser.addoption(
        "--update-goldens",
        action="store_true",
        help="write golden files anew instead of comparing with them; review the difference",
    )


def pytest_configure() -> None:
    """No test, nor a process that it starts, leaves anything in the cache of whoever runs it."""
    os.environ["NETSPEC_CACHE_DIR"] = ""
