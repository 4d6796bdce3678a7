"""Keras' files of weights: names (``layer/variable``), layouts, and its formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.backends.keras.weights import from_keras, to_keras, variable_name, variable_shape
from netspec.backends.names import flat_name
from netspec.ir import Layer, Program
from netspec.ops.types import Parameter
from netspec.weights.storage.formats import Contents, Format
from netspec.weights.storage.tensors import StoredTensor

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array


class _Format:
    """What the formats share; see :class:`netspec.weights.storage.formats.Format`."""

    title: str
    reads_with: tuple[str, ...] = ("h5py",)
    writes_with: tuple[str, ...] | None = None

    def write(self, path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
        """Only some formats are written."""
        raise NotImplementedError(self.title)


class ModelFormat(_Format):
    """A whole model: an archive with its configuration, which is not looked at, and its weights."""

    title = "Keras model"
    writes_with: tuple[str, ...] | None = ("keras", "tensorflow", "h5py")

    def open(self, path: Path, take: str | None) -> AbstractContextManager[Contents]:
        """The weights alone; the configuration, which could name any class, is left alone."""
        from netspec.backends.keras.hdf5 import open_model

        return open_model(path, take)

    def write(self, path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
        """Write the live model's structure, with these weights."""
        from netspec.backends.keras.skeleton import write_model

        write_model(path, network, tensors)


class WeightsFormat(_Format):
    """Weights alone, as ``Model.save_weights`` writes them."""

    title = "Keras weights"
    writes_with: tuple[str, ...] | None = ("keras", "tensorflow", "h5py")

    def open(self, path: Path, take: str | None) -> AbstractContextManager[Contents]:
        """The weights by the names of their layers, which Keras has written since 3.9."""
        from netspec.backends.keras.hdf5 import open_weights

        return open_weights(path, take)

    def write(self, path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
        """Write weights that ``load_weights`` of the live model takes."""
        from netspec.backends.keras.skeleton import write_weights_file

        write_weights_file(path, network, tensors)


class LegacyFormat(_Format):
    """Weights or a model as Keras 2 wrote them."""

    title = "Keras 2 weights"

    def open(self, path: Path, take: str | None) -> AbstractContextManager[Contents]:
        """The weights by the names of their layers."""
        from netspec.backends.keras.hdf5 import open_weights

        return open_weights(path, take)


class KerasFiles:
    """See :class:`netspec.backends.base.WeightFiles`."""

    formats: Mapping[str, Format] = {
        ".keras": ModelFormat(),
        ".weights.h5": WeightsFormat(),
        ".h5": LegacyFormat(),
        ".hdf5": LegacyFormat(),
    }

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
