"""A TensorFlow SavedModel, run through the signature that TensorFlow Serving calls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netspec.exports.base import Format, Loaded

if TYPE_CHECKING:
    from netspec.exports.base import Array

SIGNATURE = "serving_default"
"""What TensorFlow Serving calls unless a request says otherwise."""


def load(path: Path) -> Loaded:
    """The serving signature of the model."""
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    _, keywords = model.signatures[SIGNATURE].structured_input_signature
    (name,) = keywords

    def run(inputs: Array) -> dict[str, Array]:
        # By way of the model: a signature alone does not keep the variables in memory.
        found = model.signatures[SIGNATURE](**{name: tf.constant(inputs)})
        return {key: tensor.numpy() for key, tensor in found.items()}

    return Loaded(name, run)


SAVED_MODEL = Format(
    name="saved-model",
    suffix="",
    content="saved_model.pb",
    runtime="tensorflow",
    requires=("tensorflow",),
    extra="",
    bound=1e-5,
    reason="TensorFlow rewrites the graph, and sums in another order than eagerly",
    load=load,
    parts=("fingerprint.pb", "variables", "assets", "assets.extra", "keras_metadata.pb"),
)
