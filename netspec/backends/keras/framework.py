"""Keras itself, imported late and in a state that no file in a home directory decides."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any


@cache
def load_keras() -> Any:
    """The module ``keras``, on TensorFlow unless the caller imported it on something else before.

    When the import happens here, what ``~/.keras/keras.json`` and ``KERAS_BACKEND`` say is undone:
    the same spec is the same model everywhere. Who imports Keras first keeps their configuration.
    """
    if "keras" in sys.modules:
        import keras

        return keras
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with _without_remarks():
            import keras

            keras.ops.zeros(())  # TensorFlow remarks on the machine when it first computes
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = before
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
