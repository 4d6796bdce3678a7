"""Conversion of weight files between frameworks, formats and names, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.compilation import Compilation
from netspec.ir import Program
from netspec.ops.types import Parameter
from netspec.system.files import replacing
from netspec.system.progress import Tell, silent
from netspec.weights.checkpoints.load import opened
from netspec.weights.checkpoints.naming import naming_called
from netspec.weights.checkpoints.options import STRICT, Matching
from netspec.weights.checkpoints.save import laid_out, output_format
from netspec.weights.starting import DTYPE, draw
from netspec.weights.storage.tensors import StoredTensor

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array


@dataclass(frozen=True)
class Report:
    """What became of every tensor.

    Attributes:
        tensors: how many parameters and statistics were written, those that started anew among them.
        missing: canonical names that the file lacked, as allowed: they start as the spec says.
        unexpected: the file's names that the network has no use for, as allowed.
        dropped: canonical names of what the file held besides and the target knows nothing of.
        restored: canonical names of what the target holds besides and the file did not.
        notes: what was chosen, and what was left: a line each.
    """

    tensors: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    dropped: tuple[str, ...]
    restored: tuple[str, ...]
    notes: tuple[str, ...]


def convert(
    compilation: Compilation,
    path: Path,
    output: Path,
    *,
    source: str | None,
    target: str,
    how: Matching = STRICT,
    seed: int = 0,
    tell: Tell = silent,
) -> Report:
    """Write the weights of ``path`` to ``output`` with other names, layouts and format.

    Tensors keep their dtype, and are read, turned and written one by one. ``output`` is written whole
    or not at all.

    Args:
        compilation: a compiled network's.
        path: a file in any format that an installed backend knows.
        output: the file to write; its suffix says the format.
        source: whose names and layouts ``path`` uses: a backend, or an entry of the spec's
            ``checkpoints:``. Found out unless given.
        target: the same of ``output``.
        how: what may be missing or left over, and other names.
        seed: of the initial values of tensors that are missing.
        tell: is told how many tensors are done.

    Raises:
        NetspecError: the file is damaged or unsafe, or its tensors are not the network's.
        UsageError: no such file, format or names; what reads or writes it is not installed.
    """
    naming = naming_called(compilation, target)
    file_format = output_format(output, naming)
    with opened(compilation, path, source, how) as (found, notes):
        missing = set(found.missing)
        tensors = {**found.tensors, **_started(compilation.network, missing, seed)}
        with replacing(output) as temporary:
            written = _counted(laid_out(naming, tensors, found.extras), tell)
            file_format.write(temporary, naming.network, written)
    extras = dict(naming.extras.values())
    return Report(
        tensors=len(tensors),
        missing=tuple(found.missing),
        unexpected=tuple(found.unexpected),
        dropped=tuple(name for name in found.extras if name not in extras),
        restored=tuple(name for name in extras if name not in found.extras),
        notes=notes,
    )


def _counted(tensors: Mapping[str, StoredTensor], tell: Tell) -> dict[str, StoredTensor]:
    """The same tensors, of which each says at its first reading how many have been read."""
    read: set[str] = set()

    def counted(name: str, tensor: StoredTensor) -> Array:
        read.add(name)
        tell(f"{len(read):,} of {len(tensors):,} tensors")
        return tensor.read()

    return {
        name: replace(tensor, read=partial(counted, name, tensor))
        for name, tensor in tensors.items()
    }


def _started(network: Program, missing: set[str], seed: int) -> dict[str, StoredTensor]:
    """The tensors that the file lacks, as the spec starts them."""

    def tensor(name: str, parameter: Parameter) -> StoredTensor:
        return StoredTensor(DTYPE, parameter.shape, lambda: draw(name, parameter, seed))

    return {
        name: tensor(name, parameter)
        for layer in network.layers
        for parameter in layer.op.parameters(layer.source)
        if (name := f"{layer.path}.{parameter.name}") in missing
    }
