"""Silence for what frameworks print, which no option of theirs turns off."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Within, what is written to standard output and error goes nowhere, from C++ too.

    ``sys.stderr`` itself still leads where it did, so that progress can be shown.
    """
    out, err = sys.stdout, sys.stderr
    if out is not sys.__stdout__ or err is not sys.__stderr__ or out is None or err is None:
        # Python's streams lead elsewhere, where someone looks at what they get.
        with _silent_python():
            yield
        return
    out.flush()
    err.flush()
    kept = [os.dup(1), os.dup(2)]
    try:
        with (
            open(os.devnull, "w") as nowhere,
            os.fdopen(os.dup(kept[1]), "w", encoding=err.encoding, errors="replace") as shown,
            _silent_python(),
        ):
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            sys.stderr = shown
            yield
    finally:
        sys.stderr = err
        out.flush()
        for descriptor, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)


@contextmanager
def _silent_python() -> Iterator[None]:
    """Without warnings and log messages."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
