"""Reading Keras' weights from HDF5, tensor by tensor, without building or configuring a model.

Since Keras 3 a group is named for its layer's class and a count; the layer's name is an attribute,
which Keras has written since 3.9. What lies outside the file, and HDF5 could lead to, is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.storage.archive import Window, is_archive, members_of, open_file
from netspec.storage.formats import Contents, damaged, refuse_choice, unsafe
from netspec.storage.tensors import StoredTensor, carrier

if TYPE_CHECKING:
    from netspec.storage.tensors import Array

_WEIGHTS = "model.weights.h5"
_KERNEL = ("kernel", "bias")
_SCALE = ("gamma", "beta")
_VARIABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(depthwise_)?conv[123]d|dense|einsum_dense", _KERNEL),
    (r"batch_normalization", (*_SCALE, "moving_mean", "moving_variance")),
    (r"layer_normalization|group_normalization", _SCALE),
    (r"p_re_lu", ("alpha",)),
)
"""What the variables of a class are called, in the order in which Keras numbers them."""
_STATISTICS = ("moving_mean", "moving_variance")


@contextmanager
def open_model(path: Path, take: str | None) -> Iterator[Contents]:
    """The weights inside a ``.keras`` file."""
    refuse_choice(path, take)
    if not is_archive(path):
        raise damaged(path, "no Keras model, which is a zip archive")
    member = members_of(path).get(_WEIGHTS)
    if member is None:
        raise damaged(path, f"no Keras model: there is no `{_WEIGHTS}` in it")
    with open_file(path) as file, _opened(path, Window(file, member)) as root:
        yield _contents(path, root)


@contextmanager
def open_weights(path: Path, take: str | None) -> Iterator[Contents]:
    """The weights in a ``.weights.h5`` file."""
    refuse_choice(path, take)
    with open_file(path) as file, _opened(path, file) as root:
        yield _legacy_contents(path, root) if _is_legacy(root) else _contents(path, root)


@contextmanager
def open_legacy(path: Path, take: str | None) -> Iterator[Contents]:
    """The weights in an ``.h5`` file of Keras 2, of a model or alone."""
    refuse_choice(path, take)
    with open_file(path) as file, _opened(path, file) as root:
        if not _is_legacy(root):
            raise damaged(path, "no weights as Keras 2 wrote them; is it a `.weights.h5` file?")
        yield _legacy_contents(path, root)


@contextmanager
def _opened(path: Path, file: Any) -> Iterator[Any]:
    """The root of an HDF5 file; what h5py says of a damaged one becomes our error."""
    import h5py

    try:
        root = h5py.File(file, "r")
    except Exception as error:  # h5py raises by what libhdf5 trips over
        raise damaged(path, f"no readable HDF5 file ({_first_line(error)})") from None
    try:
        yield root
    finally:
        root.close()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _datasets(path: Path, root: Any) -> Mapping[str, Any]:
    """Every dataset by its place. Links to other files are not followed, datasets held there refused."""
    import h5py

    found: dict[str, Any] = {}

    def visit(place: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            if item.is_virtual or item.external:
                raise unsafe(path, f"`{place}` in it leads to another file")
            found[place] = item

    try:
        root.visititems(visit)
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        raise damaged(path, f"no readable HDF5 file ({_first_line(error)})") from None
    return found


def _contents(path: Path, root: Any) -> Contents:
    """The tensors of a file of Keras 3, as ``layer/variable``."""
    found: dict[str, StoredTensor] = {}
    left: list[str] = []
    groups: dict[str, dict[str, Any]] = {}
    for place, dataset in _datasets(path, root).items():
        group, _, number = place.rpartition("/")
        groups.setdefault(group, {})[number] = dataset
    for group, variables in groups.items():
        owner = group.removesuffix("/vars")
        if owner.partition("/")[0] == "optimizer":
            left.append("the optimizer's state")
            continue
        name = root[group].attrs.get("name")
        if not isinstance(name, str):
            raise damaged(
                path,
                f"`{owner}` in it has no layer's name, which Keras writes since 3.9; "
                "save it again with a newer Keras",
            )
        if _class_of(owner) == "seed_generator":
            left.append("the states of random numbers")
            continue
        names = _variable_names(_class_of(owner), len(variables))
        for number, dataset in variables.items():
            key = f"{name}/{names.get(number, number)}"
            if key in found:
                raise damaged(path, f"two layers in it are called `{name}`")
            found[key] = _tensor(path, dataset)
    return Contents(found, tuple(f"left {what}" for what in dict.fromkeys(left)))


def _class_of(owner: str) -> str:
    """``batch_normalization`` of ``layers/batch_normalization_12``"""
    return re.sub(r"_\d+$", "", owner.rpartition("/")[2])


def _variable_names(kind: str, count: int) -> dict[str, str]:
    for pattern, names in _VARIABLES:
        if re.fullmatch(pattern, kind):
            if kind == "batch_normalization" and count == len(_STATISTICS):
                names = _STATISTICS  # without scale and shift
            return {str(index): name for index, name in enumerate(names)}
    return {}


def _is_legacy(root: Any) -> bool:
    return "layer_names" in root.attrs or "model_weights" in root


def _legacy_contents(path: Path, root: Any) -> Contents:
    """The tensors of a file of Keras 2, as ``layer/variable``."""
    model = "model_weights" in root
    found = {}
    left = {"the optimizer's state"} if "optimizer_weights" in root else set()
    for place, dataset in _datasets(path, root).items():
        parts = place.split("/")
        if model and parts[0] != "model_weights":
            continue
        inside = parts[1:] if model else parts
        if len(inside) > 1:
            variable = inside[-1].partition(":")[0]
            found[f"{inside[0]}/{variable}"] = _tensor(path, dataset)
    return Contents(found, tuple(f"left {what}" for what in left))


def _tensor(path: Path, dataset: Any) -> StoredTensor:
    kind = dataset.dtype
    dtype = "bfloat16" if dataset.attrs.get("dtype") == "bfloat16" else str(kind.name)
    if dtype == "bfloat16" and kind.itemsize != 2:
        raise damaged(path, f"`{dataset.name}` in it is said to be bfloat16 and is {kind}")

    def read() -> Array:
        import numpy

        try:
            array = numpy.asarray(dataset[()])
        except Exception as error:  # h5py raises by what libhdf5 trips over
            raise damaged(path, f"`{dataset.name}` cannot be read ({_first_line(error)})") from None
        if dtype == "bfloat16":
            return array.view(carrier(dtype))
        return array.astype(carrier(dtype), copy=False)

    return StoredTensor(dtype, tuple(dataset.shape or ()), read)
