"""Keras itself, imported late and in a state that no file in a home directory decides."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
        import keras
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
