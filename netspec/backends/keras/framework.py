"""Keras itself, imported late and in a state that no file in a home directory decides."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from netspec.errors import UsageError, did_you_mean

TENSORFLOW = "tensorflow"
RUNS_ON = (TENSORFLOW, "torch", "jax")
"""What Keras can train on, each by the name that both Keras and Python's ``import`` have for it."""
VARIABLE = "KERAS_BACKEND"


def runs_on() -> str:
    """What Keras runs on in this process: what it is imported on already, or ``KERAS_BACKEND``.

    TensorFlow where neither says anything; ``~/.keras/keras.json`` does not decide. Raises
    :class:`UsageError` for what cannot be honoured. Imports nothing.
    """
    imported = sys.modules.get("keras")
    if imported is not None:
        return str(imported.backend.backend())
    chosen = os.environ.get(VARIABLE) or TENSORFLOW
    if chosen not in RUNS_ON:
        hint = did_you_mean(chosen, RUNS_ON)
        listed = "`tensorflow`, `torch` or `jax`"
        raise UsageError(f"{VARIABLE} is `{chosen}`: {hint or f'models are made on {listed}'}")
    if chosen != TENSORFLOW and importlib.util.find_spec(chosen) is None:
        raise UsageError(f"{VARIABLE} is `{chosen}`, which is not installed")
    return chosen


def require_tensorflow(what: str) -> None:
    """Raise :class:`UsageError` unless Keras runs on TensorFlow, which ``what`` takes."""
    found = runs_on()
    if found != TENSORFLOW:
        raise UsageError(f"{what} takes Keras on TensorFlow, and here it is on {found}")


@cache
def load_keras() -> Any:
    """The module ``keras``, on what :func:`runs_on` says.

    When the import happens here, what ``~/.keras/keras.json`` says is undone: the same spec is the same
    model everywhere. Who imports Keras first keeps their configuration.
    """
    if "keras" in sys.modules:
        import keras

        return keras
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = runs_on()
    try:
        with _without_remarks():
            import keras

            keras.ops.zeros(())  # TensorFlow remarks on the machine when it first computes
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    return keras


@contextmanager
def channels_last() -> Iterator[None]:
    """Layers made within are channels-last, whatever the process is set to."""
    config = load_keras().config
    before = config.image_data_format()
    config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        config.set_image_data_format(before)


_REMARKS = re.compile(
    rb"[IWE]\d{4} \d\d:|\d{4}-\d\d-\d\d \d\d:.*: [IW] |WARNING: All log messages before absl|To enable the following"
)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep what TensorFlow's own log says of the machine off standard error; the rest is passed on.

    It is written below Python, so the descriptor itself is led aside. No setting of TensorFlow keeps
    all of it away.
    """
    try:
        kept, aside = os.dup(2), tempfile.TemporaryFile()  # noqa: SIM115
    except OSError:  # no standard error at all, or nowhere to lead it
        yield
        return
    with aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            aside.seek(0)
            rest = b"".join(line for line in aside if not _REMARKS.match(line))
            if rest:
                with suppress(OSError):  # it may be full, or nobody reads it any more
                    os.write(2, rest)
