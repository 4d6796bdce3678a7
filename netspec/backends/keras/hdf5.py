"""Reading Keras' weights from HDF5, tensor by tensor, without building or configuring a model.

Since Keras 3 a group is named for its layer's class and a count; the layer's name is an attribute,
which Keras has written since 3.9. Another process looks where everything is (see
:mod:`netspec.backends.keras.hdf5_listing`), and values are read from there.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from netspec.backends.keras import hdf5_listing
from netspec.errors import UsageError
from netspec.system.room import reason
from netspec.weights.storage.archive import is_archive, members_of, open_file
from netspec.weights.storage.formats import Contents, refuse_choice
from netspec.weights.storage.refusal import damaged, unsafe
from netspec.weights.storage.tensors import StoredTensor, read_at

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array

_WEIGHTS = "model.weights.h5"
_SECONDS = 30
"""Listing ten thousand layers takes two."""
_KERNEL = ("kernel", "bias")
_SCALE = ("gamma", "beta")
_VARIABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(depthwise_)?conv[123]d|dense|einsum_dense", _KERNEL),
    (r"batch_normalization", (*_SCALE, "moving_mean", "moving_variance")),
    (r"layer_normalization|group_normalization", _SCALE),
    (r"normalization", ("mean", "variance", "count")),
    (r"p_re_lu", ("alpha",)),
)
"""What the variables of a class are called, in the order in which Keras numbers them."""
_STATISTICS = ("moving_mean", "moving_variance")


@dataclass(frozen=True)
class _Listing:
    """What a file holds.

    Attributes:
        tensors: by the place of the dataset.
        names: the names of layers, by the place of the group of their variables.
        weights: the names of weights, by the place of a layer's group; in files of Keras 2.
    """

    tensors: Mapping[str, StoredTensor]
    names: Mapping[str, str]
    weights: Mapping[str, Sequence[str]]

    @property
    def legacy_root(self) -> str | None:
        """What the places of weights begin with in a file of Keras 2; None in one of Keras 3."""
        tops = {place.partition("/")[0] for place in self.tensors}
        if "model_weights" in tops:
            return "model_weights/"
        if self.weights:  # what names weights is Keras 2
            return ""
        return "" if tops and not any("/vars/" in f"/{place}" for place in self.tensors) else None


@contextmanager
def open_model(path: Path, take: str | None) -> Iterator[Contents]:
    """The weights inside a ``.keras`` file, an archive; its configuration, which could name any class, is left alone."""
    refuse_choice(path, take)
    if not is_archive(path):
        raise damaged(path, "no Keras model, which is a zip archive")
    member = members_of(path).get(_WEIGHTS)
    if member is None:
        raise damaged(path, f"no Keras model: there is no `{_WEIGHTS}` in it")
    with open_file(path) as file:
        yield _contents(path, _listed(path, file, member.offset, member.size))


@contextmanager
def open_weights(path: Path, take: str | None) -> Iterator[Contents]:
    """The weights in an HDF5 file of Keras 3 or 2, of a model or alone."""
    refuse_choice(path, take)
    with open_file(path) as file:
        found = _listed(path, file, 0, path.stat().st_size)
        root = found.legacy_root
        yield _contents(path, found) if root is None else _legacy_contents(path, found, root)


def _listed(path: Path, file: BinaryIO, offset: int, size: int) -> _Listing:
    """Where everything is in a stretch of the file, found out by another process."""
    command = [sys.executable or "", "-I", hdf5_listing.__file__, str(path), str(offset), str(size)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise damaged(path, "no readable HDF5 file (looking into it does not end)") from None
    except OSError as error:  # none may be started, or Python stands in another program
        raise UsageError(
            f"{path}: HDF5 is read in a process of its own, which cannot be started ({reason(error)})"
        ) from error
    except ValueError:  # the process died ahead of its answer
        raise damaged(path, "no readable HDF5 file (looking into it fails)") from None
    if "unsafe" in found:
        raise unsafe(path, found["unsafe"])
    if "error" in found:
        raise damaged(path, f"no readable HDF5 file ({found['error']})")
    end = offset + size
    tensors = {
        place: _tensor(path, file, end, (kind, tuple(shape), start, marked))
        for place, kind, shape, start, marked in found["datasets"]
    }
    return _Listing(tensors, found["groups"], found["weights"])


def _tensor(
    path: Path, file: BinaryIO, end: int, entry: tuple[str, tuple[int, ...], int, str]
) -> StoredTensor:
    import numpy

    kind, shape, start, marked = entry
    written = numpy.dtype(kind)
    dtype = "bfloat16" if marked == "bfloat16" else written.name
    if dtype == "bfloat16":
        written = numpy.dtype("<u2")

    def read() -> Array:
        return read_at(path, file, start, end, written, shape)

    return StoredTensor(dtype, shape, read)


def _contents(path: Path, found: _Listing) -> Contents:
    """The tensors of a file of Keras 3, as ``layer/variable``."""
    tensors: dict[str, StoredTensor] = {}
    left: list[str] = []
    groups: dict[str, dict[str, StoredTensor]] = {}
    for place, tensor in found.tensors.items():
        group, _, number = place.rpartition("/")
        groups.setdefault(group, {})[number] = tensor
    for group, variables in groups.items():
        owner = group.removesuffix("/vars")
        kind = re.sub(r"_\d+$", "", owner.rpartition("/")[2])
        if owner.partition("/")[0] == "optimizer":
            left.append("the optimizer's state")
            continue
        if kind == "seed_generator":
            left.append("the states of random numbers")
            continue
        name = found.names.get(group)
        if name is None:
            raise damaged(
                path,
                f"`{owner}` in it has no layer's name, which Keras writes since 3.9; "
                "save it again with a newer Keras",
            )
        names = _variable_names(kind, len(variables))
        for number, tensor in variables.items():
            key = f"{name}/{names.get(number, number)}"
            if key in tensors:
                raise damaged(path, f"two layers in it are called `{name}`")
            tensors[key] = tensor
    return Contents(tensors, tuple(f"left {what}" for what in dict.fromkeys(left)))


def _variable_names(kind: str, count: int) -> dict[str, str]:
    for pattern, names in _VARIABLES:
        if re.fullmatch(pattern, kind):
            if kind == "batch_normalization" and count == len(_STATISTICS):
                names = _STATISTICS  # without scale and shift
            return {str(index): name for index, name in enumerate(names)}
    return {}


def _legacy_contents(path: Path, found: _Listing, root: str) -> Contents:
    """The tensors of a file of Keras 2, as ``layer/variable``.

    A group is a layer, which may have slashes in its name, or a model inside the model; its attribute
    `weight_names` says what its weights are called and where they are. Source: Keras 2,
    ``saving/legacy/hdf5_format.py``.
    """
    names = _legacy_names(found, root)
    tensors: dict[str, StoredTensor] = {}
    left: tuple[str, ...] = ()
    for place, tensor in found.tensors.items():
        if place.startswith("optimizer_weights/"):
            left = ("left the optimizer's state",)
            continue
        name = names.get(place, place)
        if name in tensors:
            raise damaged(path, f"two tensors in it are called `{name}`")
        tensors[name] = tensor
    return Contents(tensors, left)


def _legacy_names(found: _Listing, root: str) -> dict[str, str]:
    """What each weight is called, by its place; places that no layer claims are left out."""
    names = {}
    for group, weights in found.weights.items():
        layer = group.removeprefix(root)
        pairs = [weight.partition(":")[0].rpartition("/")[::2] for weight in weights]
        owners = {owner for owner, _ in pairs}
        for weight, (owner, variable) in zip(weights, pairs, strict=True):
            # The weights of one layer may be called after a scope; those of several are a model's.
            inner = owner.removeprefix(f"{layer}/") if len(owners) > 1 else layer
            is_depthwise = (
                variable == "depthwise_kernel" and (owner, "pointwise_kernel") not in pairs
            )
            names[f"{group}/{weight}"] = f"{inner}/{'kernel' if is_depthwise else variable}"
    return names
