"""Writing weights of a network: under a naming's names, in its layouts, to any format that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.backends.base import backend_of, extra_of, require_modules
from netspec.compilation import Compilation
from netspec.errors import UsageError
from netspec.system.files import check_writable, replacing
from netspec.weights.checkpoints.load import find_format
from netspec.weights.checkpoints.naming import Naming, naming_called
from netspec.weights.storage.formats import Format
from netspec.weights.storage.tensors import StoredTensor, in_memory


def save_weights(
    model: Any, compilation: Compilation, output: Path, target: str | None = None
) -> None:
    """Write the weights of ``model``, a live one of the network of ``compilation``, whole or not at all.

    What a framework's files hold besides parameters and statistics starts anew.

    Args:
        model: of any framework.
        compilation: a compiled network's.
        output: the file to write; its suffix says the format.
        target: whose names and layouts it uses: a backend, or an entry of the spec's ``checkpoints:``.
            Unless given, the backend that the format belongs to, or else the model's.

    Raises:
        UsageError: no such format or names, the file cannot be written, or what writes it is not
            installed.
    """
    backend = backend_of(model)
    owner, _ = find_format(output)
    naming = naming_called(compilation, target or (owner or backend).name)
    file_format = output_format(output, naming)
    weights = backend.read_weights(model, compilation.network)
    tensors = {name: in_memory(array) for name, array in weights.items()}
    with replacing(output) as temporary:
        file_format.write(temporary, naming.network, laid_out(naming, tensors, {}))


def output_format(output: Path, naming: Naming) -> Format:
    """The format of ``output``; raises :class:`UsageError` where it cannot be written."""
    owner, file_format = find_format(output)
    if owner is not None and naming.backend is not owner:
        raise UsageError(
            f"{output}: such files hold names of {owner.name}, not of `{naming.label}`"
        )
    if owner is not None and naming.tensors and not naming.files.names_tensors:
        raise UsageError(
            f"{output}: such files name layers, and `{naming.label}` has names for single tensors; they "
            "can be read, and be written to .safetensors"
        )
    if file_format.writes_with is None:
        raise UsageError(f"{output}: this format ({file_format.title}) is only read")
    check_writable(output)
    require_modules(file_format.writes_with, extra_of(owner) if owner else "all", file_format.title)
    return file_format


def laid_out(
    naming: Naming, tensors: Mapping[str, StoredTensor], extras: Mapping[str, StoredTensor]
) -> dict[str, StoredTensor]:
    """What a file holds, by its names and in the network's order.

    Args:
        naming: the file's.
        tensors: every parameter and statistic by canonical name.
        extras: what is known of what the file holds besides, by canonical name; the rest starts anew.
    """
    written: dict[str, StoredTensor] = {}
    files = naming.files
    for layer in naming.network.layers:
        for parameter in layer.op.parameters(layer.source):
            name = naming.name(layer, parameter)
            written[name] = naming.encoded(name, tensors[naming.slots[name].name])
        for extra in files.extras(layer):
            name = files.extra_name(layer, extra)
            canonical, start = naming.extras[name]
            written[name] = extras.get(canonical, start)
    return written
