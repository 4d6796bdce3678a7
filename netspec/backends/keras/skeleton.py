"""Writing Keras' files by Keras itself, from a model that has no values.

Within a stateless scope a model's variables are declared and not made. Keras asks every layer of it
for what to save, and gets the tensors, each read when its turn comes.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netspec.backends.keras.framework import load_keras
from netspec.backends.keras.weights import layers_of
from netspec.ir import Program
from netspec.system.room import reserve
from netspec.weights.storage.tensors import StoredTensor

_WEIGHTS = "model.weights.h5"

_HEADER, _SLACK = 4096, 1 << 20
"""Bytes that HDF5 writes beside the values, more than less. It ends the process when the disk is full."""

Store = Any
"""What a layer writes its variables into, by their number as text."""


def write_model(path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
    """A ``.keras`` file of the network's live model with ``tensors`` (``layer/variable``)."""
    model = _skeleton(network)
    with _folder_beside(path) as folder:
        _let_write(model, lambda layer, store: None)
        model.save(folder / "empty.keras")
        _write_weights(model, folder / _WEIGHTS, tensors)
        with (
            zipfile.ZipFile(folder / "empty.keras") as source,
            zipfile.ZipFile(folder / "model.keras", "w", zipfile.ZIP_STORED) as target,
        ):
            for name in source.namelist():
                if name != _WEIGHTS:
                    target.writestr(name, source.read(name))
            target.write(folder / _WEIGHTS, _WEIGHTS)
        os.replace(folder / "model.keras", path)


def write_weights_file(path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
    """A ``.weights.h5`` file that the network's live model loads."""
    model = _skeleton(network)
    with _folder_beside(path) as folder:
        _write_weights(model, folder / _WEIGHTS, tensors)
        os.replace(folder / _WEIGHTS, path)


def _skeleton(network: Program) -> Any:
    """The network's live model, its variables without values."""
    from netspec.backends.keras.live import build

    with load_keras().StatelessScope(initialize_variables=False):
        return build(network)


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".netspec-") as folder:
        yield Path(folder)


def _write_weights(model: Any, path: Path, tensors: Mapping[str, StoredTensor]) -> None:
    def write(layer: Any, store: Store) -> None:
        # The layer itself says which variable has which number, and puts none of them anywhere.
        numbers: dict[str, Any] = {}
        type(layer).save_own_variables(layer, numbers)
        for number, variable in numbers.items():
            store[number] = _values(tensors[f"{layer.name}/{variable.name}"])

    _let_write(model, write)
    reserve(path.parent, sum(tensor.bytes + _HEADER for tensor in tensors.values()) + _SLACK)
    model.save_weights(path)


def _let_write(model: Any, write: Callable[[Any, Store], None]) -> None:
    """Let ``write`` decide what each layer of ``model`` saves."""
    for layer in layers_of(model):
        layer.save_own_variables = lambda store, layer=layer: write(layer, store)


def _values(tensor: StoredTensor) -> Any:
    """The values in a dtype that Keras knows."""
    array = tensor.read()
    if tensor.dtype != "bfloat16":
        return array
    import ml_dtypes

    return array.view(ml_dtypes.bfloat16)
