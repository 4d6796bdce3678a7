"""What Keras asks of names: layers and inputs of a model have names of one level, each its own."""

from __future__ import annotations

from netspec.backends.names import Naming

NAMING = Naming(
    "Keras",
    separator="_",
    inputs_are_layers=True,
    words=frozenset(("keras", "layers", "initializers", "ops", "input_shape")),
)

flat_name = NAMING.spell
"""A path as the name of a layer."""
