"""Conversion of weight files between frameworks, formats and names, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netspec import ir
from netspec.backends.base import require_modules
from netspec.checkpoints.load import find_format, opened
from netspec.checkpoints.matching import Match
from netspec.checkpoints.naming import Naming, naming_called
from netspec.checkpoints.options import STRICT, Matching
from netspec.codegen.program import Program
from netspec.errors import UsageError
from netspec.files import check_writable, replacing
from netspec.starting import DTYPE, draw
from netspec.storage.formats import Format
from netspec.storage.tensors import StoredTensor
from netspec.types import Parameter


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
    program: Program,
    path: Path,
    output: Path,
    *,
    source: str | None,
    target: str,
    how: Matching = STRICT,
    seed: int = 0,
) -> Report:
    """Write the weights of ``path`` to ``output`` with other names, layouts and format.

    Tensors keep their dtype, and are read, turned and written one by one. ``output`` is written whole
    or not at all.

    Args:
        program: a compiled network's.
        path: a file in any format that an installed backend knows.
        output: the file to write; its suffix says the format.
        source: whose names and layouts ``path`` uses: a backend, or an entry of the spec's
            ``checkpoints:``. Found out unless given.
        target: the same of ``output``.
        how: what may be missing or left over, and other names.
        seed: of the initial values of tensors that are missing.

    Raises:
        NetspecError: the file is damaged or unsafe, or its tensors are not the network's.
        UsageError: no such file, format or names; what reads or writes it is not installed.
    """
    naming = naming_called(program, target)
    file_format = output_format(output, naming)
    with opened(program, path, source, how) as (found, notes):
        missing = set(found.missing)
        tensors = {**found.tensors, **_started(program.network, missing, seed)}
        written, extras = _written(naming, tensors, found)
        with replacing(output) as temporary:
            file_format.write(temporary, naming.network, written)
    return Report(
        tensors=len(tensors),
        missing=tuple(found.missing),
        unexpected=tuple(found.unexpected),
        dropped=tuple(name for name in found.extras if name not in extras),
        restored=tuple(name for name in extras if name not in found.extras),
        notes=notes,
    )


def output_format(output: Path, naming: Naming) -> Format:
    """The format of ``output``; raises :class:`UsageError` where it cannot be written."""
    owner, file_format = find_format(output)
    if owner is not None and naming.backend is not owner:
        raise UsageError(
            f"{output}: such files hold names of {owner.name}, not of `{naming.label}`"
        )
    if file_format.writes_with is None:
        raise UsageError(f"{output}: this format ({file_format.title}) is only read")
    check_writable(output)
    require_modules(file_format.writes_with, owner.extra if owner else "all", file_format.title)
    return file_format


def _started(network: ir.Network, missing: set[str], seed: int) -> dict[str, StoredTensor]:
    """The tensors that the file lacks, as the spec starts them."""

    def tensor(name: str, parameter: Parameter) -> StoredTensor:
        return StoredTensor(DTYPE, parameter.shape, lambda: draw(name, parameter, seed))

    return {
        name: tensor(name, parameter)
        for layer in ir.layers(network)
        for parameter in layer.op.parameters(layer.source)
        if (name := f"{layer.path}.{parameter.name}") in missing
    }


def _written(
    naming: Naming, tensors: Mapping[str, StoredTensor], found: Match
) -> tuple[dict[str, StoredTensor], set[str]]:
    """What the target file holds, by its names and in the network's order; the extras among them."""
    written: dict[str, StoredTensor] = {}
    extras: set[str] = set()
    for layer in ir.layers(naming.network):
        files = naming.backend.weight_files
        for parameter in layer.op.parameters(layer.source):
            name = files.name(layer, parameter)
            written[name] = naming.encoded(name, tensors[naming.slots[name].name])
        for extra in files.extras(layer):
            name = files.extra_name(layer, extra)
            canonical, start = naming.extras[name]
            written[name] = found.extras.get(canonical, start)
            extras.add(canonical)
    return written, extras
