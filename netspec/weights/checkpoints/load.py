"""Reading a file of weights for a network: what every way to use one begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.backends.base import (
    Backend,
    HoldsWeights,
    able_to,
    backend_of,
    extra_of,
    get_backend,
    require_modules,
)
from netspec.compilation import Compilation
from netspec.errors import Diagnostic, NetspecError, UsageError
from netspec.weights.checkpoints.matching import Match, match
from netspec.weights.checkpoints.naming import Naming, namings_called
from netspec.weights.checkpoints.options import STRICT, Matching
from netspec.weights.storage.formats import Contents, Format, format_of
from netspec.weights.storage.safetensors import SAFETENSORS
from netspec.weights.storage.tensors import StoredTensor, as_dtype, count_not_finite, values

_NEUTRAL: Mapping[str, Format] = {".safetensors": SAFETENSORS}


@dataclass(frozen=True)
class Loaded:
    """The weights of a file, for one network.

    Attributes:
        weights: by canonical name, in canonical layout; bfloat16 as float32.
        missing: canonical names that the file lacks, as allowed.
        unexpected: the file's names that the network has no use for, as allowed.
        dropped: canonical names of what the file holds besides weights, such as counters of batches.
        notes: what was chosen, and what was left: a line each.
    """

    weights: Mapping[str, Any]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


def load_weights(
    compilation: Compilation, path: Path, source: str | None = None, how: Matching = STRICT
) -> Loaded:
    """The weights in ``path`` for the network of ``compilation``.

    Args:
        compilation: a compiled network's.
        path: a file in any format that an installed backend knows.
        source: whose names and layouts the file uses: a backend, or an entry of the spec's
            ``checkpoints:``. Found out unless given.
        how: what may be missing or left over, and other names.

    Raises:
        NetspecError: the file is damaged or unsafe, or its tensors are not the network's.
        UsageError: no such file, format or names; what reads it is not installed.
    """
    with opened(compilation, path, source, how) as (found, notes):
        weights = {
            name: values(tensor.dtype, tensor.read()) for name, tensor in found.tensors.items()
        }
        dropped = tuple(found.extras)
    return Loaded(weights, tuple(found.missing), tuple(found.unexpected), dropped, notes)


def load_into(
    model: Any,
    compilation: Compilation,
    path: Path,
    source: str | None = None,
    how: Matching = STRICT,
) -> Loaded:
    """Give ``model``, a live one of the network of ``compilation``, the weights in ``path``.

    What the file lacks, as allowed, stays as it is in ``model``. Raises what :func:`load_weights` does,
    and then ``model`` has not changed.
    """
    loaded = load_weights(compilation, path, source, how)
    backend, weights = backend_of(model), dict(loaded.weights)
    if loaded.missing:
        weights = {**backend.read_weights(model, compilation.network), **weights}
    backend.write_weights(model, compilation.network, weights)
    return loaded


@contextmanager
def opened(
    compilation: Compilation, path: Path, source: str | None, how: Matching
) -> Iterator[tuple[Match, tuple[str, ...]]]:
    """The tensors of a file, matched with the network and not read yet, and what there is to say.

    Reading one raises :class:`NetspecError` where a value is not finite.
    """
    owner, file_format = find_format(path)
    namings = _possible(namings_called(compilation, source), owner, path, source)
    require_modules(file_format.reads_with, extra_of(owner) if owner else "all", file_format.title)
    with file_format.open(path, how.take) as contents:
        try:
            found = _best(str(path), contents.tensors, namings, how)
        except NetspecError as error:
            raise _with_choices(error, path, contents) from None
        found.tensors = {
            name: _guarded(path, name, tensor) for name, tensor in found.tensors.items()
        }
        starts = dict(found.naming.extras.values())
        found.extras = {
            name: _counting(path, name, tensor, starts[name].dtype)
            for name, tensor in found.extras.items()
        }
        notes = list(contents.notes)
        if found.prefix:
            notes.append(f"took `{found.prefix}` off the names")
        if found.unfit:
            more = f" and {len(found.unfit) - 1:,} more" if len(found.unfit) > 1 else ""
            notes.append(f"left {found.unfit[0]}{more}: no single number, as a counter is")
        if found.naming.label != found.naming.backend.name:
            notes.append(f"names are those of `{found.naming.label}`")
        yield found, tuple(notes)


def _with_choices(error: NetspecError, path: Path, contents: Contents) -> NetspecError:
    """The error, with what else the file holds and could have been meant."""
    more = []
    if contents.others:
        # The file's own tensors are a set too, which has no name.
        sets = [f"`{name}`" if name else "those beside it" for name in contents.others]
        message = f"{path}: holds other sets of tensors too, {_listed(sets)}; --take chooses"
        more.append(Diagnostic("NS604", message))
    if contents.odd:
        odd = _listed([f"`{name}`" for name in contents.odd])
        more.append(Diagnostic("NS606", f"{path}: no plain tensors are {odd}"))
    return NetspecError((*error.diagnostics, *more))


def _listed(names: Sequence[str]) -> str:
    """The names, as many as a person reads."""
    rest = len(names) - MAX_TOLD
    return ", ".join(names[:MAX_TOLD]) + (f" and {rest:,} more" if rest > 0 else "")


def find_format(path: Path) -> tuple[Backend | None, Format]:
    """The format of a file by its suffix, and the backend that it belongs to, if any."""
    owners: dict[str, Backend | None] = dict.fromkeys(_NEUTRAL)
    formats = dict(_NEUTRAL)
    for name, able in able_to(HoldsWeights).items():
        for suffix, file_format in able.weight_files.formats.items():
            owners.setdefault(suffix, get_backend(name))
            formats.setdefault(suffix, file_format)
    suffix, file_format = format_of(path, formats)
    return owners[suffix], file_format


def _possible(
    namings: list[Naming], owner: Backend | None, path: Path, source: str | None
) -> list[Naming]:
    """The namings that the format allows; raises :class:`UsageError` where that leaves none."""
    fitting = [naming for naming in namings if owner is None or naming.backend is owner]
    if not fitting:
        assert owner is not None
        raise UsageError(f"{path}: such files hold names of {owner.name}, not of `{source}`")
    return fitting


def _best(
    file: str, tensors: Mapping[str, StoredTensor], namings: list[Naming], how: Matching
) -> Match:
    """The match that fits; raises :class:`NetspecError` with what is wrong in the nearest one."""
    matches = []
    for naming in namings:
        found = match(file, tensors, naming, how)
        if not found.problems:
            return found
        matches.append(found)
    nearest = min(matches, key=lambda found: len(found.problems))
    raise NetspecError(_summed_up(file, nearest.problems))


MAX_TOLD = 20
"""So many problems of one code are told; the rest is counted."""


def _summed_up(file: str, problems: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The problems, of each code as many as a person reads."""
    by_code: dict[str, list[Diagnostic]] = {}
    for problem in problems:
        by_code.setdefault(problem.code, []).append(problem)
    told = []
    for code, found in by_code.items():
        told += found[:MAX_TOLD]
        if len(found) > MAX_TOLD:
            told.append(Diagnostic(code, f"{file}: {len(found) - MAX_TOLD:,} more of this kind"))
    return told


def _guarded(path: Path, name: str, tensor: StoredTensor) -> StoredTensor:
    """The tensor, read only where all of its values are finite."""

    def read() -> Any:
        array = tensor.read()
        wrong = count_not_finite(tensor.dtype, array)
        if wrong:
            message = f"{path}: {wrong:,} of {array.size:,} values of `{name}` are NaN or infinite"
            raise NetspecError([Diagnostic("NS607", message)])
        return array

    return StoredTensor(tensor.dtype, tensor.shape, read)


def _counting(path: Path, name: str, tensor: StoredTensor, dtype: str) -> StoredTensor:
    """The tensor as integers of ``dtype``, read only where its values are such."""

    def read() -> Any:
        import numpy

        number = values(tensor.dtype, tensor.read())
        limits = numpy.iinfo(dtype)
        # Compared as Python's numbers: 2**63 has no place in int64, and its float rounds up to it.
        if not all(n == n // 1 and limits.min <= n <= limits.max for n in number.ravel().tolist()):
            message = f"{path}: `{name}` is {number.tolist()}, and counts in {dtype}"
            raise NetspecError([Diagnostic("NS607", message)])
        return tensor.read() if tensor.dtype == dtype else as_dtype(tensor, dtype).read()

    return StoredTensor(dtype, tensor.shape, read)
