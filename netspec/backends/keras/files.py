"""Keras' files of weights: names (``layer/variable``), layouts, and its formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from netspec.backends.keras.hdf5 import open_model, open_weights
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.skeleton import write_model, write_weights_file
from netspec.backends.keras.weights import from_keras, to_keras, variable_name, variable_shape
from netspec.ir import Layer
from netspec.ops.types import Parameter
from netspec.weights.storage.formats import Format
from netspec.weights.storage.tensors import StoredTensor

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array


_READERS = ("h5py",)
_WRITERS = ("keras", "tensorflow", "h5py")
_LEGACY = Format("Keras 2 weights", open_weights, reads_with=_READERS)


class KerasFiles:
    """See :class:`netspec.backends.base.WeightFiles`."""

    formats: Mapping[str, Format] = {
        ".keras": Format("Keras model", open_model, write_model, _READERS, _WRITERS),
        ".weights.h5": Format(
            "Keras weights", open_weights, write_weights_file, _READERS, _WRITERS
        ),
        ".h5": _LEGACY,
        ".hdf5": _LEGACY,
    }

    names_tensors = False

    def name(self, layer: Layer, parameter: Parameter) -> str:
        """``conv1/kernel``"""
        return f"{flat_name(layer.path)}/{variable_name(layer, parameter)}"

    def shape(self, layer: Layer, parameter: Parameter) -> tuple[int, ...]:
        """The shape of the variable, channels last."""
        return variable_shape(layer, parameter)

    def encode(self, layer: Layer, parameter: Parameter, array: Array) -> Array:
        """A canonical array as the variable has it."""
        return to_keras(layer, parameter, array)

    def decode(self, layer: Layer, parameter: Parameter, array: Array) -> Array:
        """The value of a variable in canonical layout."""
        return from_keras(layer, parameter, array)

    def extras(self, layer: Layer) -> Mapping[str, StoredTensor]:
        """Keras keeps nothing beside parameters and statistics."""
        return {}

    def extra_name(self, layer: Layer, extra: str) -> str:
        """As a variable of the layer."""
        return f"{flat_name(layer.path)}/{extra}"

    def prefixes(self) -> Iterator[str]:
        """Nothing wraps a Keras model's names."""
        yield from ()
